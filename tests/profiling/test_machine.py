"""Measuring the machine: plausible, quick, and the same scale as what is known to be computed."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from lsm_eval.profiling.matmul import matmul_flops, measure_machine, memory_bandwidth
from lsm_eval.profiling.memory import peak_device_memory, peak_memory


def test_a_product_is_as_fast_as_short_ones_of_a_size(one_thread: None) -> None:
    import torch

    measured = max(matmul_flops("cpu", "float32", 0.1) for _ in range(2))
    one, other = torch.randn(256, 256), torch.randn(256, 256)
    least = min(_seconds(lambda: torch.mm(one, other)) for _ in range(50))
    # The shortest of many finds the core free; on a machine that is shared the measurement does not.
    assert 0.03 < measured / (2 * 256**3 / least) < 3


def test_memory_is_read_as_fast_as_a_smaller_buffer(one_thread: None) -> None:
    import torch

    measured = memory_bandwidth("cpu", 0.05)
    numbers = torch.ones(2**24)
    least = min(_seconds(numbers.sum) for _ in range(10))
    assert 0.03 < measured / (4 * 2**24 / least) < 3


def test_all_of_it_takes_about_a_second(one_thread: None) -> None:
    start = time.process_time()
    machine = measure_machine("cpu", "bfloat16")
    assert machine.flops_per_second is not None
    assert machine.bytes_per_second is not None
    assert machine.flops_per_second > 1e8
    assert machine.bytes_per_second > 1e8
    assert time.process_time() - start < 3  # of this process alone: others may be at work


def test_too_little_memory_leaves_it_unmeasured(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    from lsm_eval.profiling import matmul

    monkeypatch.setitem(matmul._SIZES, "cpu", (2**22,))  # 64 TiB a matrix
    monkeypatch.setitem(matmul._READ_BYTES, "cpu", 2**46)
    machine = measure_machine("cpu", "float32")
    assert machine.flops_per_second is None
    assert machine.bytes_per_second is None


@pytest.mark.parametrize(
    ("seen", "reached", "best", "times"),
    [
        ([10, 30, 20], 25, 30, 2),  # one more was enough
        ([10, 30, 20], 5, 10, 1),
        ([10, 12, 11, 10, 13, 99], 90, 13, 5),  # it never got there
        ([None, 99], 90, None, 1),
    ],
)
def test_a_product_slower_than_the_run_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, seen: list[float | None], reached: float, best: float | None, times: int
) -> None:
    from lsm_eval.profiling import matmul

    left = list(seen)
    monkeypatch.setattr(matmul, "matmul_flops", lambda device, dtype: left.pop(0))
    monkeypatch.setattr(matmul, "memory_bandwidth", lambda device: 1.0)
    assert matmul.measure_beside("cpu", "float32", reached) == matmul.Machine(best, 1.0)
    assert len(seen) - len(left) == times


def test_the_peak_is_what_was_held_at_most_and_by_this_process_alone() -> None:
    program = (
        "from lsm_eval.profiling.memory import peak_memory\n"
        "before = peak_memory(); held = bytearray(b'x') * (200 * 2**20); del held; print(peak_memory() - before)"
    )
    held = bytearray(b"x") * (300 * 2**20)  # a parent's memory is not its child's
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(held)
    assert 190 * 2**20 < int(done.stdout) < 260 * 2**20
    own = peak_memory()
    assert own is not None
    assert own > 300 * 2**20


def test_devices_without_a_count_of_their_own_have_none() -> None:
    assert peak_device_memory("cpu") is None
    assert peak_device_memory(None) is None


def _seconds(compute: object) -> float:
    assert callable(compute)
    start = time.perf_counter()
    compute()
    return time.perf_counter() - start
