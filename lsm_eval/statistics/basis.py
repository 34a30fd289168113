"""The samples and clusters that an estimate rests on, and the estimates that need no more than that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Basis:
    """Numbers of samples, their clusters and what is missing."""

    number: int
    """Samples."""
    groups: NDArray[np.intp]
    """The number of each sample's cluster, 0 to `count` - 1."""
    count: int
    """Number of clusters; a sample in no cluster counts as one."""
    missing: int
    ties: int = 0
    level: float = 0.95

    @property
    def clusters(self) -> int | None:
        """Number of clusters; None if no two samples share one."""
        return self.count if self.count < self.number else None

    def result(
        self,
        value: float | None,
        method: str,
        interval: tuple[float, float] | None = None,
        stderr: float | None = None,
    ) -> Estimate:
        """The estimate with this value and interval."""
        low, high = interval or (None, None)
        return Estimate(
            value, low, high, stderr, method, self.level, self.number, self.missing, self.clusters, self.ties
        )

    def empty(self) -> Estimate | None:
        """The estimate if there are no samples, else None."""
        return None if self.number else self.result(None, "none (no samples)")

    def without_interval(self, value: float) -> Estimate | None:
        """The estimate if a value cannot have an interval: it is undefined or infinite, or there is only one cluster.
        Else None."""
        if not math.isfinite(value):
            why = "undefined on these samples" if math.isnan(value) else "infinite"
            return self.result(None, f"none ({why})")
        if self.count == 1:
            return self.result(value, "none (one sample)" if self.number == 1 else "none (one cluster)")
        return None


def basis(clusters: Sequence[str | None], *, missing: int, ties: int = 0, level: float = 0.95) -> Basis:
    """The basis of samples with these clusters (None: in no cluster)."""
    groups, count = cluster_numbers(clusters)
    return Basis(len(clusters), groups, count, missing, ties, level)


def cluster_numbers(clusters: Sequence[str | None]) -> tuple[NDArray[np.intp], int]:
    """A number for each sample's cluster, 0 to G - 1 in order of appearance, and G; each None is a cluster of its own."""
    seen: dict[str | int, int] = {}
    keys: list[str | int] = [index if cluster is None else cluster for index, cluster in enumerate(clusters)]
    numbers = np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.intp)
    return numbers, len(seen)
