"""What a task's page shows: its metrics, numbers, published numbers, agreement of models, and notable samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lsm_eval.folders.entry import Entry
from lsm_eval.leaderboard.board import Board, Key, ModelEntry, Number
from lsm_eval.leaderboard.outcomes.agreement import agreement
from lsm_eval.leaderboard.outcomes.difficulty import Difficulty, disputed, hardest
from lsm_eval.leaderboard.outcomes.fields import TaskField
from lsm_eval.leaderboard.outcomes.outcome import Field
from lsm_eval.leaderboard.show import compact, measured, value
from lsm_eval.leaderboard.words import word
from lsm_eval.results.schema import EstimateRow, TaskRow

MOST_AGREEING = 12
"""The most models whose agreement is shown pair by pair."""

MOST_SAMPLES = 10
"""The most hardest, and the most disputed, samples that are shown."""

DIRECTIONS = {
    True: word("higher is better"),
    False: word("lower is better"),
    None: word("neither direction is better"),
}

_LINKS = 4
"""The most models whose answer to a sample is linked."""


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric of the task."""

    key: Key
    row: EstimateRow
    """From the newest run that has it."""
    description: str
    """Its description in lsm-eval's list of metrics; empty if it is not in the list."""
    numbers: tuple[tuple[ModelEntry, Number], ...]
    """Best first if a direction is better, then in the board's order; then baseline rows without a model, and rows without a value last."""
    references: tuple[dict[str, Any], ...]
    """Published numbers of this metric."""

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.key[1]


@dataclass(frozen=True, slots=True)
class AgreementView:
    """For pairs of models: shares of samples with the same outcome, and kappa; None if there is no value."""

    models: tuple[ModelEntry, ...]
    share: tuple[tuple[float | None, ...], ...]
    kappa: tuple[tuple[float | None, ...], ...]
    number: tuple[tuple[int, ...], ...]
    left_out: int
    """Number of models that are not shown, because there are too many."""
    mean: float | None
    """Mean of the shares of all pairs, shown or not."""


@dataclass(frozen=True, slots=True)
class SampleLink:
    """A sample, and the pages that show it."""

    found: Difficulty
    wrong: tuple[tuple[ModelEntry, int | None], ...]
    """Models that got it wrong, and its position on their page; None if it is not there."""
    right: tuple[tuple[ModelEntry, int | None], ...]


@dataclass(frozen=True, slots=True)
class TaskView:
    """Everything on a task's page."""

    task: TaskRow
    """The task as its newest run asked it."""
    metrics: tuple[MetricView, ...]
    unmatched: tuple[dict[str, Any], ...]
    """Published numbers of metrics that no run measured."""
    agreement: AgreementView | None
    hardest: tuple[SampleLink, ...]
    disputed: tuple[SampleLink, ...]
    compared: int
    """Number of samples for which at least two models have an outcome."""
    metric: str | None
    """The metric by which samples are right or wrong, if it is the same for all models."""


Newest = dict[str, dict[Key, Number]]
"""By task: for each metric, in the order of the board, the number of the newest run that has one."""


def newest_numbers(board: Board) -> Newest:
    """Computed for the whole board at once, since a large board has tens of thousands of numbers."""
    found: Newest = {}
    for model in board.models:
        for key, number in model.numbers.items():
            own = found.setdefault(key[0], {})
            if key not in own or number.record.created > own[key].record.created:
                own[key] = number
    return found


