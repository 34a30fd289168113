"""What this machine can do, measured: operations a second of a matrix product, and bytes a second of reading."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsm_eval.inference.fast_linear import product, usable
from lsm_eval.inference.settle import settle

if TYPE_CHECKING:
    import torch

_SIZES = {"cpu": (256, 512, 1024, 2048), "other": (1024, 2048, 4096, 8192)}
_PRODUCT_SECONDS = 0.3
_READ_SECONDS = 0.15
_AGAIN = 4  # times that a disturbed measurement is repeated
# Of one timing: so long that neither the clock nor starting a kernel counts, and longer than an operating system
# lets a process have a core to itself, since who shares a machine computes and measures under the same conditions.
_LEAST_SECONDS = 2e-2
_READ_BYTES = {"cpu": 256 * 2**20, "other": 1024 * 2**20}  # several times any cache


@dataclass(frozen=True, slots=True)
class Machine:
    """What one device did just now, with as many threads as torch uses."""

    flops_per_second: float | None
    """Of a product of two square matrices in the model's dtype; None where there was no memory for it."""
    bytes_per_second: float | None
    """Of reading memory; None where there was no memory for it."""


UNMEASURED = Machine(None, None)


def measure_machine(device: str, dtype: str) -> Machine:
    """Measure the torch device `device` with tensors of `dtype` (`float32`, …), in about half a second."""
    return Machine(
        _or_none(lambda: matmul_flops(device, dtype), device),
        _or_none(lambda: memory_bandwidth(device), device),
    )


def measure_beside(device: str, dtype: str, reached: float) -> Machine:
    """As `measure_machine`, beside a run that `reached` so many operations a second.

    No model is faster than the products that it consists of: where one seems slower, the measurement does not say what
    the machine can do, and is made again, a few times at most. The best counts.
    """
    best = measure_machine(device, dtype)
    for _ in range(_AGAIN):
        if best.flops_per_second is None or best.flops_per_second >= reached:
            break
        again = measure_machine(device, dtype)
        best = Machine(
            _larger(best.flops_per_second, again.flops_per_second),
            _larger(best.bytes_per_second, again.bytes_per_second),
        )
    return best


def _larger(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known) if known else None


def matmul_flops(device: str, dtype: str, seconds: float = _PRODUCT_SECONDS) -> float:
    """Operations a second of a product of square matrices: two for each multiplication with its addition.

    Of several sizes the best counts, since a share is only worth something of what the machine can do at its
    best: small products are bound by starting them and large ones may no longer fit a cache. Of one size's
    timings the median counts, since the fastest is luck and the mean is whatever disturbed one. The second
    matrix is transposed, as a linear layer's weights are, and both are random: processors multiply zeros with
    less power, and so faster. Where oneDNN's product is there it is measured, which no processor is known to be
    slower with than with PyTorch's own; models run on it, too (`inference.fast_linear`). Raises RuntimeError where memory runs out.
    """
    import torch

    best, left = 0.0, seconds
    sizes = _SIZES[_kind(device)]
    fast = usable(getattr(torch, dtype), device)
    for number, size in enumerate(sizes):
        one, other = (torch.randn(size, size, device=device).to(getattr(torch, dtype)) for _ in range(2))
        flops = 2 * size**3
        if best and 3 * flops / best > left:
            break  # the next would take longer than there is time
        start = time.perf_counter()
        taken = _median_seconds(
            lambda one=one, other=other: (product if fast else torch.nn.functional.linear)(one, other),  # type: ignore[misc]
            device,
            left / (len(sizes) - number),
        )
        left -= time.perf_counter() - start
        best = max(best, flops / taken)
    return best


def memory_bandwidth(device: str, seconds: float = _READ_SECONDS) -> float:
    """Bytes a second that are read from memory, by summing a buffer that no cache holds: a sum does as little
    with each number as can be done. Raises RuntimeError where memory runs out."""
    import torch

    numbers = torch.ones(_READ_BYTES[_kind(device)] // 4, device=device)
    taken = _median_seconds(numbers.sum, device, seconds)
    return numbers.numel() * 4 / taken


def _median_seconds(compute: Callable[[], torch.Tensor], device: str, seconds: float) -> float:
    """Median time of one call, from about `seconds` of calls after a first one that is not counted."""
    settle(device)
    start = time.perf_counter()
    compute()
    settle(device)
    first = time.perf_counter() - start
    end = start + seconds
    repeat = max(1, round(_LEAST_SECONDS / max(first, 1e-6)))
    timings: list[float] = []
    while len(timings) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(repeat):
            compute()
        settle(device)
        timings.append((time.perf_counter() - start) / repeat)
    return statistics.median(timings)


def _kind(device: str) -> str:
    return "cpu" if device == "cpu" else "other"


def _or_none(measure: Callable[[], float], device: str) -> float | None:
    from lsm_eval.inference.memory import out_of_memory, release

    try:
        return measure()
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
    release(device)
    return None
