"""Real runs of two built-in models whose pairs are known: on each task so many samples that both get right, that only the
baseline does, and that only the candidate does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import SCORE, call, write_task

TASKS = {
    "same": (400, 0, 0),
    "worse": (540, 50, 10),
    "unsure": (180, 12, 8),
    "better": (560, 5, 35),
    "few": (5, 2, 1),
    "lone": (3, 1, 0),
    "harm": (0, 20, 0),
}
"""Samples that both get right, `builtin:first` alone, `builtin:longest` alone."""


@dataclass(frozen=True)
class GateRuns:
    """Records, and the task files that they are of."""

    tasks: Path
    baseline: Path
    """Of `builtin:first`."""
    candidate: Path
    """Of `builtin:longest`."""


def rows(both: int, first: int, second: int) -> list[dict[str, Any]]:
    """Questions with the right choice first and longest, first only, or longest only."""
    kinds = [(["yes indeed", "no"], 0), (["yes", "no indeed"], 0), (["no", "yes indeed"], 1)]
    made = [kind for kind, count in zip(kinds, (both, first, second), strict=True) for _ in range(count)]
    return [
        {
            "id": f"q{at:04}",
            "question": f"is it {at}",
            "choices": choices,
            "answer": answer,
            "passage": f"p{at % 3}",
        }
        for at, (choices, answer) in enumerate(made)
    ]


def make_gate_runs(folder: Path) -> GateRuns:
    """Two runs of all tasks, and of `one_passage` and `three_passages`, whose samples hang together."""
    tasks = folder / "tasks"
    for name, counts in TASKS.items():
        write_task(tasks, name, rows(*counts), **SCORE)
    write_task(tasks, "one_passage", rows(30, 4, 0), **SCORE, cluster="all")
    write_task(tasks, "three_passages", rows(30, 4, 0), **SCORE, cluster="{{ passage }}")
    return GateRuns(
        tasks, *(run_of(model, tasks, folder / "reports") for model in ("builtin:first", "builtin:longest"))
    )


def run_of(model: str, tasks: Path, out: Path, names: str = "*", *more: str) -> Path:
    """The record of a run of all tasks in a folder."""
    named = ",".join(sorted(path.stem for path in tasks.glob("*.yaml"))) if names == "*" else names
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_CACHE", str(out.parent / "cache"))
        done = call("run", "--tasks", named, "--model", model, "--include", tasks, "--out", out, *more)
    assert done.code == 0, done.err
    return done.record


def copy(record: Path, folder: Path) -> Path:
    """A copy of a record, to be changed."""
    return Path(shutil.copytree(record, folder / f"copy-{record.name}"))


def edited(record: Path, folder: Path, task: str, change: Callable[[pd.DataFrame], Any]) -> Path:
    """A copy of a record with another sample table of one task, and all that follows from it."""
    made = copy(record, folder)
    path = made / "samples" / f"{task}.parquet"
    table: pd.DataFrame = change(pd.read_parquet(path))
    table.to_parquet(path)
    failures = table["failure"].dropna().value_counts().to_dict()
    manifest, estimates = (
        json.loads((made / name).read_text()) for name in ("manifest.json", "estimates.json")
    )
    for row in manifest["tasks"]:
        if row["task"] == task:
            row["failures"] = failures
    for row in estimates:
        if row["task"] == task:
            scores = table[f"score.{row['metric']}"].dropna()
            row |= {
                "n": len(scores),
                "missing": sum(failures.values()),
                "value": float(scores.mean()),
                "low": None,
                "high": None,
            }
    (made / "manifest.json").write_text(json.dumps(manifest))
    (made / "estimates.json").write_text(json.dumps(estimates))
    return made


def with_manifest(record: Path, folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """A copy of a record with another manifest."""
    made = copy(record, folder)
    path = made / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return made


def failing(count: int, reason: str = "nan") -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The first samples failed."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table.index[:count], "failure"] = reason
        for name in table.columns:
            if name.startswith(("score.", "stats.")):
                table[name] = [None if at < count else value for at, value in enumerate(table[name])]
        return table

    return change
