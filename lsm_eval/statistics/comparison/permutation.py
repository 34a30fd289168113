"""Permutation tests that exchange the two runs' values, whole clusters at a time: no distribution is assumed.

Under the null hypothesis either assignment of a cluster's values to the two runs is equally likely (Fisher 1935; Edgington
& Onghena, Randomization Tests, 2007). With few clusters all exchanges are enumerated; else they are drawn with a seed, with 1 added to
both counts (Phipson & Smyth, Statistical Applications in Genetics and Molecular Biology 9:39, 2010), so that p is never 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.pairs import Pairs

Alternative = Literal["two-sided", "less", "greater"]

EXACT_MOST = 14
"""Number of differing clusters G up to which all 2^G exchanges are enumerated."""
DRAWS = 9999
_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """The p-value of a permutation test."""

    p: float
    exchanges: int
    """How many were tried."""
    exact: bool
    """Whether these are all there are."""


def sign_flip(
    data: Pairs, alternative: Alternative = "two-sided", *, seed: int = 0, draws: int = DRAWS
) -> PermutationTest:
    """The test of the mean difference: signs of the clusters' summed differences are flipped."""
    sums = data.sums(data.differences)[:, 0]
    sums = sums[sums != 0]
    seen = float(sums.sum())
    if not len(sums):
        return PermutationTest(1.0, 1, True)
    exact = len(sums) <= EXACT_MOST
    rng = np.random.default_rng(seed)
    number = 2 ** len(sums) if exact else draws
    rows = max(1, _CHUNK // len(sums))
    slack = 1e-12 * float(np.abs(sums).sum())
    extreme = 0
    for start in range(0, number, rows):
        count = min(rows, number - start)
        flips = (
            _all(start, count, len(sums)) if exact else rng.integers(2, size=(count, len(sums)), dtype=bool)
        )
        found = seen - 2 * (flips @ sums)
        extreme += int(_beyond(found, seen, alternative, slack).sum())
    return PermutationTest(extreme / number if exact else (extreme + 1) / (number + 1), number, exact)


def approximate_randomisation(
    aggregate: Callable[[FloatArray], FloatArray],
    baseline: FloatArray,
    candidate: FloatArray,
    alternative: Alternative = "two-sided",
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> PermutationTest:
    """The test of a number that is a function of sums, such as BLEU: `aggregate` maps sums [r, k] to values [r]; `baseline` and `candidate`
    are the statistics of G clusters (or samples), shape [G, k], which are exchanged (Riezler & Maxwell, ACL workshop on intrinsic
    and extrinsic evaluation measures, 2005; the test that sacrebleu calls paired approximate randomisation)."""
    first, second = np.asarray(baseline, float), np.asarray(candidate, float)
    clusters = len(first)
    exact = clusters <= EXACT_MOST
    number = 2**clusters if exact else draws
    rng = np.random.default_rng(seed)
    seen = float(aggregate(second.sum(axis=0)[None])[0] - aggregate(first.sum(axis=0)[None])[0])
    slack = 1e-12 * max(1.0, abs(seen))
    total = first.sum(axis=0) + second.sum(axis=0)
    rows = max(1, _CHUNK // clusters)
    extreme = 0
    for start in range(0, number, rows):
        count = min(rows, number - start)
        kept = _all(start, count, clusters) if exact else rng.integers(2, size=(count, clusters), dtype=bool)
        mixed = kept @ first + ~kept @ second
        found = np.asarray(aggregate(total - mixed) - aggregate(mixed), float)
        extreme += int(_beyond(found, seen, alternative, slack).sum())
    return PermutationTest(extreme / number if exact else (extreme + 1) / (number + 1), number, exact)


def _all(start: int, count: int, clusters: int) -> NDArray[np.bool_]:
    """The binary digits of `count` numbers from `start` [count, clusters]."""
    return (np.arange(start, start + count)[:, None] >> np.arange(clusters) & 1).astype(bool)


def _beyond(found: FloatArray, seen: float, alternative: Alternative, slack: float) -> NDArray[np.bool_]:
    if alternative == "greater":
        return np.asarray(found >= seen - slack)
    if alternative == "less":
        return np.asarray(found <= seen + slack)
    return np.asarray(np.abs(found) >= abs(seen) - slack)
