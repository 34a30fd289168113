"""Pairs of samples that two runs share, with their clusters and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.basis import cluster_numbers
from lsm_eval.statistics.bounded import FloatArray

Clusters = Sequence[str | int | None] | NDArray[np.integer]
"""One value for each sample, equal for samples of the same cluster; None: a sample in no cluster."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Values of a baseline and a candidate on the same n samples."""

    baseline: FloatArray
    """[n]"""
    candidate: FloatArray
    """[n]"""
    weights: FloatArray
    """[n], above 0."""
    groups: NDArray[np.intp]
    """The number of each pair's cluster [n], 0 to `count` - 1."""
    count: int
    missing: int
    """Pairs left out because a value is missing in either run."""

    @property
    def number(self) -> int:
        return len(self.baseline)

    @property
    def clusters(self) -> int | None:
        """Number of clusters; None if no two pairs share one."""
        return self.count if self.count < self.number else None

    @property
    def differences(self) -> FloatArray:
        """Candidate minus baseline [n]."""
        return self.candidate - self.baseline

    def sums(self, values: FloatArray) -> FloatArray:
        """Sums (weight · value, weight) by cluster, shape [count, 2]."""
        made = (
            np.bincount(self.groups, rows, minlength=self.count)
            for rows in (self.weights * values, self.weights)
        )
        return np.column_stack(list(made))


def pairs(
    baseline: ArrayLike,
    candidate: ArrayLike,
    clusters: Clusters | None = None,
    weights: ArrayLike | None = None,
) -> Pairs:
    """Pairs of values [n] in the same order. Pairs with NaN on either side, or with weight 0, are left out; the former
    are counted as missing. Raises `UserError` for unequal lengths, an infinite value or a negative weight."""
    first, second = np.asarray(baseline, float), np.asarray(candidate, float)
    weight = np.ones(len(first)) if weights is None else np.asarray(weights, float)
    if not len(first) == len(second) == len(weight):
        raise UserError(
            f"A baseline of {len(first)} samples has no pairs with {len(second)}: match them by id first."
        )
    if clusters is not None and len(clusters) != len(first):
        raise UserError(
            f"{len(first)} samples have {len(clusters)} clusters: give one for each sample (or None)."
        )
    if np.isinf(first).any() or np.isinf(second).any():
        raise UserError(
            "A sample's value is infinite, so that no mean can be compared: leave that sample out."
        )
    if not (weight >= 0).all():
        raise UserError("A sample's weight is below 0 or missing: give weights from 0.")
    known = ~(np.isnan(first) | np.isnan(second))
    present = known & (weight > 0)
    groups, count = _numbers(clusters, present)
    return Pairs(first[present], second[present], weight[present], groups, count, int((~known).sum()))


def _numbers(clusters: Clusters | None, present: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    number = int(present.sum())
    if clusters is None:
        return np.arange(number, dtype=np.intp), number
    if isinstance(clusters, np.ndarray):
        kept = clusters[present]
        seen, groups = np.unique(kept, return_inverse=True)
        return groups.astype(np.intp), len(seen)
    return cluster_numbers(
        [None if c is None else str(c) for c, keep in zip(clusters, present, strict=True) if keep]
    )
