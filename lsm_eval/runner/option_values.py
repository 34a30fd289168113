"""Allowed values and defaults of a run's options, for the command line and for Python.

Help texts need this module, so it imports nothing heavy. Names are those of the options, with underscores.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

Api = Literal["auto", "chat", "completions", "responses"]
Stream = Literal["auto", "on", "off"]
ChatMode = Literal["auto", "on", "off"]
Choices = Literal["auto", "likelihood", "generate", "parsed"]
Reasoning = Literal["auto", "keep", "strip"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "on"]
Overflow = Literal["error", "truncate", "skip"]
Engine = Literal["auto", "tree", "plain"]
JudgeRead = Literal["auto", "likelihood", "text"]
Redact = Literal["none", "licence", "sensitive", "all"]
Tracker = Literal["mlflow", "wandb", "trackio"]

MODEL: Final = "builtin:smollm2-135m"
OUT: Final = "reports"
SEED: Final = 0
AUTO: Final = "auto"
OVERFLOW: Final = "error"
REDACT: Final = "none"
MAX_SEED: Final = 2**32 - 1
"""The largest seed that every random number generator accepts."""

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "api": get_args(Api),
        "stream": get_args(Stream),
        "chat": get_args(ChatMode),
        "choices": get_args(Choices),
        "reasoning": get_args(Reasoning),
        "reasoning_effort": get_args(Effort),
        "overflow": get_args(Overflow),
        "engine": get_args(Engine),
        "judge_read": get_args(JudgeRead),
        "judge_api": get_args(Api),
        "judge_stream": get_args(Stream),
        "redact": get_args(Redact),
        "log_to": get_args(Tracker),
    }
)
"""Options that take one of several words, and these words."""

RANGES: Mapping[str, tuple[int, int | None]] = MappingProxyType(
    {
        "max_concurrency": (1, None),
        "judge_max_concurrency": (1, None),
        "context": (1, None),
        "slots": (1, None),
        "threads": (1, None),
        "shots": (0, None),
        "seed": (0, MAX_SEED),
        "max_tokens": (1, None),
        "reasoning_tokens": (0, None),
    }
)
"""Options that take an integer: the smallest value, and the largest if there is one."""
