"""What a metric may be able to do beyond measuring and adding up (`base.Metric`, `base.CorpusMetric`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from lsm_eval.metrics.base import FloatArray, Metric
from lsm_eval.requests import Answer
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


@runtime_checkable
class Selective(Protocol):
    """A metric that not every sample has a say in; it can tell without an answer, so that a failed sample
    counts as missing only where it would have counted."""

    def applies(self, sample: Sample) -> bool: ...


@runtime_checkable
class Interval(Protocol):
    """A metric whose estimate is made in a way of its own (a rate corrected for its detector's errors)."""

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

        Where it is right of statistics that are multiplied by samples' weights too (they are only ever summed), the
        metric says so by an attribute `weighs` that is true; else it has no value over samples of unequal weight."""
        ...


@runtime_checkable
class WeightedInterval(Interval, Protocol):
    """One that is given the samples' weights beside its statistics, for it reads more of these than their sums (an order)."""

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
        """As `estimate`, of samples with these weights [n] (`weights.relative_weights`)."""
        ...


@runtime_checkable
class CorpusInterval(Protocol):
    """A corpus metric whose estimate is made in a way of its own (an AUROC, whose variance is known)."""

    def estimate_corpus(
        self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]], *, missing: int
    ) -> Estimate:
        """The estimate over these samples, from the answers to all requests of each.

        Where it reads the samples' weights, the metric says so by an attribute `weighs` that is true; else it has no
        value over samples of unequal weight."""
        ...


@runtime_checkable
class Revealing(Protocol):
    """A metric of a family that nobody can list before there are answers (a task's own Python names them)."""

    def revealed(self) -> Sequence[Metric]:
        """Metrics that have come to light since this was last asked."""
        ...


@runtime_checkable
class Demanding(Protocol):
    """A metric that not every task can serve; it can tell before anything is asked."""

    def check_task(self, request: str, draws: int) -> None:
        """UserError where a task of this kind of request, with so many draws, cannot."""
        ...


@runtime_checkable
class Surveying(Protocol):
    """A metric that looks at all samples before any is scored, those too that will fail (to know its groups)."""

    def survey(self, samples: Sequence[Sample]) -> None: ...
