"""Attention among the tokens of a tree: every query sees only itself and its ancestors.

It is registered with transformers as an attention implementation, so that a model's own layers call it with their queries,
keys and values (rotated, normalised and scaled by the architecture). A block of queries attends only to keys that any of
them sees, which leaves out most of a piece: its other branches. A long run of tokens without a branch (a text whose
perplexity is computed, a long question) is a chain, for which PyTorch has a kernel that needs no mask. A layer's sliding
window is applied by the tokens' positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lsm_eval.inference.fast_linear import widened
from lsm_eval.inference.scoring.attention_kernels import Block, Chain, along, flex, over
from lsm_eval.inference.scoring.tree import Ints, Piece

if TYPE_CHECKING:
    import torch

NAME = "lsm_eval_tree"
BLOCK_CPU, BLOCK_ACCELERATOR = 128, 1024
LONG = 512  # tokens in a row without a branch from which on they are a chain
_HARMLESS = frozenset(
    {"dropout", "is_causal", "scaling", "sliding_window", "softcap", "position_ids", "cache_position",
     "use_cache", "past_key_values", "output_attentions", "output_hidden_states", "output_router_logits",
     "return_dict", "attention_mask", "logits_to_keep", "cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k"}
)  # fmt: skip
"""Arguments that a layer may pass besides queries, keys and values without changing the result of attention."""


def chains_of(piece: Piece) -> list[tuple[int, int, Ints]]:
    """Long runs of tokens that are each the child of the one before.

    Begin, end and keys (the ancestors in order of depth, then the run). With more ancestors than tokens in the run, most of
    the kernel's triangle would be wasted: such a run is left to blocks.
    """
    edges = np.flatnonzero(np.diff(piece.depths) != 1) + 1
    found = []
    for begin, end in pairwise([0, *edges.tolist(), len(piece.tokens)]):
        if end - begin >= LONG:
            above = np.flatnonzero(piece.last[: piece.path + begin] > begin)
            if len(above) <= end - begin:
                found.append((begin, end, np.concatenate([above, np.arange(begin, end) + piece.path])))
    return found


class TreeMask:
    """The blocks and chains of one piece, for every window that a layer may have."""

    def __init__(self, piece: Piece, dtype: torch.dtype, device: str, *, flex: bool = False) -> None:
        """`flex`: for PyTorch's FlexAttention instead of blocks."""
        import torch

        self._piece, self._device, self.flex = piece, device, flex
        self._dtype = torch.float32 if widened(dtype, device) else dtype
        self._block = BLOCK_CPU if device == "cpu" else BLOCK_ACCELERATOR
        self._first, self._key_depths = piece.first, piece.key_depths
        self._made: dict[tuple[int | None, bool], list[Block | Chain]] = {}
        self.pairs = 0
        """Pairs of a query and a key that it sees, summed over the layers so far."""
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
        """The window, or None if it is not shorter than the longest sequence."""
        return None if window is None or window > int(self._piece.depths.max()) else window

    def parts(self, window: int | None, *, capped: bool = False) -> list[Block | Chain]:
        """The parts, in order, for layers with this window (None for layers that see all).

        `capped`: the layer soft-caps its scores, which the chains' kernel cannot do.
        """
        window = self._binding(window)
        chained = window is None and not capped
        if (window, chained) not in self._made:
            self._made[window, chained] = self._make(window, chains_of(self._piece) if chained else [])
        self.pairs += self._count[window]
        return self._made[window, chained]

    def _make(self, window: int | None, chains: Sequence[tuple[int, int, Ints]]) -> list[Block | Chain]:
        import torch

        piece = self._piece
        made: list[Block | Chain] = [Chain(begin, end, self._keys(keys)) for begin, end, keys in chains]
        count = sum(int((piece.depths[begin:end] + 1).sum()) for begin, end, _ in chains)
        for begin, end in self._between(chains):
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
            hidden = int(seen.all(axis=0).argmin())
            made.append(Block(begin, end, self._keys(keys), mask.to(self._device), hidden))
        self._count[window] = count
        return sorted(made, key=lambda part: part.begin)

    def _keys(self, keys: Ints) -> torch.Tensor | slice:
        """An index for these keys: a slice if they are contiguous, which copies nothing."""
        import torch

        run = len(keys) == keys[-1] - keys[0] + 1
        return slice(int(keys[0]), int(keys[-1]) + 1) if run else torch.from_numpy(keys).to(self._device)

    def _between(self, chains: Sequence[tuple[int, int, Ints]]) -> Iterator[tuple[int, int]]:
        """Begin and end of the blocks that cover the tokens outside of chains."""
        starts = [0, *(end for _, end, _ in chains)]
        stops = [*(begin for begin, _, _ in chains), len(self._piece.tokens)]
        for start, stop in zip(starts, stops, strict=True):
            for begin in range(start, stop, self._block):
                yield begin, min(begin + self._block, stop)

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

        # Each token sees itself and its ancestors, whose number is its depth.
        count = piece.depths + 1
        self._count[window] = int((count if window is None else np.minimum(count, window)).sum())
        return create_block_mask(seen, 1, 1, len(piece.tokens), len(piece.last), device=self._device)


class _Current:
    """The piece that is going through the model, and the windows of its layers."""

    mask: TreeMask | None = None
    windows: set[int | None] = set()  # noqa: RUF012 (one model at a time goes through a tree)


def windows_seen() -> set[int | None]:
    """The sliding windows that layers have used since `tree_attention` was entered."""
    return set(_Current.windows)


@contextmanager
def tree_attention(model: Any) -> Iterator[None]:
    """Inside this context the model's layers attend through `attend`."""
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
    """Inside this context the tokens of this piece go through the model."""
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
    width]. Raises `NotImplementedError` for a layer with unknown kinds of attention.
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
        return flex(query, key, value, mask.flexible(window), scale, softcap), None
    dtype = query.dtype
    if widened(dtype, query.device.type):
        query, key, value = query.float(), key.float(), value.float()
    parts = []
    for part in mask.parts(window, capped=softcap is not None):
        own = query[:, :, part.begin : part.end], key[:, :, part.keys], value[:, :, part.keys]
        parts.append(
            along(*own, scale) if isinstance(part, Chain) else over(*own, part, scale=scale, softcap=softcap)
        )
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous().to(dtype), None
