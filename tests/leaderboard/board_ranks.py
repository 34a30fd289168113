"""The ranks that the front page should show: made anew from the scores of the samples that models share. Shares no code with the site."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from board_columns import read_piece
from board_numbers import Board, Number, alike, for_front
from front_page import NO_MODEL, Table
from recomputed import BY_TYPE
from recomputed_ranks import Column, Ranks, Told, among, averaged, compared, ranks_of, told_apart
from recomputed_scores import Row, attempted
from recomputed_wholes import WHOLE, score

WITHOUT = re.compile(r"membership_.*|halueval_auroc|stereoset_.*|.*_corrected")
"""Metrics that exist over a whole set of samples only, or are no function of what samples have: no sample has a score in them."""
ATTEMPTED = "qa_correct_attempted"
"""A mean over some of the samples: those that were attempted."""
Sample = tuple[str, str | None]
"""Its id, and what was asked."""


@dataclass(frozen=True)
class Ranked:
    """One column: the models that are ranked in it, by name, and what they are ranked by."""

    names: tuple[str, ...]
    column: Column
    higher: bool

    def told(self, miss: float = 0.05) -> list[Told]:
        return told_apart(self.column, higher=self.higher, miss=miss)

    def ranks(self) -> list[Ranks]:
        """Those that may be shown, the first of which holds without doubt."""
        return [ranks_of(self.column, told, higher=self.higher) for told in self.told()]


Columns = dict[str, Ranked]
"""By the column's id on the front page."""


def scores_of(number: Number, metric: str) -> dict[Sample, float] | None:
    """Each sample's score; of a metric that is no mean its pseudo-value (Tukey 1958). None where there are none."""
    rows, base = number.table.counted(metric), metric.partition("[")[0]
    values: list[float | None] | None
    if base == ATTEMPTED:
        values = [row["score.qa_correct"] if attempted(row) else None for row in rows]
    elif base in WHOLE:
        if WITHOUT.fullmatch(base) or len({row["weight"] for row in number.table.rows}) > 1:
            return None
        values = _pseudo(rows, base, number.value)
    else:
        name = metric if base in BY_TYPE else base
        values = [score(row, name) for row in rows]
    if values is None:
        return None
    return {
        (row["sample"], row["asked"]): one for row, one in zip(rows, values, strict=True) if one is not None
    }


def _pseudo(rows: Sequence[Row], base: str, told: float | None) -> list[float | None] | None:
    """What the number would lose without a sample, times their number. None where it is no function of what samples have, or is undefined
    without one of them."""
    whole = WHOLE[base](list(rows))[0]
    if whole is None or not alike(whole, told):
        return None
    without = [WHOLE[base]([*rows[:at], *rows[at + 1 :]])[0] for at in range(len(rows))]
    held = [one for one in without if one is not None and math.isfinite(one)]
    if len(held) < len(rows):
        return None
    middle = math.fsum(held) / len(held)
    return [whole + (len(held) - 1) * (middle - one) for one in held]


def read_columns(board: Board, order: Sequence[str]) -> Columns:
    """Of every metric of every task, of the models that compare with most of the column; `order`: models as the page has them."""
    shown = for_front(board)[0]
    found: Columns = {}
    for task, metric in dict.fromkeys(key for own in board.values() for key in own):
        held = {
            name: board[name][task, metric]
            for name in order
            if name not in NO_MODEL
            and (task, metric) in board[name]
            and board[name][task, metric].value is not None
        }
        if not held or next(iter(held.values())).said["higher_is_better"] is None:
            continue
        column = f"task:{task}:{metric}"
        known = {
            name: scores
            for name, one in held.items()
            if not shown[name][column].marked and (scores := scores_of(one, metric)) is not None
        }
        if len(known) > 1:
            higher = bool(next(iter(held.values())).said["higher_is_better"])
            found[column] = Ranked(tuple(known), _column(known, board, task, metric), higher)
    return found


def _column(known: Mapping[str, Mapping[Sample, float]], board: Board, task: str, metric: str) -> Column:
    samples = list(dict.fromkeys(sample for scores in known.values() for sample in scores))
    values = np.array([[scores.get(sample, np.nan) for sample in samples] for scores in known.values()])
    rows = {
        (row["sample"], row["asked"]): row for name in known for row in board[name][task, metric].table.rows
    }
    units: list[Hashable] = [
        sample if rows[sample]["cluster"] is None else rows[sample]["cluster"] for sample in samples
    ]
    return compared(values, units, np.array([rows[sample]["weight"] for sample in samples], float))


