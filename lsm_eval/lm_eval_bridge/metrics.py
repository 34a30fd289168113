"""Wraps the harness's metrics as ours: with per-document values if the aggregate is a function of their sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.documents import Documents
from lsm_eval.metrics.base import AnyMetric, FloatArray, Measurement, Unit
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

_FRACTIONS = frozenset({"acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "em"})
_UNITS: dict[str, Unit] = {
    "perplexity": "perplexity",
    "weighted_perplexity": "perplexity",
    "bits_per_byte": "bits",
    "bleu": "points",
    "chrf": "points",
    "chrf++": "points",
    "ter": "points",
    "f1": "fraction",
}
"""Units by the harness's name of the aggregation."""
_SPANS = {"bleu": (0.0, 100.0), "chrf": (0.0, 100.0), "chrf++": (0.0, 100.0)}
"""The possible range of the number, by the harness's name of the aggregation."""


@dataclass(frozen=True)
class _Source:
    """The source of a metric's values."""

    documents: Documents
    metric: str
    filter: str

    def value(self, sample: Sample, answers: Sequence[Answer]) -> Any:
        """The document's value; None if `process_results` gives none."""
        return self.documents.results(sample, answers).get(self.filter, {}).get(self.metric)


_QUANTITIES = frozenset(
    {"likelihood_diff", "mc2", "brier_score", "perplexity", "logprob", "ece", "calibration"}
)
"""Metrics of the harness that use the values of log-probabilities, beside those with a likelihood's unit."""


def _reads_likelihood(metric: str, unit: Unit) -> bool:
    return metric in _QUANTITIES or unit in ("perplexity", "bits")


@dataclass(frozen=True)
class SumMetric:
    """A metric whose aggregate is the mean of the documents' values, or a function of two sums."""

    name: str
    unit: Unit
    higher_is_better: bool | None
    signature: str
    mean: bool
    source: _Source
    statistics: Callable[[Any], tuple[float, ...] | None]
    ratio: Callable[[FloatArray], FloatArray]
    """From the ratio of the two sums to the metric's value."""
    siblings: _Siblings = field(repr=False)

    @property
    def reads_likelihood(self) -> bool:
        """Whether a model without likelihoods has no value in it."""
        return _reads_likelihood(self.source.metric, self.unit)

    @property
    def proportion(self) -> bool:
        """Whether Wilson's interval applies, if every value is 0 or 1."""
        return self.mean and self.unit == "fraction"

    @property
    def grades(self) -> bool:
        """Whether it grades an answer as right or wrong (`metrics.common.Described.grades`)."""
        return self.proportion and self.source.metric in _FRACTIONS

    def see_samples(self, samples: Sequence[Sample]) -> None:
        """Called before samples are scored again (`protocols.SeesSamples`)."""
        self.siblings.forget()

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        return self.measure_all(sample, [answer])

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        self.siblings.see(sample, answers)
        value = self.source.value(sample, answers)
        if value is None:
            return None
        try:
            statistics = self.statistics(value)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"lm-eval:{self.source.documents.name}: metric {self.name!r} is {value!r} for document {sample.id}, "
                "which is no number: correct the task's process_results."
            ) from error
        if statistics is None:
            return None
        own = float(self.aggregate(np.array(statistics)))
        return Measurement(statistics, own if math.isfinite(own) else None)

    def aggregate(self, sums: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self.ratio(np.where(sums[..., 1] == 0, np.nan, sums[..., 0] / sums[..., 1]))

    def more_metrics(self) -> Sequence[SumMetric]:
        """Metrics that the task does not declare but that its results contain (see `protocols.HasMoreMetrics`)."""
        return self.siblings.take()


@dataclass(frozen=True)
class WholeMetric:
    """A metric that the harness computes from all documents together with its own function."""

    name: str
    unit: Unit
    higher_is_better: bool | None
    signature: str
    source: _Source
    function: Callable[[list[Any]], Any]
    span: tuple[float, float] | None = None
    """The possible range of the number, if there is one (`statistics.smooth`)."""

    @property
    def reads_likelihood(self) -> bool:
        """Whether a model without likelihoods has no value in it."""
        return _reads_likelihood(self.source.metric, self.unit)

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        return self.compute_all(samples, [[answer] for answer in answers])

    def compute_all(self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]]) -> float:
        values = [self.source.value(sample, own) for sample, own in zip(samples, answers, strict=True)]
        known = [value for value in values if value is not None]
        if not known:
            return math.nan
        try:
            return float(self.function(known))
        except (ValueError, TypeError, ArithmeticError, LookupError):
            return math.nan  # such as F1 over samples of one class only


