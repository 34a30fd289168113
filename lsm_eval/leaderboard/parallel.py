"""Pages made by several processes at once, on systems where a process can be split in two."""

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
"""Pages that are worth another process."""

_MOST = 8

Job = TypeVar("Job")


def each(jobs: Sequence[Job], make: Callable[[Job], None], site: Site, *, pages: int) -> None:
    """`make` of every job, which puts pages into the site: what one writes must not depend on what another wrote. Large numbers of jobs
    are split among copies of this process (`pages`: to how many pages of usual size the work comes); what they wrote and could not show is known to the site as if it had been done here."""
    count = min(os.cpu_count() or 1, _MOST, len(jobs), pages // FEWEST)
    # A copy has one thread alone: whatever another held locked would stay so.
    if count < 2 or not hasattr(os, "fork") or sys.platform == "darwin" or threading.active_count() > 1:
        for job in jobs:
            make(job)
        return
    shares = [jobs[at::count] for at in range(count)]
    # What is known of the records stays: to go through it for cycles again and again takes time, and, in copies, memory.
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
            # Here the reason shows.
            for job in share:
                make(job)
        else:
            site.written.update(dict.fromkeys(answer[0]))
            for folder, left in answer[1].items():
                site.broken.setdefault(folder, left)
    site.written = dict.fromkeys(sorted(site.written))


def _start(share: Sequence[Job], make: Callable[[Job], None], site: Site) -> tuple[int, int]:
    """The copy's number, and where its answer comes from."""
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
        # No cleaning up of what belongs to the process that it is a copy of.
        os._exit(status)


def _answer(number: int, reading: int) -> tuple[list[str], dict] | None:  # type: ignore[type-arg]
    with os.fdopen(reading, "rb") as stream:
        content = stream.read()
    _, status = os.waitpid(number, 0)
    if status or not content:
        return None
    answer: tuple[list[str], dict] = pickle.loads(content)  # type: ignore[type-arg]
    return answer
