"""Holm's correction with weights: some tests get a larger part of the false-alarm rate than others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lsm_eval.errors import UserError


def weighted_holm(p: Sequence[float], weights: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted p-values [m] with weights above 0: if those that are at most α are rejected, the probability of any false rejection is at
    most α under any dependence (Holm, Scandinavian Journal of Statistics 6:65-70, 1979, section 3). Equal weights
    give Holm's unweighted procedure. Raises UserError for a weight that is not above 0."""
    values, shares = np.asarray(p, float), np.asarray(weights, float)
    if not (shares > 0).all():
        raise UserError("A weight is not above 0: give each test a part of the false-alarm rate.")
    order = np.argsort(values / shares, kind="stable")
    in_order = shares[order]
    left = np.cumsum(in_order[::-1])[::-1]
    steps = np.maximum.accumulate(values[order] * left / in_order) if len(values) else values
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
