"""The numbers of one task and metric over runs, oldest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lsm_eval.comparison.releases import RELEASE, comparable_parts, engines_agree
from lsm_eval.comparison.signature import parts
from lsm_eval.leaderboard.board import Key, ModelEntry, rows_of
from lsm_eval.leaderboard.history.changes import Change, changes
from lsm_eval.leaderboard.show import measured
from lsm_eval.results.names import shown_name
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow


@dataclass(frozen=True, slots=True)
class Point:
    """A run's number."""

    row: EstimateRow
    record: Record
    model: ModelEntry
    """Whose row of the board the run belongs to."""
    changed: tuple[Change, ...]
    """Changes since the number before it; empty for the first."""
    other: bool = False
    """Whether it is not comparable with the number before it (`compares`)."""

    @property
    def when(self) -> datetime:
        """In UTC."""
        return self.record.created


@dataclass(frozen=True, slots=True)
class Line:
    """One task and metric."""

    key: Key
    points: tuple[Point, ...]

    @property
    def measured(self) -> list[Point]:
        """Points with a number."""
        return [point for point in self.points if measured(point.row)]


@dataclass(frozen=True, slots=True)
class NameGroup:
    """All rows of the board with one name: one, or several with different fingerprints."""

    name: str
    models: tuple[ModelEntry, ...]

    @property
    def runs(self) -> int:
        """Number of runs of all rows."""
        return sum(len(model.runs) for model in self.models)


def compares(first: Point, second: Point) -> bool:
    """Whether two numbers of a task and metric are comparable, as on the front page: their signatures agree, and if the releases of
    lsm-eval differ, their engines are the same."""
    one, other = first.row.signature, second.row.signature
    if comparable_parts(one) != comparable_parts(other):
        return False
    same_release = parts(one).get(RELEASE) == parts(other).get(RELEASE)
    return same_release or engines_agree(first.record, second.record)


def group_by_name(models: Sequence[ModelEntry]) -> list[NameGroup]:
    """Groups the rows by the model's name in their newest run, in the order of the board."""
    groups: dict[str, list[ModelEntry]] = defaultdict(list)
    for model in models:
        groups[shown_name(model.runs[0].manifest.model)].append(model)
    return [NameGroup(name, tuple(own)) for name, own in groups.items()]


def lines(group: NameGroup) -> list[Line]:
    """Every task and metric of the group's runs, with each run's number in order of time; tasks by name, metrics in the order of the
    newest run."""
    runs = sorted(
        ((run, model) for model in group.models for run in model.runs),
        key=lambda pair: (pair[0].created, pair[0].manifest.run, str(pair[0].folder)),
    )
    found: dict[Key, list[tuple[EstimateRow, Record, ModelEntry]]] = defaultdict(list)
    for run, model in reversed(runs):
        for row in rows_of(run):
            found[row.task, row.metric].append((row, run, model))
    order = {key: place for place, key in enumerate(found)}
    return [
        Line(key, _points(found[key][::-1])) for key in sorted(found, key=lambda key: (key[0], order[key]))
    ]


def _points(numbers: Sequence[tuple[EstimateRow, Record, ModelEntry]]) -> tuple[Point, ...]:
    points: list[Point] = []
    for row, record, model in numbers:
        if not points:
            points.append(Point(row, record, model, ()))
            continue
        before = points[-1]
        changed = changes((before.row, before.record), (row, record))
        point = Point(row, record, model, changed)
        points.append(replace(point, other=not compares(before, point)))
    return tuple(points)
