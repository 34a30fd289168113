"""The difference of the means over two parts of a task's samples, as a base for metrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.common import ratio
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import Part, combined


class TwoMeans:
    """Statistics (sum, count) of each part, [n, 4]; a sample counts in one of them."""

    weighs = True

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 4] to differences [...]; NaN if either part has no sample."""
        return np.subtract(ratio(sums[..., 0], sums[..., 1]), ratio(sums[..., 2], sums[..., 3]))

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The difference with Newcombe's interval."""
        parts = Part(1.0, slice(0, 2)), Part(-1.0, slice(2, 4))
        return combined(parts, statistics, clusters, missing=missing, ties=ties, seed=seed)
