"""Weights of samples that represent several: those of a share with a few of each cluster (`Sample.weight`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsm_eval.metrics.base import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

UNWEIGHTED = "none (it takes no weights, and samples of unequal weight were drawn)"
"""Stands in place of an interval's method if a metric cannot weight the samples of a share."""


def relative_weights(samples: Sequence[Sample]) -> FloatArray | None:
    """Weights [n] of samples, scaled to sum to their effective number (Σw)² / Σw² (Kish, Survey Sampling, 1965, section
    11.7), so that one heavy hit does not count as many; None if all weigh the same."""
    return relative(np.array([sample.weight for sample in samples], float))


def relative(weights: FloatArray) -> FloatArray | None:
    """The same for weights [n]."""
    if not len(weights) or (weights == weights[0]).all():
        return None
    found: FloatArray = weights * (weights.sum() / np.square(weights).sum())
    return found


def weighs(metric: object) -> bool:
    """Whether a metric that makes its own estimate declares it right for unequal weights."""
    return bool(getattr(metric, "weighs", False))


def unweighted(number: int, missing: int, ties: int = 0) -> Estimate:
    """The estimate of a metric that cannot weight its `number` samples."""
    return Estimate(None, None, None, None, UNWEIGHTED, 0.95, number, missing, ties=ties)
