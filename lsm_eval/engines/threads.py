"""The number of threads that an engine computes with."""

from __future__ import annotations

import os


def threads(number: int | None) -> int:
    """`asked`, or else OMP_NUM_THREADS, or else the number of physical cores that this process may use."""
    if number is not None:
        return number
    named = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if named.isdecimal() and int(named):
        return int(named)
    import psutil

    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(psutil.cpu_count(logical=False) or free, free), 1)
