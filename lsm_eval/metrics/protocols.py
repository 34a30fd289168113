"""Optional abilities of a metric besides measuring and adding up (`base.Metric`, `base.CorpusMetric`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from lsm_eval.metrics.base import FloatArray, Metric
from lsm_eval.requests import Answer
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


@runtime_checkable
class Selective(Protocol):
    """A metric that does not count every sample. It can decide this without an answer, so that a failed sample is
    missing only if it would have counted."""

    def applies(self, sample: Sample) -> bool: ...


@runtime_checkable
class Interval(Protocol):
    """A metric that makes its own estimate (a rate corrected for its detector's errors)."""

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """As `statistics.intervals.estimate`, from this metric's statistics [n, k].

        If it is also right for statistics multiplied by samples' weights (because it only sums them), the metric has a
        true attribute `weighs`; otherwise it has no value over samples of unequal weight."""
        ...


@runtime_checkable
class WeightedInterval(Interval, Protocol):
    """One that takes the samples' weights separately, since it reads more of its statistics than their sums (their order)."""

    def estimate_weighted(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        weights: FloatArray,
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """As `estimate`, for samples with these weights [n] (`weights.relative_weights`)."""
        ...


@runtime_checkable
class CorpusInterval(Protocol):
    """A corpus metric that makes its own estimate (an AUROC, whose variance is known)."""

    def estimate_corpus(
        self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]], *, missing: int
    ) -> Estimate:
        """The estimate over these samples, from the answers to all requests of each.

        If it reads the samples' weights, the metric has a true attribute `weighs`; otherwise it has no value over
        samples of unequal weight."""
        ...


@runtime_checkable
class HasMoreMetrics(Protocol):
    """A metric of a family that cannot be listed before there are answers (a task's own Python names them)."""

    def more_metrics(self) -> Sequence[Metric]:
        """Metrics found since the last call."""
        ...


@runtime_checkable
class Demanding(Protocol):
    """A metric that not every task can use; it checks this before anything is asked."""

    def check_task(self, request: str, draws: int) -> None:
        """Raises `UserError` if a task with this kind of request and number of draws cannot use it."""
        ...


@runtime_checkable
class SeesSamples(Protocol):
    """A metric that sees all samples before any is scored, including those that will fail (to know its groups)."""

    def see_samples(self, samples: Sequence[Sample]) -> None: ...