class _Siblings:
    """The metrics of one task: those that it declares, and those that only its results contain."""

    def __init__(self, documents: Documents, signature: str) -> None:
        self._documents, self._signature = documents, signature
        self._known: set[tuple[str, str]] = set()
        self._unannounced: set[tuple[str, str]] = set()
        self._new: list[SumMetric] = []

    def add(self, metric: str, filter_name: str) -> AnyMetric:
        """The metric of this name, with the task's own aggregation (the mean if it has none)."""
        from lm_eval.api.metrics import mean

        self._known.add((metric, filter_name))
        function = self._documents.task.aggregation().get(metric, mean)
        better = self._documents.task.higher_is_better().get(metric)
        source = _Source(self._documents, metric, filter_name)
        name = metric if filter_name == "none" else f"{metric}.{filter_name}"
        signature = f"{metric},{filter_name} {self._signature}"
        kind = _aggregation(function)
        unit = _UNITS.get(
            kind, "fraction" if metric in _FRACTIONS and kind in ("mean", "nanmean") else "other"
        )
        if kind not in _SUMS:
            return WholeMetric(name, unit, better, signature, source, function, _SPANS.get(kind))
        statistics, ratio = _SUMS[kind]
        mean_like = kind in ("mean", "nanmean")
        return SumMetric(name, unit, better, signature, mean_like, source, statistics, ratio, self)

    def see(self, sample: Sample, answers: Sequence[Answer]) -> None:
        """Note metrics in this document's results that are not known yet."""
        for filter_name, values in self._documents.results(sample, answers).items():
            for metric in values:
                if (metric, filter_name) not in self._known:
                    made = self.add(metric, filter_name)
                    self._unannounced.add((metric, filter_name))
                    if isinstance(made, SumMetric):
                        self._new.append(made)

    def forget(self) -> None:
        """Forget all metrics but the declared ones, so that the others are found again."""
        self._known -= self._unannounced
        self._unannounced.clear()
        self._new.clear()

    def take(self) -> list[SumMetric]:
        new, self._new = self._new, []
        return new


def declared_metrics(documents: Documents, signature: str) -> tuple[AnyMetric, ...]:
    """The metrics that the task declares, one for each of its filters. `signature` names task and harness."""
    siblings = _Siblings(documents, signature)
    return tuple(
        siblings.add(str(metric), filter_name)
        for filter_name in documents.filters
        for metric in documents.task.aggregation()
    )


def _aggregation(function: Any) -> str:
    """The harness's name of an aggregation; empty for a task's own."""
    from lm_eval.api.registry import aggregation_registry

    return next((name for name, known in aggregation_registry.items() if known is function), "")


def _one(value: Any) -> tuple[float, ...]:
    return float(value), 1.0


def _one_if_number(value: Any) -> tuple[float, ...] | None:
    number = float(value)
    return None if math.isnan(number) else (number, 1.0)


def _pair(value: Any) -> tuple[float, ...]:
    top, weight = value
    return float(top), float(weight)


def _same(ratio: FloatArray) -> FloatArray:
    return ratio


def _perplexity(ratio: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-ratio))


def _bits(ratio: FloatArray) -> FloatArray:
    return -ratio / math.log(2)


_SUMS: dict[str, tuple[Callable[[Any], tuple[float, ...] | None], Callable[[FloatArray], FloatArray]]] = {
    "mean": (_one, _same),
    "nanmean": (_one_if_number, _same),
    "perplexity": (_one, _perplexity),
    "weighted_perplexity": (_pair, _perplexity),
    "bits_per_byte": (_pair, _bits),
}
"""The harness's aggregations that are functions of sums (lm_eval.api.metrics): their statistics, and the function of the ratio."""
