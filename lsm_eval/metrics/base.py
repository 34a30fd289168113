"""The interface of a metric: sufficient statistics of each sample, and an aggregate computed from their sums.

Because an aggregate is a function of sums, its interval follows from the samples' rows (`lsm_eval.statistics`). A metric sees
samples and responses, never a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lsm_eval.folders.entry import Unit as Unit
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One metric's result for one sample."""

    statistics: tuple[float, ...]
    """Sufficient statistics, summed over samples and handed to `aggregate`."""
    value: float | None = None
    """The sample's own score, for the per-sample table; None if it has none."""
    tie: bool = False
    """Whether the decision was an exact tie between choices."""


@runtime_checkable
class Metric(Protocol):
    """A metric whose aggregate is a function of sums of per-sample statistics."""

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> Unit: ...

    @property
    def higher_is_better(self) -> bool | None:
        """None if neither direction is better (a bias rate whose fair value lies in the middle)."""
        ...

    @property
    def signature(self) -> str:
        """All that is needed to reproduce the number: version, tokenizer, normalisation, options."""
        ...

    @property
    def proportion(self) -> bool:
        """Whether each sample counts 0 or 1 and the aggregate is their mean (Wilson's interval applies)."""
        ...

    @property
    def mean(self) -> bool:
        """Whether the statistics are (value, 1) and the aggregate is their ratio, a plain mean over samples
        (a t interval applies). True for every proportion."""
        ...

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        """Statistics of one sample, always of the same length k; None if the metric does not count the sample
        (an unambiguous item, for a metric over ambiguous ones)."""
        ...

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums of statistics, shape [..., k], to the metric's values, shape [...]; NaN if undefined."""
        ...


@runtime_checkable
class CorpusMetric(Protocol):
    """A metric that is defined only over a whole set of samples (a module of the `evaluate` library)."""

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> Unit: ...

    @property
    def higher_is_better(self) -> bool | None: ...

    @property
    def signature(self) -> str: ...

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        """The value over these samples (both sequences parallel and not empty)."""
        ...


AnyMetric = Metric | CorpusMetric
