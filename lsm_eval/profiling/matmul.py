"""Measures what this machine can do: operations a second in a matrix product, and bytes a second when reading memory."""

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
# The shortest timing: long enough that neither the clock's resolution nor the start of a kernel matters, and longer than a time slice
# of the operating system, so that on a shared machine the model and this measurement run under the same conditions.
_LEAST_SECONDS = 2e-2
_READ_BYTES = {"cpu": 256 * 2**20, "other": 1024 * 2**20}  # several times any cache


@dataclass(frozen=True, slots=True)
class Machine:
    """The measured speed of one device, with as many threads as torch uses."""

    flops_per_second: float | None
    """For a product of two square matrices in the model's dtype; None if there was not enough memory."""
    bytes_per_second: float | None
    """When reading memory; None if there was not enough memory."""


UNMEASURED = Machine(None, None)


def measure_machine(device: str, dtype: str) -> Machine:
    """Measure the torch device `device` with tensors of `dtype` (`float32`, …), in about half a second."""
    return Machine(
        _or_none(lambda: matmul_flops(device, dtype), device),
        _or_none(lambda: memory_bandwidth(device), device),
    )


def measure_beside(device: str, dtype: str, reached: float) -> Machine:
    """As `measure_machine`, next to a run that `reached` this number of operations a second.

    No model is faster than the matrix products that it consists of: if the measured products are slower, the measurement was
    disturbed and is repeated, a few times at most. The best one counts.
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
    """Operations a second in a product of square matrices, two for each multiplication with its addition.

    The best of several sizes counts, since a share is only meaningful relative to the machine's best: small products are
    limited by the overhead of starting them, and large ones may not fit into a cache. For each size the median of the timings
    counts: the fastest is luck, and the mean depends on disturbances. The second matrix is transposed, as a linear layer's
    weights are, and both are random: processors use less power to multiply zeros, and so are faster. If oneDNN's product is
    available, it is measured: no processor is known to be slower with it than with PyTorch's own, and models use it, too
    (`inference.fast_linear`). Raises RuntimeError if memory runs out.
    """
    import torch

    best, left = 0.0, seconds
    sizes = _SIZES[_kind(device)]
    fast = usable(getattr(torch, dtype), device)
    for number, size in enumerate(sizes):
        one, other = (torch.randn(size, size, device=device).to(getattr(torch, dtype)) for _ in range(2))
        flops = 2 * size**3
        if best and 3 * flops / best > left:
            break  # the next size would exceed the time limit
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
    """Bytes a second read from memory, by summing a buffer that is larger than any cache: a sum needs the least computation
    for each number. Raises RuntimeError if memory runs out."""
    import torch

    numbers = torch.ones(_READ_BYTES[_kind(device)] // 4, device=device)
    taken = _median_seconds(numbers.sum, device, seconds)
    return numbers.numel() * 4 / taken


def _median_seconds(compute: Callable[[], torch.Tensor], device: str, seconds: float) -> float:
    """Median time of one call, from about `seconds` of calls after a warm-up call."""
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
