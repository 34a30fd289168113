"""A number of the table, and its column."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.board import Board, Key, Number
from lsm_eval.leaderboard.precedence import departures, limited, part
from lsm_eval.statistics.combined import Interval

DIGITS = {"fraction": 1, "points": 1, "ratio": 2, "perplexity": 2, "bits": 3, "nats": 3, "count": 0}
"""Decimals of each unit; others have four significant digits."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as the table shows it. A missing number has no cell; it is never 0."""

    interval: Interval
    n: int | None
    """Number of samples behind it."""
    missing: int = 0
    """Number of samples that should have counted but have no score."""
    cut: int = 0
    """Number of answers that ran out of tokens."""
    answers: int = 0
    """The total of which these are a part: all answers of the task, even if the metric uses some of them; 0: use `asked`."""
    mark: str = ""
    """The mark of a number that is not comparable with others of its column (`board.Number.mark`); it has no rank there."""
    why: str = ""
    """Why it is not comparable."""
    part: str = ""
    """`3/4` if a mean covers three of its four numbers; it then has no rank."""
    notes: tuple[str, ...] = ()
    """`limit 50`, `5 shots` …"""
    text: str = ""
    """A grade, shown instead of a number."""
    machine: str = ""
    """The machine on which a speed or a time was measured; those of different machines are not comparable."""

    @property
    def ranked(self) -> bool:
        """Whether it is ranked among the others of its column."""
        return not self.mark and not self.part

    @property
    def asked(self) -> int:
        """Number of samples that it should cover."""
        return (self.n or 0) + self.missing

    @property
    def answered(self) -> int:
        """Number of answers, some of which may have run out of tokens."""
        return self.answers or self.asked


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of the table."""

    id: str
    """Its name in the page's address: `area:safety`, `suite:core`, `task:mmlu:acc`, `ratio:safety`, `grade:safety`, `cost:memory`."""
    group: str
    """Its heading: `areas`, `suites`, `against the reference`, `cost`, or the task's area. Areas may have the same names as the other
    headings, so the kind of a column is given by its `id`."""
    label: str
    sub: str
    """The metric, or another text under the label."""
    unit: str
    """As `EstimateRow.unit`, or `ratio`, `grade`, `count`, `tokens/s`, `GiB`."""
    higher: bool | None
    """Whether higher is better."""
    about: tuple[str, ...] = ()
    """Its description: sentences of the interface and names."""
    cells: dict[int, Cell] = field(default_factory=dict)
    """By the model's position on the board."""
    first: bool = False
    """Whether it is a task's first metric."""
    anchor: str = ""
    """Its anchor on a model's page."""

    @property
    def digits(self) -> int | None:
        """Decimals; None: four significant digits."""
        return DIGITS.get(self.unit)


Cells = dict[tuple[Key, int], Cell]
"""By task and metric, and the model's position on the board."""


def task_cells(board: Board) -> Cells:
    """The cells of all measured numbers."""
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
    """Notes that a reader must see beside a number: that it covers a part of the samples only, or has other settings."""
    how = number.task
    return (*((part(how),) if limited(how) else ()), *departures(number.record, how.task))


def percent(cell: Cell, unit: str, *, flipped: bool) -> Cell:
    """A cell with a fraction or points from 0 to 100, as a fraction; `flipped`: 1 minus the fraction."""
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
    """The number as the table shows it, without a unit sign, with an ASCII minus."""
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
