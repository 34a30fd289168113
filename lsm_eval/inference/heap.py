"""Makes the C library keep memory that PyTorch frees, instead of returning it to the system at once.

A pass over a model frees and allocates the same few megabytes for every layer. glibc returns such blocks and gets them
back page by page: a tenth of the time of scoring on a CPU (`benchmarks/RESULTS.md`).
"""

from __future__ import annotations

import ctypes
import sys

# Constants of <malloc.h>.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_LARGEST_FROM_HEAP = 32 * 2**20
"""glibc's largest value on 64 bits; larger blocks (weights) are still returned to the system."""


def keep_freed_memory() -> bool:
    """Sets it for this whole process. Returns whether the C library supports it (glibc on Linux)."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, such as musl
        return False
    wanted = {_MMAP_THRESHOLD: _LARGEST_FROM_HEAP, _TRIM_THRESHOLD: 2**30, _TOP_PAD: 64 * 2**20}
    taken = [bool(mallopt(name, value)) for name, value in wanted.items()]
    return all(taken)
