"""By how much a number changes between two wordings, on the same samples.

For values that keep to a range the mean change is what samples gained less what they lost, each a mean of values from 0 to 1
(`statistics.parts`): so neither no change in few samples nor the same change in all of them is a certainty. For 0 and 1 these are
the two kinds of discordant pairs, whose shares make the difference of two paired proportions (McNemar, Psychometrika 12:153-157,
1947).
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
    """A mean of differences of a number without a range."""

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
    """The mean of samples' differences [n], with their clusters, n long. `span` is the range of the values that were compared, None
    where there is none. `weights` [n]: 1 each where there are none."""
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
