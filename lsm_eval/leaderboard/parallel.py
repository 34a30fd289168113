"""Makes pages in several processes at once, on systems that can fork."""

from __future__ import annotations

import gc
import os
import pickle
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

from lsm_eval.leaderboard.site import Site

FEWEST = 200
"""The fewest pages for which another process is worth starting."""

_MOST = 8

Job = TypeVar("Job")


def each(jobs: Sequence[Job], make: Callable[[Job], None], site: Site, *, pages: int) -> None:
    """Call `make` for every job, which adds pages to the site; no job may depend on what another wrote. Large numbers of jobs are split
    among forks of this process (`pages`: the work as a number of pages of usual size); the site then knows what they wrote and what
    they could not show, as if it had been done here."""
    count = min(os.cpu_count() or 1, _MOST, len(jobs), pages // FEWEST)
    # A fork has only one thread: locks that other threads hold would stay locked.
    if count < 2 or not hasattr(os, "fork") or sys.platform == "darwin" or threading.active_count() > 1:
        for job in jobs:
            make(job)
        return
    shares = [jobs[at::count] for at in range(count)]
    # The records stay in memory: searching them for cycles would take time and, in forks, memory.
    gc.freeze()
    try:
        children = [_start(share, make, site) for share in shares[1:]]
        try:
            for job in shares[0]:
                make(job)
        finally:
            answers = [_answer(*child) for child in children]
    finally:
        gc.unfreeze()
    for share, answer in zip(shares[1:], answers, strict=True):
        if answer is None:
            # Repeated here, so that the error is seen.
            for job in share:
                make(job)
        else:
            site.written.update(dict.fromkeys(answer[0]))
            for folder, left in answer[1].items():
                site.broken.setdefault(folder, left)
    site.written = dict.fromkeys(sorted(site.written))


def _start(share: Sequence[Job], make: Callable[[Job], None], site: Site) -> tuple[int, int]:
    """Start a fork; returns its process id, and the descriptor that its answer comes from."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        number = os.fork()
    if number:
        os.close(writing)
        return number, reading
    status = 1
    try:
        os.close(reading)
        before = set(site.written)
        for job in share:
            make(job)
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(([path for path in site.written if path not in before], site.broken), stream)
        status = 0
    finally:
        # Skip all cleaning up, which is the parent process's business.
        os._exit(status)


def _answer(number: int, reading: int) -> tuple[list[str], dict] | None:  # type: ignore[type-arg]
    with os.fdopen(reading, "rb") as stream:
        content = stream.read()
    _, status = os.waitpid(number, 0)
    if status or not content:
        return None
    answer: tuple[list[str], dict] = pickle.loads(content)  # type: ignore[type-arg]
    return answer
