"""Attention over several runs of keys, one after another, merged exactly.

Each part gives unnormalised values, the largest score and the sum of the weights; parts are merged by rescaling
them to a common maximum (the online softmax of FlashAttention, Dao et al. 2022, section 3.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsm_eval.inference.fast_linear import widened
from lsm_eval.inference.generating.packed import Product, fast_product

if TYPE_CHECKING:
    import torch

Part = tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]
"""Weighted values [..., queries, size], largest score and sum of the weights [..., queries, 1]; in float32, or float64
for float64 models."""


def attend(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    softcap: float | None,
    hidden: torch.Tensor | None,
) -> Part:
    """Scaled `query` [batch, queries, size] over `keys` and `values` [batch, keys, size].

    `hidden` masks the keys that a query does not see, [queries, keys] or [batch, 1, keys]. A query that sees none gets
    the sum 0.
    """
    import torch

    if widened(query.dtype, query.device.type):
        query, keys, values = query.float(), keys.float(), values.float()
    product = fast_product(query)
    if product is None:
        return _attend(query, keys, values, softcap, hidden, torch.bmm)
    # Head by head: such products take no batch, and the scores of one head stay in the CPU's cache.
    heads = [_attend(*head, softcap, hidden, product) for head in zip(query, keys, values, strict=True)]
    weighted, largest, sums = (torch.stack(part) for part in zip(*heads, strict=True))
    return weighted, largest, sums


def _attend(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    softcap: float | None,
    hidden: torch.Tensor | None,
    product: Product,
) -> Part:
    import torch

    scores = product(query, keys.transpose(-1, -2))
    if scores.dtype in (torch.bfloat16, torch.float16):
        scores = scores.float()
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    if hidden is not None:
        scores.masked_fill_(hidden, float("-inf"))
    largest = scores.amax(dim=-1, keepdim=True)
    if hidden is not None:
        largest.clamp_(min=torch.finfo(scores.dtype).min)
    weights = scores.sub_(largest).exp_()
    sums = weights.sum(dim=-1, keepdim=True)
    return product(weights.to(values.dtype), values).to(weights.dtype), largest, sums


class Merge:
    """Merges parts for all queries of a pass, [key heads, groups, tokens, size]."""

    def __init__(self, queries: torch.Tensor) -> None:
        """`asked`: the queries, for their shape."""
        self._asked = queries
        self._parts: Part | None = None

    def add(self, part: Part, rows: Any = None) -> None:
        """Add a part for the tokens `rows` (a slice or a tensor of indices), or for all."""
        import torch

        if rows is not None and self._parts is None:
            shape = (*self._asked.shape[:3], 1)
            values, largest, sums = part
            self._parts = (
                values.new_zeros(*shape[:3], values.shape[-1]),
                largest.new_full(shape, torch.finfo(largest.dtype).min),
                sums.new_zeros(shape),
            )
        if self._parts is None:
            self._parts = part
        elif rows is None:
            self._parts = _merged(self._parts, part)
        else:
            old: Any = tuple(whole[:, :, rows] for whole in self._parts)
            for whole, new in zip(self._parts, _merged(old, part), strict=True):
                whole[:, :, rows] = new

    def result(self) -> torch.Tensor:
        """The result in the shape of transformers' attention functions: [1, tokens, heads, size]."""
        assert self._parts is not None
        values, _, sums = self._parts
        return (values / sums).to(self._asked.dtype).flatten(0, 1).transpose(0, 1)[None]


def _merged(one: Part, other: Part) -> Part:
    import torch

    largest = torch.maximum(one[1], other[1])
    scale, scale_other = (one[1] - largest).exp_(), (other[1] - largest).exp_()
    return (
        one[0] * scale + other[0] * scale_other,
        largest,
        one[2] * scale + other[2] * scale_other,
    )
