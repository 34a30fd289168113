"""Attention among the tokens of a tree: every query sees itself and its ancestors, and no more.

Registered with transformers as an attention implementation of its own, so that a model's own layers call it
with their queries, keys and values (rotated, normalised, scaled as the architecture has it). A block of queries
attends only to keys that any of them sees, which leaves out most of a piece: its other branches. A layer's
sliding window is intersected by the tokens' positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lsm_eval.inference.fast_linear import product, usable
from lsm_eval.inference.scoring.tree import Piece

if TYPE_CHECKING:
    import torch

NAME = "lsm_eval_tree"
_FAST_KEYS = 192  # below, PyTorch's own attention is quicker
BLOCK_CPU, BLOCK_ACCELERATOR = 128, 1024
_HARMLESS = frozenset(
    {"dropout", "is_causal", "scaling", "sliding_window", "softcap", "position_ids", "cache_position",
     "use_cache", "past_key_values", "output_attentions", "output_hidden_states", "output_router_logits",
     "return_dict", "attention_mask", "logits_to_keep", "cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k"}
)  # fmt: skip
"""What a layer may hand over beside queries, keys and values without changing what attention gives."""


class _Block:
    """Queries `begin` to `end` with the keys that any of them sees."""

    __slots__ = ("begin", "end", "hidden", "keys", "mask")

    def __init__(
        self, begin: int, end: int, keys: torch.Tensor | slice, mask: torch.Tensor, hidden: int
    ) -> None:
        self.begin, self.end, self.hidden = begin, end, hidden
        """`hidden`: every query sees all keys before this one."""
        self.keys = keys
        self.mask = mask
        """Added to the scores, shape [queries, keys]: 0 or minus infinity."""


class TreeMask:
    """The blocks of one piece, for every window that a layer may have."""

    def __init__(self, piece: Piece, dtype: torch.dtype, device: str, *, flex: bool = False) -> None:
        """`flex`: for PyTorch's FlexAttention in place of blocks."""
        self._piece, self._dtype, self._device, self.flex = piece, dtype, device, flex
        self._block = BLOCK_CPU if device == "cpu" else BLOCK_ACCELERATOR
        self._first, self._key_depths = piece.first, piece.key_depths
        self._by_window: dict[int | None, list[_Block]] = {}
        self.pairs = 0
        """Pairs of a query and a key that it sees, summed over the layers that asked so far."""
        self._count: dict[int | None, int] = {}
        self._flexible: dict[int | None, Any] = {}

    def flexible(self, window: int | None) -> Any:
        """The `BlockMask` for layers with this window."""
        window = self._binding(window)
        if window not in self._flexible:
            self._flexible[window] = self._make_flexible(window)
        self.pairs += self._count[window]
        return self._flexible[window]

    def _binding(self, window: int | None) -> int | None:
        """The window, or None where it is no shorter than the longest sequence."""
        return None if window is None or window > int(self._piece.depths.max()) else window

    def blocks(self, window: int | None) -> list[_Block]:
        """The blocks for layers with this window (None for layers that see all)."""
        window = self._binding(window)
        if window not in self._by_window:
            self._by_window[window] = self._make(window)
        self.pairs += self._count[window]
        return self._by_window[window]

    def _make(self, window: int | None) -> list[_Block]:
        import torch

        piece, size = self._piece, len(self._piece.tokens)
        made, count = [], 0
        for begin in range(0, size, self._block):
            end = min(begin + self._block, size)
            keys = np.flatnonzero((self._first < end) & (piece.last > begin))
            query = np.arange(begin, end)[:, None]
            seen = (self._first[keys] <= query) & (query < piece.last[keys])
            if window is not None:
                near = piece.depths[begin:end, None] - self._key_depths[keys] < window
                seen &= near
                used = seen.any(axis=0)
                keys, seen = keys[used], seen[:, used]
            count += int(seen.sum())
            mask = torch.zeros(seen.shape, dtype=self._dtype)
            mask.masked_fill_(~torch.from_numpy(seen), torch.finfo(self._dtype).min)
            run = len(keys) == keys[-1] - keys[0] + 1
            chosen: torch.Tensor | slice = (
                slice(int(keys[0]), int(keys[-1]) + 1) if run else torch.from_numpy(keys).to(self._device)
            )
            made.append(_Block(begin, end, chosen, mask.to(self._device), int(seen.all(axis=0).argmin())))
        self._count[window] = count
        return made

    def _make_flexible(self, window: int | None) -> Any:
        import torch
        from torch.nn.attention.flex_attention import create_block_mask

        piece = self._piece
        first, last, depths, key_depths = (
            torch.from_numpy(np.ascontiguousarray(array)).to(self._device)
            for array in (self._first, piece.last, piece.depths, self._key_depths)
        )

        def seen(batch: Any, head: Any, query: Any, key: Any) -> Any:
            found = (first[key] <= query) & (query < last[key])
            return found if window is None else found & (depths[query] - key_depths[key] < window)

        # Each token sees itself and its ancestors, as many as it is deep.
        count = piece.depths + 1
        self._count[window] = int((count if window is None else np.minimum(count, window)).sum())
        return create_block_mask(seen, 1, 1, len(piece.tokens), len(piece.last), device=self._device)


