"""Memory that is freed stays with the process, so that taking it again costs no page faults."""

from __future__ import annotations

import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
import torch
from lsm_eval.inference.heap import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
def work():
    layers = [torch.ones(2**20) for _ in range(8)]  # 4 MiB each
    del layers

work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is Linux's")
def test_freed_blocks_are_not_given_back() -> None:
    def faults(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", _FAULTS, how], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert faults("keep") < faults("leave") / 4
