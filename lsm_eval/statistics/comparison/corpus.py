"""The difference of two corpus scores (BLEU, chrF, any number without per-sample values) over the same samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import FloatArray, skewness_of
from lsm_eval.statistics.comparison.difference import Difference, Noise, added, described
from lsm_eval.statistics.comparison.score import Statistic, Student
from lsm_eval.statistics.intervals import corpus_groups
from lsm_eval.statistics.smooth import NO_SPREAD, jackknife_error, jackknife_freedom, too_few


def corpus_difference(
    compute: Callable[[Sequence[int]], float],
    clusters: Sequence[str | None],
    *,
    missing: int = 0,
    seed: int = 0,
    level: float = 0.95,
    noise: Noise | None = None,
) -> Difference:
    """Candidate less baseline, by the jackknife: `compute` gives the difference of the two scores over the samples with these
    indices into `clusters` (samples that both runs have); `missing` counts those left out. Groups of clusters, standard error and
    degrees of freedom are those of a single score (`intervals.estimate_corpus`); nothing is drawn but the groups."""
    base = basis(clusters, missing=missing, level=level)
    value = compute(range(base.number)) if base.number else None
    method, stderr = "none", None
    made: Statistic | str = _unfit(base, value)
    if not made:
        without, sizes, method = corpus_groups(compute, base, seed)
        stderr = jackknife_error(without)
        made = _student(value or 0.0, stderr, without, sizes, base, noise)
    return described(
        made,
        value,
        level=level,
        n=base.number,
        missing=missing,
        clusters=base.clusters,
        discordant=None,
        gains=None,
        stderr=stderr,
        method=f"{method}, paired" if noise is None else f"{method}, paired, noise",
    )


def _unfit(base: Basis, value: float | None) -> str:
    """Why so many clusters, or such a value, bear no interval, in words; empty where they do."""
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
    variance, freedom = added(stderr**2, jackknife_freedom(sizes), noise, 1.0)
    # The noise of runs has no skewness of its own.
    skew = skewness_of(without.mean() - without) * (stderr**2 / variance) ** 1.5
    return Student(value, math.sqrt(variance), freedom, skew)
