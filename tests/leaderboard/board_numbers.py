"""What the published board should show: every number of its records, made anew from their samples. Shares no code with the package.

A record's estimates say which metrics there are, and how they are named, scaled and compared. Values and counts are made anew,
and so are the ends of the intervals whose method `recomputed_intervals` has; the others are the record's own.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from front_found import Found, Records, comparable, mark, written
from recomputed import Table
from recomputed_ends import ends_of
from recomputed_intervals import Ends, Part
from recomputed_wholes import calibration_error

Json = dict[str, Any]
ALIKE = 1e-9
"""How far two numbers that are one may lie apart, relatively."""
Published = set[tuple[str, str, str, str]]
"""Numbers of others that tasks quote: task, metric, model, and the value as it is written."""


def alike(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=ALIKE, abs_tol=1e-12)


@dataclass(frozen=True)
class Number:
    """One estimate as it should be."""

    value: float | None
    ends: Ends | None
    n: int
    missing: int
    clusters: int | None
    own_ends: bool
    """The ends are made anew, too."""
    cut: int
    """Answers that ran out of tokens."""
    said: Json
    """The record's estimate."""
    table: Table

    def found(self) -> Found:
        low, high = self.ends or (None, None)
        rows, said = self.table.rows, self.said
        return Found(
            self.value or 0.0, low, high, self.n, self.missing, self.cut, len(rows),
            said["unit"], said["higher_is_better"], said["area"], comparable(said["signature"]),
        )  # fmt: skip


Board = dict[str, dict[tuple[str, str], Number]]
"""By model, and by task and metric."""


def read_board(root: Path) -> Board:
    """All records below a folder but profiles."""
    folders = [
        path.parent
        for path in sorted(root.rglob("manifest.json"))
        if any(path.parent.glob("samples/*.parquet"))
    ]
    models = [json.loads((folder / "manifest.json").read_text())["model"] for folder in folders]
    names = [shown_name(model) for model in models]
    board: Board = {}
    for folder, model, name in zip(folders, models, names, strict=True):
        # What several models are called is followed by what differs: on this board their number format, or that of their weights.
        weights = str(model["details"].get("quantised here", model["dtype"])).partition(" ")[0]
        own = f"{name} ({weights})" if names.count(name) > 1 else name
        assert own not in board, "one record a model"
        board[own] = _record(folder)
    return board


def shown_name(model: Json) -> str:
    """The site's name of a model: with that of its adapter."""
    adapter = model["details"].get("adapter")
    return f"{model['name']} + {Path(adapter).name}" if adapter else str(model["name"])


def _record(folder: Path) -> dict[tuple[str, str], Number]:
    said = json.loads((folder / "estimates.json").read_text())
    told = {
        row["task"]
        for row in json.loads((folder / "manifest.json").read_text())["tasks"]
        if row.get("cut_off")
    }
    tables = {task: Table(folder / "samples" / f"{task}.parquet") for task in {row["task"] for row in said}}
    made: dict[tuple[str, str], Number] = {}
    for row in sorted(said, key=lambda row: row["method"].startswith(("box", "newcombe"))):
        table = tables[row["task"]]
        number = table.number(row["metric"])
        value = number.value
        if row["metric"] == "ece" and value is not None:
            value = _debiased(table, row["value"])
        # Where they differ in their last bits only: those of the record, so that both are rounded alike.
        value = row["value"] if alike(value, row["value"]) else value
        ends = ends_of(table, row, partial(_part, made, row["task"]))
        cut = sum(one["finish"] == "length" for one in table.rows) if row["task"] in told else 0
        kept = None if row["low"] is None else (row["low"], row["high"])
        own = ends is not None
        if ends and kept and all(map(alike, ends, kept)):
            ends = kept
        made[row["task"], row["metric"]] = Number(
            value, ends or kept, number.n, number.missing, table.clusters(row["metric"]), own, cut, row, table
        )  # fmt: skip
    return {(row["task"], row["metric"]): made[row["task"], row["metric"]] for row in said}


def _part(made: dict[tuple[str, str], Number], task: str, metric: str) -> Part | None:
    number = made.get((task, metric))
    return (
        None if number is None or number.value is None or number.ends is None else (number.value, number.ends)
    )


def read_published(root: Path) -> Published:
    """What the records' tasks quote."""
    found: Published = set()
    for manifest in sorted(root.rglob("manifest.json")):
        units = {
            (row["task"], row["metric"]): row["unit"]
            for row in json.loads((manifest.parent / "estimates.json").read_text())
        }
        for task in json.loads(manifest.read_text())["tasks"]:
            for quoted in task.get("references", []):
                unit = units.get((task["task"], quoted["metric"]))
                if unit is not None:
                    found.add(
                        (task["task"], quoted["metric"], quoted["model"], with_unit(quoted["value"], unit))
                    )
    return found


def with_unit(value: float, unit: str) -> str:
    return written(value, unit) + ("%" if unit == "fraction" else "")


def _debiased(table: Table, said: float) -> float:
    """An expected calibration error is debiased by simulation: it need only lie where it can."""
    plain, least = calibration_error([row for row in table.rows if row["failure"] is None])
    assert max(least, 0) - ALIKE <= said <= plain + ALIKE, table.task
    return said


def for_front(board: Board) -> Records:
    """The same as the front page's check reads it."""
    models = {
        name: {
            f"task:{task}:{metric}": one.found()
            for (task, metric), one in numbers.items()
            if one.value is not None
        }
        for name, numbers in board.items()
    }
    mark(models)
    first: dict[str, str] = {}
    for numbers in board.values():
        for task, metric in numbers:
            first.setdefault(task, f"task:{task}:{metric}")
    return models, first


def differing(board: Board) -> list[str]:
    """Estimates of the records that are not what their samples make."""
    found = []
    for name, numbers in board.items():
        for (task, metric), one in numbers.items():
            said = one.said
            ends = one.ends or (None, None)
            pairs = [("value", one.value), ("low", ends[0]), ("high", ends[1])]
            found += [
                f"{name}: {task} {metric} {key} {said[key]}, not {own}"
                for key, own in pairs
                if not alike(said[key], own)
            ]
            counts = [("n", one.n), ("missing", one.missing), ("clusters", one.clusters)]
            found += [
                f"{name}: {task} {metric} {key} {said[key]}, not {own}"
                for key, own in counts
                if said[key] != own
            ]
    return found


def intervals_made(board: Board) -> tuple[Counter[str], Counter[str]]:
    """How many intervals were made anew, and how many are the records' own, by method."""
    made: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for numbers in board.values():
        for one in numbers.values():
            if one.ends is not None:
                method = one.said["method"]
                kind = method if method.startswith(("wilson", "newcombe")) else method.partition("(")[0]
                (made if one.own_ends else kept)[kind] += 1
    return made, kept
