"""Attention of one layer: over a block of queries with a mask, or along a chain of tokens."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from lsm_eval.inference.fast_linear import product, usable

if TYPE_CHECKING:
    import torch

_FAST_KEYS = 192  # with fewer, PyTorch's own attention is faster


class Block:
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


class Chain:
    """Queries `begin` to `end`, each the child of the one before; each sees all keys down to itself."""

    __slots__ = ("begin", "end", "keys")

    def __init__(self, begin: int, end: int, keys: torch.Tensor | slice) -> None:
        self.begin, self.end = begin, end
        self.keys = keys
        """The chain's ancestors in order of depth, then itself."""


def along(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None) -> torch.Tensor:
    """Attention along a chain; shapes as for `over`, `keys` at least as many as `queries`.

    PyTorch's causal kernel lets query number i see the keys 0 to i, so empty queries for the ancestors are put in front,
    and their results dropped.
    """
    import torch

    groups, above = query.shape[1] // key.shape[1], key.shape[2] - query.shape[2]
    if above:
        query = torch.nn.functional.pad(query, (0, 0, above, 0))
    found: torch.Tensor = torch.nn.functional.scaled_dot_product_attention(
        query, _repeat(key, groups), _repeat(value, groups), is_causal=True, scale=scale
    )
    return found[:, :, above:]


def over(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    block: Block,
    *,
    scale: float | None,
    softcap: float | None,
) -> torch.Tensor:
    """Attention over a block of queries.

    `query` [1, heads, queries, width], `key` and `value` [1, key heads, keys, width]; returns [1, heads, queries,
    width].
    """
    import torch

    if softcap is None and usable(query.dtype, query.device.type) and key.shape[2] >= _FAST_KEYS:
        return _fast(query, key, value, block, scale)
    groups = query.shape[1] // key.shape[1]
    key, value = _repeat(key, groups), _repeat(value, groups)
    if softcap is not None:
        return _capped(query, key, value, block.mask, scale, softcap)
    found: torch.Tensor = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=block.mask, scale=scale
    )
    return found


def _fast(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, block: Block, scale: float | None
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
    """FlexAttention, compiled except on a CPU, where it runs uncompiled for tests."""
    import torch
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention if device == "cpu" else torch.compile(flex_attention, dynamic=True)


def flex(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: Any,
    scale: float | None,
    softcap: float | None,
) -> torch.Tensor:
    """Attention of a whole piece by FlexAttention under a `BlockMask`; returns [1, queries, heads, width]."""
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
    """Repeats each key head for the query heads that share it."""
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
    """Attention with soft-capped scores: tanh before the mask (Gemma 2, section 2)."""
    import torch

    scores = query @ key.transpose(-1, -2) * (scale if scale is not None else query.shape[-1] ** -0.5)
    scores = torch.tanh(scores / softcap) * softcap + mask
    return torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype) @ value
