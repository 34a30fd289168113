"""Records changed on disk, as a test wants them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

LEVELS = [
    ("none", set[str]()),
    ("licence", {"say"}),
    ("sensitive", {"say", "harm"}),
    ("all", {"say", "harm", "choose"}),
]
"""Of `--redact`, and which of these tasks it withholds texts of where `say` is closed by its licence and `harm` is sensitive."""


def change_manifest(record: Path, **changes: Any) -> None:
    """Put `changes` into the manifest; a key `task__KEY` is of every task, `dataset__KEY` of its data,
    `model__KEY` of the model."""
    path = record / "manifest.json"
    content = json.loads(path.read_text())
    for key, value in changes.items():
        where, dot, own = key.partition("__")
        if not dot:
            content[key] = value
        elif where == "model":
            content["model"][own] = value
        else:
            for task in content["tasks"]:
                (task["dataset"] if where == "dataset" else task)[own] = value
    path.write_text(json.dumps(content))


def change_estimates(record: Path, task: str, **changes: Any) -> None:
    """Change the estimates of a task."""
    path = record / "estimates.json"
    rows = json.loads(path.read_text())
    for row in rows:
        if row["task"] == task:
            row.update(changes)
    path.write_text(json.dumps(rows))


def closed_by_licence(record: Path, task: str) -> None:
    """Say in the manifest that the licence of the task's data does not let others be shown its texts."""
    path = record / "manifest.json"
    content = json.loads(path.read_text())
    next(row for row in content["tasks"] if row["task"] == task)["redistributable"] = False
    path.write_text(json.dumps(content))


def valid_by_its_own_code(paths: Sequence[Path], out: Path) -> None:
    """Every Eval Ever's own check finds nothing in these files under `out`; the test is skipped where it is not installed."""
    core = pytest.importorskip("every_eval_ever.validator.validation_core")
    names = {path: path.relative_to(out).as_posix() for path in paths}
    for path, name in names.items():
        report = core.validate_file(
            path, repo_path=name, available_files=frozenset(names.values()), run_semantic_checks=True,
            read_repo_file=lambda own: (out / own).read_text(),
        )  # fmt: skip
        assert (report.errors, report.warnings) == ([], [])