def add_means(columns: Columns, board: Board, means: Mapping[str, Sequence[str]]) -> Columns:
    """And those of areas and suites: `means` has the columns of first metrics that each is over. Only models that have all of them are ranked."""
    shown = for_front(board)[0]
    found = dict(columns)
    for name, over in means.items():
        if len(over) == 1:
            if over[0] in columns:
                found[name] = columns[over[0]]
            continue
        if any(column not in columns for column in over):
            continue
        parts = [columns[column] for column in over]
        names = tuple(one for one in parts[0].names if all(one in part.names for part in parts))
        if len(names) < 2:
            continue
        own = [among(part.column, [part.names.index(one) for one in names]) for part in parts]
        scale = [
            (0.01 if shown[names[0]][column].unit == "points" else 1.0) * (1 if part.higher else -1)
            for column, part in zip(over, parts, strict=True)
        ]
        found[name] = Ranked(names, averaged(own, scale), True)
    return found


def means_of(board: Board, suites: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What areas and suites are means over: first metrics in percent or points that have a better direction."""
    models, first = for_front(board)
    scale = {
        name: next(own[column] for own in models.values() if column in own) for name, column in first.items()
    }
    fit = {
        name: one
        for name, one in scale.items()
        if one.unit in ("fraction", "points") and one.higher is not None
    }
    areas = {one.area for one in fit.values()}
    found = {
        f"area:{area}": [first[name] for name in fit if fit[name].area == area] for area in sorted(areas)
    }
    for suite, tasks in suites.items():
        found[f"suite:{suite}"] = [first[name] for name in fit if name in tasks]
    return {name: over for name, over in found.items() if over}


def check_ranks(site: Path, columns: Columns) -> Counter[str]:
    """All columns of the front page, those that it holds and those that it adds; the table's own ranks, and the line above it."""
    seen: Counter[str] = Counter()
    text = (site / "index.html").read_text(encoding="utf-8")
    table = Table(text)
    names = table.data["rows"]["name"]
    pieces = [read_piece(path) for path in sorted((site / "pieces" / "board").glob("*.js"))]
    every = [*table.data["held"], *(column for piece in pieces for column in piece)]
    ranked = {column["id"] for column in every if "ranks" in column}
    assert ranked == {name for name in columns if name in {column["id"] for column in every}}
    for column in every:
        if "ranks" in column:
            seen += _check(column, columns[column["id"]], names)
    first = next(column for column in every if column["id"] == table.columns[0])
    seen += _check_first(first, table, text)
    return seen


def _check(column: dict[str, Any], own: Ranked, names: Sequence[str]) -> Counter[str]:
    said = column["ranks"]
    made = [_as_said(ranks, own.names, names) for ranks in own.ranks()]
    assert said in made, (column["id"], said, made[:2])
    return Counter(
        columns=1, ranks=sum(low > 0 for low in said["low"]), told=said["told"], unsure=len(made) > 1
    )


def _as_said(ranks: Ranks, own: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    low, high = ([0] * len(names) for _ in range(2))
    for at, name in enumerate(own):
        low[names.index(name)], high[names.index(name)] = ranks.low[at], ranks.high[at]
    return {"low": low, "high": high, "told": ranks.told, "pairs": ranks.pairs}


def _check_first(column: dict[str, Any], table: Table, text: str) -> Counter[str]:
    """The column that the page is sorted by at first: ranks as the table has them, and the sentence above it."""
    names = table.data["rows"]["name"]
    said = column["ranks"]
    for name, cells in table.rows.items():
        low, high = (said[side][names.index(name)] for side in ("low", "high"))
        shown = "–" if not low else str(low) if low == high else f"{low}–{high}"
        assert cells[0].text.strip() == shown, (name, column["id"])
    line = re.sub(r"<[^>]*>", "", text.partition("data-told>")[2].partition("</p>")[0]).strip()
    label = column["id"].partition(":")[2]
    assert line == f"{said['told']} of {said['pairs']} neighbouring pairs can be told apart in {label}.", line
    return Counter(shown=len(table.rows))
