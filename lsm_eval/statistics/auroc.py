"""The area under the ROC curve, exactly, with ties."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def auroc(
    scores: Sequence[float] | NDArray[np.float64], positive: Sequence[bool] | NDArray[np.bool_]
) -> float:
    """How well scores [n] separate positives from negatives, 0 to 1: the share of (positive, negative) pairs in which
    the positive has the higher score, a tied pair counting one half (Mann-Whitney U / (P · N); Hanley & McNeil
    1982). An uninformative score has 0.5.

    NaN if one of the classes is empty. Infinite scores are ranked like any other. Raises ValueError if the
    lengths differ or a score is NaN: a missing score has no rank, so its sample must be left out first."""
    values = np.asarray(scores, float)
    labels = np.asarray(positive, bool)
    if values.ndim != 1 or values.shape != labels.shape:
        raise ValueError(f"{values.shape} scores and {labels.shape} labels: both must be lists of one length")
    if np.isnan(values).any():
        raise ValueError(
            f"{int(np.isnan(values).sum())} of {len(values)} scores are NaN: leave those samples out"
        )
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return math.nan
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    # Pairs are counted for one distinct score at a time, in whole numbers: twice the wins plus the ties.
    at_level = np.bincount(level.ravel(), weights=labels, minlength=len(counts)).astype(np.int64)
    negative_at = counts.astype(np.int64) - at_level
    below = np.cumsum(negative_at) - negative_at
    twice = int((at_level * (2 * below + negative_at)).sum())
    return twice / (2 * positives * negatives)
