"""One number of the table, and the column that it stands in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.collect import Board, Key, Number
from lsm_eval.leaderboard.founded import departures, limited, part
from lsm_eval.statistics.combined import Interval

DIGITS = {"fraction": 1, "points": 1, "ratio": 2, "perplexity": 2, "bits": 3, "nats": 3, "count": 0}
"""Decimals of each unit; others have four significant digits."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as the table shows it. Missing is never 0: there is no cell where there is no number."""

    interval: Interval
    n: int | None
    """Samples behind it."""
    missing: int = 0
    """Samples that should have counted and could not."""
    cut: int = 0
    """Answers that ran out of tokens."""
    answers: int = 0
    """Answers that these are of: all of a task, also where the metric is of some; 0: the samples that it should be of."""
    mark: str = ""
    """Of a number that does not compare with others of its column (`collect.Number.mark`); it has no rank there."""
    why: str = ""
    """Why not."""
    part: str = ""
    """`3/4` where a mean is over three of the four numbers that it should be of; it has no rank then."""
    notes: tuple[str, ...] = ()
    """`limit 50`, `5 shots` …"""
    text: str = ""
    """In place of a number: a grade."""
    machine: str = ""
    """What a speed or a time was measured on: those of other machines do not compare with it."""

    @property
    def ranked(self) -> bool:
        """Whether it may stand in one order with the others of its column."""
        return not self.mark and not self.part

    @property
    def asked(self) -> int:
        """Samples that it should be of."""
        return (self.n or 0) + self.missing

    @property
    def answered(self) -> int:
        """Answers of which some may have run out of tokens."""
        return self.answers or self.asked


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column."""

    id: str
    """In the page's address: `area:safety`, `suite:core`, `task:mmlu:acc`, `ratio:safety`, `grade:safety`, `cost:memory`."""
    group: str
    """The heading that it stands under: `areas`, `suites`, `against the reference`, `cost`, or the task's area, which may be called
    like one of these: what kind a column is says its `id`."""
    label: str
    sub: str
    """The metric, or what else stands under the label."""
    unit: str
    """As `EstimateRow.unit`, or `ratio`, `grade`, `count`, `tokens/s`, `GiB`."""
    higher: bool | None
    """Whether higher is better."""
    about: tuple[str, ...] = ()
    """What it is, a sentence of the interface or a name each."""
    cells: dict[int, Cell] = field(default_factory=dict)
    """By the model's place on the board."""
    first: bool = False
    """Whether it is a task's first metric."""
    anchor: str = ""
    """Of its place on a model's page."""

    @property
    def digits(self) -> int | None:
        """Decimals; None: four significant digits."""
        return DIGITS.get(self.unit)


Cells = dict[tuple[Key, int], Cell]
"""By task and metric, and the model's place on the board."""


def task_cells(board: Board) -> Cells:
    """Of every number that was measured."""
    return {
        (key, place): task_cell(number)
        for place, model in enumerate(board.models)
        for key, number in model.numbers.items()
        if show.measured(number.row)
    }


def task_cell(number: Number) -> Cell:
    """The cell of a task's number (a measured one)."""
    row, task = number.row, number.task
    missing = row.missing
    return Cell(
        interval=Interval(float(row.value or 0.0), _finite(row.low), _finite(row.high)),
        n=row.n,
        missing=missing,
        cut=task.cut_off.samples if task.cut_off is not None else 0,
        answers=task.samples or 0,
        mark=number.mark,
        why=number.why,
        notes=marks_of(number),
    )


def marks_of(number: Number) -> tuple[str, ...]:
    """What a reader must see beside a number: that it is of a part only, or of other settings."""
    how = number.task
    return (*((part(how),) if limited(how) else ()), *departures(number.record, how.task))


def percent(cell: Cell, unit: str, *, flipped: bool) -> Cell:
    """A cell of a fraction or points from 0 to 100, as a fraction; `flipped`: 1 − it."""
    scale = 0.01 if unit == "points" else 1.0

    def turned(number: float | None) -> float | None:
        if number is None:
            return None
        return 1 - scale * number if flipped else scale * number

    own = cell.interval
    value = 1 - scale * own.value if flipped else scale * own.value
    low, high = (own.high, own.low) if flipped else (own.low, own.high)
    return replace(cell, interval=Interval(value, turned(low), turned(high)))


def shown(number: float, unit: str) -> str:
    """As the table shows it, without a sign of the unit, with an ASCII minus."""
    if unit == "ratio":
        return f"{number:.2f}"
    if unit == "count":
        return f"{number:.0f}"
    if unit == "tokens/s":
        return f"{number:.0f}" if number >= 10 else f"{number:.1f}"
    if unit == "GiB":
        return f"{number:.2f}"
    return show.plain(number, unit).replace("−", "-")


def _finite(number: float | None) -> float | None:
    return None if number is None or number != number else number