class _Current:
    """The piece that is going through the model, and what its layers asked for."""

    mask: TreeMask | None = None
    windows: set[int | None] = set()  # noqa: RUF012 (one model at a time goes through a tree)


def windows_seen() -> set[int | None]:
    """The sliding windows that layers have asked for since `tree_attention` was entered."""
    return set(_Current.windows)


@contextmanager
def tree_attention(model: Any) -> Iterator[None]:
    """Let the model's layers attend through `attend`, until the context is left."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)
    before = model.config._attn_implementation
    model.set_attn_implementation(NAME)
    _Current.windows = set()
    try:
        yield
    finally:
        model.set_attn_implementation(before)
        _Current.mask = None


@contextmanager
def attending(mask: TreeMask) -> Iterator[None]:
    """The piece whose tokens go through the model in the context's body."""
    _Current.mask = mask
    try:
        yield
    finally:
        _Current.mask = None


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of one layer, by transformers' convention.

    `query` [1, heads, queries, width], `key` and `value` [1, key heads, keys, width]; returns [1, queries, heads,
    width]. Raises `NotImplementedError` for a layer that attends in a way not known here.
    """
    import torch

    mask = _Current.mask
    if mask is None:
        raise NotImplementedError("attention in a tree, but no piece is going through")
    odd = [name for name, given in options.items() if given is not None and name not in _HARMLESS]
    if odd or attention_mask is not None:
        raise NotImplementedError(f"attention with {', '.join(odd) or 'a mask of its own'}")
    window, softcap = options.get("sliding_window"), options.get("softcap")
    _Current.windows.add(window)
    scale = options.get("scaling")
    if mask.flex:
        return _flex(query, key, value, mask.flexible(window), scale, softcap), None
    groups = query.shape[1] // key.shape[1]
    fast = usable(query.dtype, query.device.type)
    parts = []
    for block in mask.blocks(window):
        own_query = query[:, :, block.begin : block.end]
        own_key, own_value = key[:, :, block.keys], value[:, :, block.keys]
        if softcap is None and fast and own_key.shape[2] >= _FAST_KEYS:
            parts.append(_fast(own_query, own_key, own_value, block, scale))
            continue
        own_key, own_value = _repeat(own_key, groups), _repeat(own_value, groups)
        if softcap is None:
            parts.append(
                torch.nn.functional.scaled_dot_product_attention(
                    own_query, own_key, own_value, attn_mask=block.mask, scale=scale
                )
            )
        else:
            parts.append(_capped(own_query, own_key, own_value, block.mask, scale, softcap))
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


def _fast(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, block: _Block, scale: float | None
) -> torch.Tensor:
    """Attention by oneDNN's products, one key head with all its query heads at a time."""
    import torch

    mask, hidden = block.mask, block.hidden
    _, heads, rows, width = query.shape
    shared = key.shape[1]
    groups = heads // shared
    factor = scale if scale is not None else width**-0.5
    found = query.new_empty((1, heads, rows, value.shape[-1]))
    for head in range(shared):
        own = slice(head * groups, (head + 1) * groups)
        scores = product((query[0, own] * factor).reshape(groups * rows, width), key[0, head])
        scores.view(groups, rows, -1)[..., hidden:].add_(mask[:, hidden:])
        torch.softmax(scores, dim=-1, out=scores)
        found[0, own] = product(scores, value[0, head].t().contiguous()).view(groups, rows, -1)
    return found


@cache
def _flex_kernel(device: str) -> Any:
    """FlexAttention, compiled where its kernel is worth it; on a CPU it runs step by step, for tests."""
    import torch
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention if device == "cpu" else torch.compile(flex_attention, dynamic=True)


def _flex(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: Any,
    scale: float | None,
    softcap: float | None,
) -> torch.Tensor:
    import torch

    cap = softcap or 0.0

    def capped(score: Any, batch: Any, head: Any, row: Any, column: Any) -> Any:
        return torch.tanh(score / cap) * cap

    found: torch.Tensor = _flex_kernel(query.device.type)(
        query,
        key,
        value,
        score_mod=None if softcap is None else capped,
        block_mask=mask,
        scale=scale,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return found.transpose(1, 2).contiguous()


def _repeat(heads: torch.Tensor, groups: int) -> torch.Tensor:
    """Each key head as often as query heads share it."""
    if groups == 1:
        return heads
    batch, count, length, width = heads.shape
    return heads[:, :, None].expand(batch, count, groups, length, width).reshape(batch, -1, length, width)


def _capped(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    scale: float | None,
    softcap: float,
) -> torch.Tensor:
    """Attention whose scores are squeezed by a tanh before the mask (Gemma 2, section 2)."""
    import torch

    scores = query @ key.transpose(-1, -2) * (scale if scale is not None else query.shape[-1] ** -0.5)
    scores = torch.tanh(scores / softcap) * softcap + mask
    return torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype) @ value
