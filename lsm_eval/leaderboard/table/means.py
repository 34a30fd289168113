"""Columns that are means of several tasks: areas and suites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from lsm_eval.leaderboard.board import Board, Column
from lsm_eval.leaderboard.table.cell import Cell, Cells, TableColumn, percent, task_cells
from lsm_eval.leaderboard.words import word
from lsm_eval.statistics.combined import mean

HARM = frozenset({"hallucination", "bias", "privacy", "safety"})
"""Areas whose mean is a rate of harm, lower is better; the mean of other areas is a score."""

NAMES = (
    word("accuracy"), word("quality"), word("translation"), word("summarisation"), word("perplexity"),
    word("hallucination"), word("bias"), word("privacy"), word("safety"), word("areas"), word("suites"), word("cost"),
    word("speed"),
)  # fmt: skip
"""Titles of areas and of other groups of columns."""

_SCALES = frozenset({"fraction", "points"})


def area_columns(board: Board, cells: Cells | None = None) -> list[TableColumn]:
    """A column for each area with a task that can be averaged: its first metric lies from 0 to 1 (or 100) and has a better direction."""
    cells = task_cells(board) if cells is None else cells
    found = []
    for area, own in board.areas:
        columns = averaged(own)
        if not columns:
            continue
        harm = area in HARM
        about = [
            word("Mean rate of wrong or harmful answers over the tasks of the area, each counting the same.")
            if harm
            else word("Mean score over the tasks of the area, each counting the same."),
            ", ".join(column.row.task for column in columns),
        ]
        if outside := sorted({column.row.task for column in own} - {column.row.task for column in columns}):
            about += [word("Not in it, on another scale or without a better end:"), ", ".join(outside)]
        found.append(
            TableColumn(
                id=f"area:{area}",
                group="areas",
                label=area,
                sub=word("rate") if harm else word("score"),
                unit="fraction",
                higher=not harm,
                about=tuple(about),
                cells=_cells(board, cells, columns, harm=harm),
                anchor=f"area-{area}",
            )
        )
    return found


def suite_columns(board: Board, cells: Cells, suites: Mapping[str, Sequence[str]]) -> list[TableColumn]:
    """A column for each suite (name to tasks) that some model has completely, except suites without a task that can be averaged, and suites
    with the same tasks as an area or an earlier suite."""
    every = averaged(board.columns)
    seen = {frozenset(c.row.task for c in averaged(own)) for _, own in board.areas}
    found = []
    for name, tasks in suites.items():
        columns = [column for column in every if column.row.task in set(tasks)]
        kind = frozenset(column.row.task for column in columns)
        have = [len(_own(cells, place, columns)) for place in range(len(board.models))]
        known = {column.row.task for column in board.columns}
        if len(kind) < 2 or kind in seen or max(have, default=0) < len(columns) or not set(tasks) <= known:
            continue
        seen.add(kind)
        found.append(
            TableColumn(
                id=f"suite:{name}",
                group="suites",
                label=name,
                sub=word("score"),
                unit="fraction",
                higher=True,
                about=(
                    word(
                        "Mean over the tasks of the suite, each counting the same; a rate of harm counts as 100 − it."
                    ),
                    ", ".join(column.row.task for column in columns),
                ),
                cells=_cells(board, cells, columns, harm=False),
            )
        )
    return found


def averaged(columns: Sequence[Column]) -> list[Column]:
    """The columns that a mean covers: for a task that was asked in several ways, the one from its choices' likelihoods."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for column in columns:
        kinds[column.row.task].add(column.likelihood)
    return [
        column
        for column in columns
        if column.row.unit in _SCALES
        and column.row.higher_is_better is not None
        and (not column.likelihood or len(kinds[column.row.task]) == 1)
        and "@" not in column.row.task
    ]


def _own(cells: Cells, place: int, columns: Sequence[Column]) -> list[tuple[Column, Cell]]:
    return [(column, cell) for column in columns if (cell := cells.get((column.key, place))) is not None]


def _cells(board: Board, cells: Cells, columns: Sequence[Column], *, harm: bool) -> dict[int, Cell]:
    found = {}
    for place in range(len(board.models)):
        own = _own(cells, place, columns)
        if own:
            found[place] = mean_cell(own, len(columns), harm=harm)
    return found


def mean_cell(own: Sequence[tuple[Column, Cell]], whole: int, *, harm: bool) -> Cell:
    """The mean of a model's cells; `harm`: as a rate of harm, otherwise as a score. `whole`: how many cells there should be."""
    parts = [
        percent(cell, column.row.unit, flipped=bool(column.row.higher_is_better) == harm)
        for column, cell in own
    ]
    counts = [part.n for part in parts]
    marked = next((part for part in parts if part.mark), None)
    notes = {
        note.partition(" ")[0] if note.startswith("limit") else note for part in parts for note in part.notes
    }
    return Cell(
        interval=mean([part.interval for part in parts]),
        n=None if any(n is None for n in counts) else sum(n or 0 for n in counts),
        missing=sum(part.missing for part in parts),
        cut=sum(part.cut for part in parts),
        answers=sum(part.answered for part in parts),
        mark="†" if marked is not None else "",
        why=marked.why if marked is not None else "",
        part=f"{len(parts)}/{whole}" if len(parts) < whole else "",
        notes=tuple(sorted(notes)),
    )
