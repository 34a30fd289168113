"""Checks that each record is consistent: its numbers are counted again (`recount`), by several processes if there are many.

A record that passed is remembered in the user's cache folder by the sizes and times of its files, and is not counted again until one
of them changes. On boards with more sample tables than `COUNTED` only a part of each record's tables is counted, the same part each
time; all manifests and estimates are checked.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from lsm_eval.leaderboard.recount_worker import why_not
from lsm_eval.paths import cache_file
from lsm_eval.progress import Progress
from lsm_eval.results.reader import Record

COUNTED = 2_500
"""Sample tables of a site that are counted again without `--count-all`."""

_ALONE = 400
"""Tables that one process counts in the time that it takes to start another."""
_MOST_PROCESSES = 8
_REMEMBERED = 200_000
"""The most records that are remembered."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The results of the check."""

    wrong: dict[Path, str]
    """By the record's folder: why it fails the check."""
    tables: int
    """Number of sample tables of all records."""
    counted: int
    """Number of tables that were counted again, by this build or an earlier one."""


def check(records: Sequence[Record], progress: Progress, *, every: bool = False) -> Checked:
    """Count the records again. `every`: all tables, however many there are."""
    tables = {record.folder: sorted(record.tasks) for record in records}
    whole = sum(map(len, tables.values()))
    if whole > COUNTED and not every:
        tables = {folder: tasks_to_count(folder, tasks, COUNTED / whole) for folder, tasks in tables.items()}
    known = _Memory()
    left = [record.folder for record in records if not known.has(record.folder, tables[record.folder])]
    wrong: dict[Path, str] = {}
    with progress.phase("records", len(records)) as phase:
        phase.advance(len(records) - len(left))
        parts = {record.folder: len(tables[record.folder]) < len(record.tasks) for record in records}
        jobs = [(folder, tables[folder] if parts[folder] else None) for folder in left]
        for folder, why in _found(jobs, sum(len(tables[folder]) for folder in left)):
            if why:
                wrong[folder] = why
            else:
                known.add(folder)
            phase.advance(1)
    known.keep()
    return Checked(wrong, whole, sum(map(len, tables.values())))


def tasks_to_count(folder: Path, tasks: Sequence[str], share: float) -> list[str]:
    """A share of a record's tasks, at least one; the choice does not depend on where the record is stored."""
    count = max(1, round(share * len(tasks)))
    key = lambda task: hashlib.sha256(f"{folder.parent.name}/{folder.name} {task}".encode()).digest()  # noqa: E731
    return sorted(sorted(tasks, key=key)[:count])


Job = tuple[Path, list[str] | None]


def _found(jobs: Sequence[Job], tables: int) -> Iterator[tuple[Path, str]]:
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES, tables // _ALONE, len(jobs))
    if processes < 2:
        for folder, tasks in jobs:
            yield folder, why_not(folder, tasks)
        return
    found: list[tuple[Path, str]] = []
    lock = threading.Lock()

    def answer(folder: Path, why: str) -> None:
        with lock:
            found.append((folder, why))

    shares = [jobs[at::processes] for at in range(processes)]
    with ThreadPoolExecutor(processes) as threads:
        for done in [threads.submit(_ask, share, answer) for share in shares]:
            done.result()
    answered = {folder for folder, _ in found}
    yield from found
    # Jobs that a killed process did not finish.
    for folder, tasks in jobs:
        if folder not in answered:
            yield folder, why_not(folder, tasks)


def _ask(jobs: Sequence[Job], answer: Callable[[Path, str], None]) -> None:
    """Let another process count records, and pass each of its answers to `answer`."""
    lines = "".join(f"{json.dumps([str(folder), tasks])}\n" for folder, tasks in jobs)
    command = [sys.executable, "-m", "lsm_eval.leaderboard.recount_worker"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with suppress(OSError):
        done = subprocess.run(
            command, input=lines, capture_output=True, text=True, encoding="utf-8", env=environment
        )
        for (folder, _), line in zip(jobs, done.stdout.splitlines(), strict=False):
            answer(folder, json.loads(line))


class _Memory:
    """Remembers which records passed, by the sizes and times of their files."""

    def __init__(self) -> None:
        self._file = cache_file("counted-records")
        self._known: dict[str, None] = {}
        self._asked: dict[Path, str | None] = {}
        """Keys of records at the time `has` was called: files that change while they are counted must not be remembered as checked."""
        self._new = False
        with suppress(OSError, ValueError):
            self._known = dict.fromkeys(self._file.read_text(encoding="ascii").split())
        self._how = hashlib.sha256()
        for file in sorted(files("lsm_eval.recount").iterdir(), key=lambda one: one.name):
            if file.name.endswith(".py"):
                self._how.update(file.read_bytes())

    def has(self, folder: Path, tasks: Sequence[str]) -> bool:
        key = self._asked[folder] = self._key(folder, tasks)
        if key is None or key not in self._known:
            return False
        self._known[key] = self._known.pop(key)  # used last, forgotten last
        return True

    def add(self, folder: Path) -> None:
        """Note that a record passed the check."""
        key = self._asked[folder]
        if key is not None:
            self._known[key] = None
            self._new = True

    def keep(self) -> None:
        """Write the file. If it cannot be written, the next build counts the records again."""
        if not self._new:
            return
        temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text("\n".join([*self._known][-_REMEMBERED:]) + "\n", encoding="ascii")
            temporary.replace(self._file)

    def _key(self, folder: Path, tasks: Sequence[str]) -> str | None:
        digest = self._how.copy()
        digest.update("\0".join((os.path.realpath(folder), *tasks)).encode("utf-8", "surrogatepass"))
        try:
            for place, folders, names in os.walk(folder):
                folders.sort()
                for name in sorted(names):
                    path = os.path.join(place, name)  # noqa: PTH118 (there may be many)
                    state = os.stat(path)  # noqa: PTH116
                    # Any change of the content changes the inode's ctime, which programs cannot set.
                    digest.update(
                        f"{path}\0{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}\0".encode(
                            "utf-8", "surrogateescape"
                        )
                    )
        except OSError:
            return None
        return digest.hexdigest()
