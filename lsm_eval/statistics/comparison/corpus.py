"""The difference between two corpus scores (BLEU, chrF, any number without per-sample values) over the same samples.

If many pairs differ, the interval is the jackknife's. If few do, their spread says little about how large the next one may be: with three
to fifteen differing pairs it covered 80 to 96 %, and let a loss as large as the margin pass in 6 to 28 % (`benchmarks/coverage_paired.py`). So
if fewer than `FEWEST` of them (of clusters, if there are any), and fewer than half of all, differ, each pair is treated as a trial that could have
changed the score by its whole range, as for a mean (`difference`); its contribution to the difference is how much the difference
changes without it. For n equal pairs of the same weight a loss is bounded by range · (1 - α^(1/n)), exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import FloatArray, robust_mean, skewness_of
from lsm_eval.statistics.comparison.difference import Difference, Noise, add_noise, make_difference, score_of
from lsm_eval.statistics.comparison.pairs import Pairs
from lsm_eval.statistics.comparison.score import Statistic, Student
from lsm_eval.statistics.intervals import corpus_groups
from lsm_eval.statistics.smooth import NO_SPREAD, jackknife_error, jackknife_freedom, too_few

FEWEST = 20
"""Differing pairs, or clusters, below which the jackknife was not found to cover."""
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class DifferingPairs:
    """Which pairs differ, for scores that exist only over a whole corpus."""

    differs: FloatArray
    """Whether a pair differs between the two runs [n], 0 or 1."""
    weights: FloatArray
    """The weight of each pair in the score [n], such as its share of the words; above 0."""
    span: float
    """The score's range: the most that a pair can change it, if it is the only one."""


def corpus_difference(
    compute: Callable[[Sequence[int]], float],
    clusters: Sequence[str | None],
    *,
    missing: int = 0,
    seed: int = 0,
    level: float = 0.95,
    noise: Noise | None = None,
    differing: DifferingPairs | None = None,
) -> Difference:
    """Candidate minus baseline: `compute` gives the difference between the two scores over the samples with these indices into `clusters`
    (samples that both runs have); `missing` counts those left out. The interval is the jackknife's, with the groups of clusters, standard error
    and degrees of freedom of a single score (`intervals.estimate_corpus`), so that only the groups are random; if `differing`
    is given and few pairs differ, it is the bound for few pairs (see the module's docstring)."""
    base = basis(clusters, missing=missing, level=level)
    value = compute(range(base.number)) if base.number else None
    method, stderr = "none", None
    made: Statistic | str = _unfit(base, value)
    if not made and differing is not None and _few(base, differing):
        parts = "tango(effective, paired", "" if base.clusters is None else ", clusters"
        made, stderr = _bounded(value or 0.0, compute, base, differing, noise)
        method = "".join((*parts, "" if noise is None else ", noise", ")"))
    elif not made:
        without, sizes, method = corpus_groups(compute, base, seed)
        method = f"{method}, paired" if noise is None else f"{method}, paired, noise"
        stderr = jackknife_error(without)
        made = _student(value or 0.0, stderr, without, sizes, base, noise)
    return make_difference(
        made,
        value,
        level=level,
        n=base.number,
        missing=missing,
        clusters=base.clusters,
        discordant=None,
        gains=None,
        stderr=stderr,
        method=method,
    )


def _few(base: Basis, differing: DifferingPairs) -> bool:
    touched = np.unique(base.groups[differing.differs > 0])
    return len(touched) < FEWEST and len(touched) < _SHARE * base.count


def _bounded(
    value: float,
    compute: Callable[[Sequence[int]], float],
    base: Basis,
    differing: DifferingPairs,
    noise: Noise | None,
) -> tuple[Statistic | str, float | None]:
    """Tango's score statistic for the clusters' contributions to the difference relative to their weights, and the standard error."""
    weights: FloatArray = np.bincount(base.groups, differing.weights, minlength=base.count).astype(float)
    added_by = np.zeros(base.count)
    for one in np.unique(base.groups[differing.differs > 0]).tolist():
        added_by[one] = value - compute(np.flatnonzero(base.groups != one).tolist())
    if not np.isfinite(added_by).all():
        return f"undefined without some {'samples' if base.clusters is None else 'clusters'}", None
    # They nearly add up to the difference; exactly, if the score is a ratio with the same denominator in both runs.
    size = np.abs(added_by)
    if size.sum() > 0:
        added_by = added_by + (value - added_by.sum()) * size / size.sum()
    each = added_by * weights.sum() / weights
    data = Pairs(np.zeros(base.count), each, weights, np.arange(base.count), base.count, 0)
    span = max(differing.span, float(np.abs(each).max()))
    return score_of(data, span, noise, whole=False), robust_mean(data.sums(each)).stderr


def _unfit(base: Basis, value: float | None) -> str:
    """Why this number of clusters, or this value, allows no interval, in words; empty if it does."""
    none = base.empty() or base.without_interval(math.nan if value is None else value)
    if none is not None:
        return none.method.removeprefix("none (").removesuffix(")")
    return too_few(base) or ""


def _student(
    value: float, stderr: float, without: FloatArray, sizes: FloatArray, base: Basis, noise: Noise | None
) -> Statistic | str:
    what = "samples" if base.clusters is None else "clusters"
    if not np.isfinite(without).all():
        return f"undefined without some {what}"
    if stderr <= 1e-12 * abs(value):
        return NO_SPREAD.format(what=what).removeprefix("none (").removesuffix(")")
    variance, freedom = add_noise(stderr**2, jackknife_freedom(sizes), noise, 1.0)
    # The noise of runs has no skewness of its own.
    skew = skewness_of(without.mean() - without) * (stderr**2 / variance) ** 1.5
    return Student(value, math.sqrt(variance), freedom, skew)
