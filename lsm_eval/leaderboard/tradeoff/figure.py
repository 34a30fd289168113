"""A score against a cost, as a chart and as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.ranking.columns import ColumnRanking
from lsm_eval.leaderboard.table.cell import Cell, TableColumn, shown
from lsm_eval.leaderboard.tradeoff.axis import Axis, axis
from lsm_eval.leaderboard.tradeoff.front import Front, Status, front
from lsm_eval.leaderboard.tradeoff.labels import Label, placed

WIDTH, HEIGHT = 760.0, 460.0
LEFT, TOP, RIGHT, BOTTOM = 58.0, 12.0, 748.0, 424.0
MOST_LABELS = 60
_ORDER = {"on": 0, "may": 1, "off": 2, "unknown": 3}


@dataclass(frozen=True, slots=True)
class Mark:
    """One model."""

    place: int
    """Position on the board."""
    x: float
    y: float
    across: tuple[float, float] | None
    """Ends of the cost's interval, as x coordinates."""
    up: tuple[float, float] | None
    """Ends of the score's interval, as y coordinates."""
    status: Status
    observed: bool
    label: Label | None
    score: Cell
    cost: Cell


@dataclass(frozen=True, slots=True)
class Tick:
    """A round number on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart."""

    score: TableColumn
    cost: TableColumn
    marks: tuple[Mark, ...]
    """The best of the front first."""
    steps: str
    """The observed front as a path."""
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    logarithmic: tuple[bool, bool]
    uncertain: bool
    """Whether costs have intervals."""

    def count(self, status: Status) -> int:
        """Number of models with this status."""
        return sum(mark.status == status for mark in self.marks)


def figure(
    board: Board, names: Sequence[str], score: TableColumn, cost: TableColumn, ranked: ColumnRanking | None
) -> Figure | None:
    """The chart of all models that have both; None if fewer than two do. `names`: short names, by the model's position."""
    places = [
        place for place, model in enumerate(board.models)
        if not model.no_model and place in score.cells and place in cost.cells
    ]  # fmt: skip
    if len(places) < 2 or score.higher is None or cost.higher is None:
        return None
    scores, costs = [score.cells[place] for place in places], [cost.cells[place] for place in places]
    statuses, observed = _statuses(board, places, scores, costs, score, cost, ranked)
    across = axis([one.interval.value for one in costs], _ends(costs), LEFT + 8, RIGHT - 8)
    up = axis([one.interval.value for one in scores], _ends(scores), BOTTOM - 8, TOP + 8)
    points = [
        (across.at(c.interval.value), up.at(s.interval.value)) for s, c in zip(scores, costs, strict=True)
    ]
    sign = -1 if score.higher else 1
    order = sorted(
        range(len(places)),
        key=lambda at: (_ORDER[statuses[at]], not observed[at], sign * scores[at].interval.value, places[at]),
    )
    labels = placed(
        [names[place] for place in places], points, order[:MOST_LABELS], (LEFT, TOP, RIGHT, BOTTOM)
    )
    marks = tuple(
        Mark(
            places[at], *points[at], _drawn(costs[at], across), _drawn(scores[at], up), statuses[at], observed[at],
            labels.get(at), scores[at], costs[at],
        )
        for at in order
    )  # fmt: skip
    return Figure(
        score, cost, marks, _steps(marks, cheap_is_left=not cost.higher), _ticks(across, cost.unit, 8),
        _ticks(up, score.unit, 7), (across.logarithmic, up.logarithmic),
        any(one.interval.low is not None for one in costs),
    )  # fmt: skip


def _statuses(
    board: Board,
    places: Sequence[int],
    scores: Sequence[Cell],
    costs: Sequence[Cell],
    score: TableColumn,
    cost: TableColumn,
    ranked: ColumnRanking | None,
) -> tuple[list[Status], list[bool]]:
    """Which models are on the front, among those comparable in both numbers. Others are unknown and dominate no model, as is a model that
    is comparable with none."""
    known: dict[str, int] = {}
    if ranked is not None and ranked.better is not None:
        known = {slug: at for at, slug in enumerate(ranked.slugs)}
    measured = [
        at for at, place in enumerate(places)
        if board.models[place].slug in known and scores[at].ranked and costs[at].ranked
    ]  # fmt: skip
    statuses: list[Status] = ["unknown"] * len(places)
    observed = [False] * len(places)
    if ranked is None or ranked.better is None or ranked.stricter is None or len(measured) < 2:
        return statuses, observed
    rows = np.array([known[board.models[places[at]].slug] for at in measured])
    pairs = np.ix_(rows, rows)
    found: Front = front(
        [scores[at].interval.value for at in measured], ranked.better[pairs], ranked.stricter[pairs],
        [costs[at].interval for at in measured], [costs[at].n for at in measured],
        higher_is_better=bool(score.higher), more_is_cheaper=bool(cost.higher),
    )  # fmt: skip
    for at, status, own in zip(measured, found.statuses, found.observed, strict=True):
        statuses[at], observed[at] = status, own
    return statuses, observed


def _ends(cells: Sequence[Cell]) -> list[float]:
    return [end for cell in cells for end in (cell.interval.low, cell.interval.high) if end is not None]


def _drawn(cell: Cell, along: Axis) -> tuple[float, float] | None:
    low, high = cell.interval.low, cell.interval.high
    return None if low is None or high is None else (along.at(low), along.at(high))


def _steps(marks: Sequence[Mark], *, cheap_is_left: bool) -> str:
    """The path from low to high cost, with a step up at each model of the observed front."""
    corners = sorted((mark.x, mark.y) for mark in marks if mark.observed)
    if not cheap_is_left:
        corners.reverse()
    if len(corners) < 2:
        return ""
    path = f"M{corners[0][0]:g} {corners[0][1]:g}"
    return path + "".join(f"H{x:g}V{y:g}" for x, y in corners[1:])


def _ticks(along: Axis, unit: str, most: int) -> tuple[Tick, ...]:
    return tuple(Tick(along.at(one), tick_text(one, unit)) for one in along.ticks(most))


def tick_text(number: float, unit: str) -> str:
    """A round number as an axis shows it."""
    value = 100 * number if unit == "fraction" else number
    far = value and not 1e-3 <= abs(value) < 1e6
    text = f"{value:.3g}" if far else f"{round(value, 9):,.10g}"
    return text.replace("-", "−", 1)


def cell_text(cell: Cell, unit: str) -> str:
    """`61.2 [58.0, 64.1]`."""
    value = shown(cell.interval.value, unit)
    if cell.interval.low is None or cell.interval.high is None:
        return value.replace("-", "−")
    text = f"{value} [{shown(cell.interval.low, unit)}, {shown(cell.interval.high, unit)}]"
    return text.replace("-", "−")
