"""Float32 linear layers of a CPU through oneDNN in place of PyTorch's own product.

PyTorch's (MKL's) uses narrower kernels on processors that are not Intel's: on an AMD EPYC with AVX-512 oneDNN takes
2.2 times less time (`benchmarks/RESULTS.md`). The sums are the same in another order of addition. Whether it is used
depends on the build and the dtype alone, so that the same command gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def usable(dtype: torch.dtype, device: str) -> bool:
    """Whether oneDNN's product is there for tensors of this kind."""
    import torch

    return (
        device == "cpu"
        and dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def plain(module: Any) -> bool:
    """Whether a module is a linear layer of plain numbers: quantised weights are products of another kind."""
    import torch

    return type(module) is torch.nn.Linear and type(module.weight) is torch.nn.Parameter


def product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """`left` [rows, inner] times the transpose of `right` [columns, inner], where `usable`."""
    import torch

    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(left, right, None, "none", [], "")
    return found


@contextmanager
def fast_linears(model: Any) -> Iterator[None]:
    """The model's linear layers compute through oneDNN in here, on the weights as they are."""

    changed = []
    try:
        for module in model.modules():
            if plain(module) and usable(module.weight.dtype, module.weight.device.type):
                module.forward = _forward(module)
                changed.append(module)
        yield
    finally:
        for module in changed:
            del module.forward


def _forward(module: Any) -> Any:
    import torch

    linear = torch.ops.mkldnn._linear_pointwise
    return lambda hidden: linear(hidden, module.weight, module.bias, "none", [], "")
