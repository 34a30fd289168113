"""The mean change of a value between two wordings, on the same samples.

For values with a range the mean change is the mean gain minus the mean loss, each a mean of values from 0 to 1 (`statistics.parts`): the
interval thus keeps its width even if no sample changes, or all change alike. For values of 0 and 1 these are the two kinds of discordant
pairs, whose shares give the difference of two paired proportions (McNemar, Psychometrika 12:153-157, 1947).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.common import ratio
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate
from lsm_eval.statistics.parts import Part, combined


class _Difference:
    """The mean of differences of an unbounded value."""

    unit = "other"
    mean = True
    proportion = False

    def aggregate(self, sums: FloatArray) -> FloatArray:
        return ratio(sums[..., 0], sums[..., 1])


def change_estimate(
    differences: FloatArray,
    clusters: Sequence[str | None],
    *,
    span: tuple[float, float] | None,
    missing: int,
    weights: FloatArray | None = None,
) -> Estimate:
    """The mean of samples' differences [n], with their clusters [n]. `span`: range of the compared values; None if unbounded.
    `weights` [n]: default 1."""
    heavy = np.ones((len(differences), 1)) if weights is None else weights[:, None]
    width = 0.0 if span is None else span[1] - span[0]
    if not width or np.abs(differences).max(initial=0) > width * (1 + 1e-12):
        rows = np.column_stack([differences, np.ones(len(differences))]) * heavy
        return estimate(_Difference(), rows, clusters, missing=missing, ties=0, seed=0)
    gained, lost = (np.clip(way * differences / width, 0, 1) for way in (1, -1))
    parts = Part(width, slice(0, 2)), Part(-width, slice(2, 4))
    number = np.ones(len(differences))
    rows = np.column_stack([gained, number, lost, number]) * heavy
    return combined(parts, rows, clusters, missing=missing, ties=0, seed=0)