def task_view(
    board: Board,
    name: str,
    field: TaskField,
    shown: int,
    newest: Newest | None = None,
    included: Mapping[str, Entry] = MappingProxyType({}),
) -> TaskView:
    """The view of one task; `shown`: the number of samples of a table that its page shows. `newest`: the result of `newest_numbers`, if known.
    `included`: metrics of included folders."""
    record = next(record for record in board.records if name in record.tasks)
    task = record.tasks[name]
    own = (newest_numbers(board) if newest is None else newest).get(name, {})
    keys = {key: number.row for key, number in own.items()}
    primary = [column.key for column in board.columns if column.row.task == name]
    order = sorted(keys, key=lambda key: (key not in primary, list(keys).index(key)))
    metrics = tuple(_metric(board, key, keys[key], task, included) for key in order)
    named = {reference.get("metric") for metric in metrics for reference in metric.references}
    by_slug = {model.slug: model for model in board.models}
    models = [by_slug[slug] for slug in field.field.models]
    return TaskView(
        task,
        metrics,
        tuple(one for one in task.references if one.get("metric") not in named),
        _agreement(field.field, models),
        tuple(_link(field.field, models, one, shown) for one in hardest(field.field, MOST_SAMPLES)),
        tuple(_link(field.field, models, one, shown) for one in disputed(field.field, MOST_SAMPLES)),
        int((field.field.answered > 1).sum()) if models else 0,
        field.metric,
    )


def published(number: Any, unit: str) -> str:
    """A published number in our format: fractions as percentages."""
    if isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number):
        return value(number, unit if unit != "fraction" or -1 <= number <= 1 else "other")
    return compact(number)


def _metric(board: Board, key: Key, row: EstimateRow, task: TaskRow, own: Mapping[str, Entry]) -> MetricView:
    numbers = [(model, model.numbers[key]) for model in board.models if key in model.numbers]
    if row.higher_is_better is not None:
        sign = -1 if row.higher_is_better else 1
        numbers.sort(key=lambda one: sign * (one[1].row.value or 0.0) if measured(one[1].row) else math.inf)
    numbers.sort(key=lambda one: (not measured(one[1].row), one[0].no_model))
    references = tuple(one for one in task.references if one.get("metric") == key[1])
    return MetricView(key, row, _description(row, own), tuple(numbers), references)


def _description(row: EstimateRow, own: Mapping[str, Entry]) -> str:
    """`own`: metrics of included folders, which come first where the number was made by code of a folder."""
    from lsm_eval.scoring.registry import BUILT_IN

    by_code = " code:" in row.signature
    for known in (own, BUILT_IN) if by_code else (BUILT_IN, own):
        for name in (row.metric_signature.partition("|")[0], row.metric):
            if name in known:
                return known[name].description
    return ""


def _agreement(field: Field, models: Sequence[ModelEntry]) -> AgreementView | None:
    if len(models) < 2:
        return None
    found = agreement(field)
    # The models with most outcomes first, then in the order of the board.
    order = sorted(range(len(models)), key=lambda row: (-int((field.found[row] >= 0).sum()), row))
    kept = sorted(order[:MOST_AGREEING])
    pairs = [
        float(found.share[a, b])
        for a in range(len(models))
        for b in range(a)
        if not math.isnan(found.share[a, b])
    ]
    return AgreementView(
        tuple(models[row] for row in kept),
        tuple(tuple(_known(found.share[a, b]) for b in kept) for a in kept),
        tuple(tuple(_known(found.kappa[a, b]) for b in kept) for a in kept),
        tuple(tuple(int(found.number[a, b]) for b in kept) for a in kept),
        len(models) - len(kept),
        sum(pairs) / len(pairs) if pairs else None,
    )


def _known(number: float) -> float | None:
    return None if math.isnan(number) else float(number)


def _link(field: Field, models: Sequence[ModelEntry], one: Difficulty, shown: int) -> SampleLink:
    def linked(outcome: int) -> tuple[tuple[ModelEntry, int | None], ...]:
        rows = [row for row in one.models if field.found[row, one.at] == outcome][:_LINKS]
        places = [field.where(row, one.at) for row in rows]
        return tuple(
            (models[row], place if 0 <= place < shown else None)
            for row, place in zip(rows, places, strict=True)
        )

    return SampleLink(one, linked(0), linked(1))
