"""Memory that is freed stays with the process, so that taking it again costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

_KEPT = """
import sys
import psutil
import torch
from lsm_eval.inference.heap import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
before = psutil.Process().memory_info().rss
layers = [torch.ones(2**20) for _ in range(16)]  # 4 MiB each
del layers
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is Linux's")
@pytest.mark.slow
def test_freed_blocks_are_not_given_back() -> None:
    def kept(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", _KEPT, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert kept("keep") > 60 * 2**20
    assert kept("leave") < 30 * 2**20
