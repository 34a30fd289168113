"""Linear layers on a CPU by oneDNN instead of PyTorch's own product.

PyTorch's (MKL's) uses narrower kernels on processors that are not Intel's: on an AMD EPYC with AVX-512 oneDNN takes
2.2 times less time (`benchmarks/RESULTS.md`). The sums are the same in another order of addition. Whether it is used
depends on the build and the dtype alone, so that the same command gives the same bits.

A processor without instructions for 16-bit numbers multiplies them at a sixth of the speed of float32. Then the numbers
are widened, which loses nothing, multiplied, and the sums rounded, as such an instruction would do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_SLICE = 2**22  # weights that are widened at once, 16 MB: they stay in the processor's last-level cache
_LEAST_WIDENED = 8  # rows; with fewer, widening the weights takes longer than it saves


def usable(dtype: torch.dtype, device: str) -> bool:
    """Whether oneDNN's product can be used for tensors of this kind."""
    import torch

    return (
        device == "cpu"
        and dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def widened(dtype: torch.dtype, device: str) -> bool:
    """Whether products of this dtype are faster in float32."""
    import torch

    short = dtype in {torch.bfloat16, torch.float16}
    return short and usable(torch.float32, device) and not _instructions(dtype)


def _instructions(dtype: torch.dtype) -> bool:
    """Whether this processor has instructions for this 16-bit dtype, according to oneDNN."""
    import torch

    ours = torch.ops.mkldnn
    found = ours._is_mkldnn_bf16_supported() if dtype == torch.bfloat16 else ours._is_mkldnn_fp16_supported()
    return bool(found)


def plain(module: Any) -> bool:
    """Whether a module is a linear layer with ordinary weights, not quantised ones."""
    import torch

    return type(module) is torch.nn.Linear and type(module.weight) is torch.nn.Parameter


def product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """`left` [rows, inner] times the transpose of `right` [columns, inner], where `usable`."""
    import torch

    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(left, right, None, "none", [], "")
    return found


@contextmanager
def fast_linears(model: Any) -> Iterator[None]:
    """Inside this context the model's linear layers use oneDNN, on the weights as they are."""

    changed = []
    try:
        for module in model.modules():
            if not plain(module):
                continue
            kind = module.weight.dtype, module.weight.device.type
            if usable(*kind) or widened(*kind):
                module.forward = _forward(module) if usable(*kind) else _widened_forward(module)
                changed.append(module)
        yield
    finally:
        for module in changed:
            del module.forward


def _forward(module: Any) -> Any:
    import torch

    linear = torch.ops.mkldnn._linear_pointwise
    return lambda hidden: linear(hidden, module.weight, module.bias, "none", [], "")


def _widened_forward(module: Any) -> Any:
    """The layer computed in float32, a slice of its weights at a time, and rounded to its own dtype."""
    import torch

    weight, bias = module.weight, module.bias
    dtype, height = weight.dtype, max(_SLICE // weight.shape[1], 1)

    def forward(hidden: torch.Tensor) -> torch.Tensor:
        rows = hidden.reshape(-1, hidden.shape[-1])
        if rows.shape[0] < _LEAST_WIDENED:
            return torch.nn.functional.linear(hidden, weight, bias)
        wide = rows.float()
        found = torch.empty((rows.shape[0], weight.shape[0]), dtype=dtype)
        for begin in range(0, weight.shape[0], height):
            end = begin + height
            sums = product(wide, weight[begin:end].float())
            if bias is not None:
                sums.add_(bias[begin:end])
            found[:, begin:end] = sums
        return found.view(*hidden.shape[:-1], weight.shape[0])

    return forward
