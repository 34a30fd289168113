"""Lists of tasks and suites, as small data classes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from lsm_eval.tasks.files import TaskFile
from lsm_eval.tasks.listed import listed_suites, listed_tasks

Place = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task, as its file says."""

    name: str
    title: str
    area: str
    """`accuracy`, `bias`, `safety`, …"""
    metrics: tuple[str, ...]
    licence: str
    """Licence of its data."""
    request: str
    """What a model is asked for: `score` (which of the given choices is likeliest), `generate` or `perplexity`."""
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SuiteInfo:
    """A named list of tasks."""

    name: str
    title: str
    tasks: tuple[str, ...]
    """Names of tasks, globs and other suites; a suite may ask only a part of some tasks."""


def tasks(area: str | None, include: Place | Sequence[Place]) -> list[TaskInfo]:
    """See `lsm_eval.list_tasks`."""
    rows, broken = listed_tasks(folders(include), area)
    _warn(broken)
    return [
        TaskInfo(
            name=row["task"],
            title=_said(row["title"]),
            area=_said(row["area"]),
            metrics=tuple(row["metrics"]),
            licence=_said(row["licence"]),
            request=_said(row["request"]),
            languages=_texts(row["language"]),
        )
        for row in rows
    ]


def suites(include: Place | Sequence[Place]) -> list[SuiteInfo]:
    """See `lsm_eval.list_suites`."""
    rows, broken = listed_suites(folders(include))
    _warn(broken)
    return [
        SuiteInfo(row["suite"], _said(row["title"]), tuple(_task(one) for one in row["tasks"]))
        for row in rows
    ]


def folders(include: Place | Sequence[Place]) -> tuple[Path, ...]:
    """The folders that a keyword names: one, or a list."""
    return tuple(map(Path, (include,) if isinstance(include, (str, PathLike)) else include))


def _warn(broken: Sequence[TaskFile]) -> None:
    for file in broken:
        warnings.warn(f"{file.name} is left out: {file.fault}", stacklevel=4)  # where the list was asked for


def _task(one: Any) -> str:
    return str(one.get("task")) if isinstance(one, dict) else str(one)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)


def _said(value: Any) -> str:
    """A text from a file that is not checked yet."""
    return "" if value is None else str(value)
