"""Lists tasks and suites without checking their files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.tasks.files import TaskFile
from lsm_eval.tasks.registry import Registry


def listed_tasks(
    include: Sequence[Path], area: str | None = None
) -> tuple[list[dict[str, Any]], list[TaskFile]]:
    """Returns a row per task (of one area, if given), by area and name, and the unreadable files. Raises `UserError` for an unknown area."""
    said, broken = _said(
        Registry(include).tasks, ("area", "title", "request", "language", "metrics", "licence")
    )
    rows = [
        {
            "task": name,
            "area": task.get("area"),
            "title": task.get("title"),
            "request": task.get("request"),
            "language": task.get("language", ["en"]),
            "metrics": [_metric_name(spec) for spec in _listed(task.get("metrics"))],
            "licence": task.get("licence"),
        }
        for name, task in sorted(said.items(), key=lambda one: (str(one[1].get("area")), one[0]))
    ]
    return rows if area is None else _of_area(rows, area), broken


def listed_suites(include: Sequence[Path]) -> tuple[list[dict[str, Any]], list[TaskFile]]:
    """Returns a row per suite, by name, with its tasks as its file names them, and the unreadable files."""
    said, broken = _said(Registry(include).suites, ("title", "tasks"))
    rows = [
        {"suite": name, "title": suite.get("title"), "tasks": list(_listed(suite.get("tasks")))}
        for name, suite in sorted(said.items())
    ]
    return rows, broken


def _of_area(rows: list[dict[str, Any]], area: str) -> list[dict[str, Any]]:
    areas = {str(row["area"]) for row in rows}
    if area not in areas:
        from difflib import get_close_matches

        near = get_close_matches(area, areas, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(areas))}."
        raise UserError(f"unknown area {area!r}: {hint}")
    return [row for row in rows if row["area"] == area]


def _said(
    files: Mapping[str, TaskFile], keys: Collection[str]
) -> tuple[dict[str, Mapping[str, Any]], list[TaskFile]]:
    """Returns the files' content under these keys, by name, and the unreadable files."""
    said: dict[str, Mapping[str, Any]] = {}
    broken = []
    for name, file in files.items():
        try:
            if file.fault:
                raise file.fault
            said[name] = file.parts(keys)
        except UserError as error:
            broken.append(replace(file, fault=error))
    return said, broken


def _listed(value: Any) -> Sequence[Any]:
    """A value of an unchecked task file, as a list."""
    return value if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _metric_name(spec: Any) -> str:
    if isinstance(spec, dict) and len(spec) == 1:
        ((name, options),) = spec.items()
        return str(options.get("name", name)) if isinstance(options, dict) else str(name)
    return str(spec)
