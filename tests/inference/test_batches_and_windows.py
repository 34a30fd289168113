"""Batches of a token budget, rolling windows, and running out of memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import environment
from hypothesis import given
from hypothesis import strategies as st

from lsm_eval.errors import UserError
from lsm_eval.inference.batching import batches
from lsm_eval.inference.memory import MemoryGuard, out_of_memory
from lsm_eval.inference.scoring.plain import windows

LENGTHS = st.lists(st.integers(1, 60), max_size=80)


@given(LENGTHS, st.integers(1, 200))
def test_every_item_once_and_within_the_budget(lengths: list[int], budget: int) -> None:
    made = list(batches(lengths, budget))
    assert sorted(item for batch in made for item in batch) == list(range(len(lengths)))
    for batch in made:
        assert batch
        assert len(batch) == 1 or len(batch) * max(lengths[item] for item in batch) <= budget
    longest = [max(lengths[item] for item in batch) for batch in made]
    assert longest == sorted(longest, reverse=True), (
        "the largest first, so that memory runs out at once or never"
    )


@given(LENGTHS, st.integers(1, 200))
def test_batches_are_full(lengths: list[int], budget: int) -> None:
    made = list(batches(lengths, budget))
    for batch in made[:-1]:
        assert (len(batch) + 1) * lengths[batch[0]] > budget


@given(st.lists(st.integers(0, 99), max_size=200), st.integers(1, 40))
def test_windows_score_every_token_once(tokens: list[int], size: int) -> None:
    start = 1000
    parts = windows(tokens, start, size)
    assert [token for part in parts for token in part.tokens[-part.scored :]] == tokens
    done = 0
    for part in parts:
        assert 1 <= part.scored < len(part.tokens) <= size + 1, "the model reads all tokens but the last"
        # What stands before the scored tokens is the text before them, as much of it as fits.
        context = [start, *tokens][: done + 1]
        before = list(part.tokens[: -part.scored])
        assert before == context[len(context) - len(before) :]
        assert done == 0 or len(part.tokens) == size + 1, "a later window is full"
        done += part.scored
    assert bool(parts) == bool(tokens)


class _Small:
    """A computation that has memory for so many items."""

    def __init__(self, most: int, error: BaseException) -> None:
        self.most, self.error = most, error
        self.sizes: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.sizes.append(len(items))
        if len(items) > self.most:
            raise self.error
        return [10 * item for item in items]


def _gpu() -> BaseException:
    import torch

    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


def _cpu() -> BaseException:
    return RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried"
    )


@pytest.mark.parametrize("error", [_gpu, _cpu, MemoryError])
@pytest.mark.parametrize("most", [1, 3, 8, 50])
def test_halves_until_it_fits(error: Callable[[], BaseException], most: int) -> None:
    guard, small = MemoryGuard("cpu"), _Small(most, error())
    items = list(range(13))
    assert guard.run(items, small) == [10 * item for item in items], "all, in their order"
    failed = [size for size in small.sizes if size > most]
    assert failed == sorted(set(failed), reverse=True), "no size is tried twice in vain"
    small.sizes.clear()
    assert guard.run(items, small) == [10 * item for item in items]
    assert all(size <= most for size in small.sizes), "what did not fit is remembered"


def test_not_even_one() -> None:
    with pytest.raises(
        UserError, match="not enough memory on cpu for a single sequence: use a smaller model"
    ):
        MemoryGuard("cpu").run([1, 2, 3], _Small(0, MemoryError()))


def test_other_errors_are_not_swallowed() -> None:
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert not out_of_memory(error)
    with pytest.raises(RuntimeError, match="shapes"):
        MemoryGuard("cpu").run([1, 2], _Small(0, error))


_LITTLE_MEMORY = """
import resource, sys
import torch
torch.set_num_threads(1)
from lsm_eval.inference.memory import MemoryGuard

def compute(items):
    sizes.append(len(items))
    big = torch.zeros(len(items), 8 * 2**20, dtype=torch.uint8) + 1
    return [int(row.sum()) for row in big]

sizes = []
MemoryGuard("cpu").run([1], compute)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
sizes.clear()
resource.setrlimit(resource.RLIMIT_AS, (used + 150 * 2**20,) * 2)
found = MemoryGuard("cpu").run(list(range(32)), compute)
assert found == [8 * 2**20] * 32, found
print(sizes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS is kept to on Linux only")
def test_memory_that_really_runs_out(repo: Path) -> None:
    """A process that may have 150 MB more: 32 rows of 8 MB, held twice, do not fit, and are computed."""
    done = subprocess.run(
        [sys.executable, "-c", _LITTLE_MEMORY], cwd=repo, env=environment(), capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sizes: list[Any] = [int(size) for size in done.stdout.strip("[]\n").split(",")]
    assert sizes[0] == 32
    assert max(sizes[-3:]) < 32
    assert sum(sizes) > 32, "some size was tried in vain"
