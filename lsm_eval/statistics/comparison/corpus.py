"""The difference of two corpus scores (BLEU, chrF, any number without per-sample values) over the same samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lsm_eval.statistics.comparison.difference import Difference, Noise, added, described
from lsm_eval.statistics.comparison.score import Statistic, Student
from lsm_eval.statistics.intervals import estimate_corpus


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
    from scipy.special import stdtridf

    found = estimate_corpus(compute, clusters, missing=missing, seed=seed, level=level)
    made: Statistic | str = found.method.removeprefix("none (").removesuffix(")")
    if found.value is not None and found.high is not None and found.stderr is not None:
        freedom = float(stdtridf(0.5 + level / 2, (found.high - found.value) / found.stderr))
        variance, freedom = added(found.stderr**2, freedom, noise, 1.0)
        made = Student(found.value, math.sqrt(variance), freedom)
    return described(
        made,
        found.value,
        level=level,
        n=found.n,
        missing=missing,
        clusters=found.clusters,
        discordant=None,
        gains=None,
        stderr=found.stderr,
        method=f"{found.method}, paired" if noise is None else f"{found.method}, paired, noise",
    )
