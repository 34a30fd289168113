"""How far the layers of a model attend: sliding windows and chunks."""

from __future__ import annotations

from typing import Any


def attention_window(config: Any, longest: int) -> int | None:
    """The sliding window of the layers, if it is shorter than `longest` tokens; otherwise None."""
    window = _number(config, "sliding_window")
    used = getattr(_text(config), "use_sliding_window", True)
    return window if used and window is not None and longest > window else None


def attention_chunk(config: Any, longest: int) -> bool:
    """Whether layers attend within chunks that are shorter than `longest` tokens, as Llama 4's do."""
    chunk = _number(config, "attention_chunk_size")
    return chunk is not None and longest > chunk


def shortest_view(config: Any) -> float:
    """The fewest tokens that any layer attends to, according to the configuration; infinite if it does not say."""
    named = (_number(config, name) for name in ("sliding_window", "attention_chunk_size", "window_size"))
    return min((number for number in named if number), default=float("inf"))


def _text(config: Any) -> Any:
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _number(config: Any, name: str) -> int | None:
    value = getattr(_text(config), name, None)
    return value if isinstance(value, int) and value > 0 else None
