"""Linear layers on a CPU with a second copy of their weights in float32, in oneDNN's layout.

`fast_linear` reorders the weights in every pass, which matters if passes have few tokens. On one core of an AMD EPYC,
SmolLM2-135M's layers take 0.6 of its time for 8 tokens, 0.8 for 32 and 0.9 for 64 (and 0.4 of MKL's for each).
16-bit layers get a copy if the processor has no instructions for their dtype (`fast_linear`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lsm_eval.inference.fast_linear import plain, usable, widened

if TYPE_CHECKING:
    import torch

Product = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]

_LEAST_ROWS = 16  # with fewer, PyTorch's own batched product is faster
_MOST = 0.5  # share of the free memory that the copy may take


def fast_product(left: torch.Tensor) -> Product | None:
    """A faster product of two matrices than PyTorch's, for `left` [batch, rows, inner]; None if there is none."""
    import torch

    if left.shape[1] < _LEAST_ROWS or not usable(left.dtype, left.device.type):
        return None
    linear = torch.ops.mkldnn._linear_pointwise
    return lambda one, other: linear(one, other.transpose(0, 1), None, "none", [], "")


class PackedLinears:
    """A second copy of a model's linear layers, in oneDNN's layout, used while `active`."""

    def __init__(self, model: Any, free: int | None) -> None:
        """`free`: bytes of free memory, None if unknown. If the copy does not fit, none is made."""
        import torch

        self._forwards: list[tuple[Any, Any]] = []
        self.bytes = 0
        """Size of the copy."""
        layers = [
            module
            for module in model.modules()
            if plain(module)
            and any(kind(module.weight.dtype, module.weight.device.type) for kind in (usable, widened))
        ]
        size = sum(4 * layer.weight.numel() for layer in layers)
        if free is not None and size > _MOST * free:
            return
        self.bytes = size
        with torch.inference_mode():
            for layer in layers:
                packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach().float(), None)
                bias = None if layer.bias is None else layer.bias.detach().float()
                self._forwards.append((layer, _forward(packed, bias, layer.weight.dtype)))

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside this context the model's linear layers use the copy."""
        for layer, forward in self._forwards:
            layer.forward = forward
        try:
            yield
        finally:
            for layer, _ in self._forwards:
                del layer.forward


def _forward(packed: Any, bias: Any, dtype: torch.dtype) -> Any:
    import torch

    linear = torch.ops.mkldnn._linear_pointwise

    def forward(hidden: Any) -> Any:
        return linear(hidden, packed, bias, "none", [], "")

    def rounded(hidden: Any) -> Any:
        return linear(hidden.float(), packed, bias, "none", [], "").to(dtype)

    return forward if dtype == torch.float32 else rounded
