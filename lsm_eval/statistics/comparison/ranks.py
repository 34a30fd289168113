"""Ranks of many models on the same samples: intervals that hold all at once, and who cannot be excluded as the best.

A model's rank is 1 + how many are truly better. All differences of two models are tested at once: the critical value is a quantile of
the largest studentised difference, its distribution drawn by multiplying each cluster's residuals with a standard normal number
(Mogstad, Romano, Shaikh & Wilhelm, Review of Economic Studies 91:476-518, 2024; multipliers after Chernozhukov, Chetverikov &
Kato, Annals of Statistics 41:2786-2819, 2013), with CR2's standard errors and Student's quantile in place of the normal one. A model's best rank is 1 + the models proven better, its worst is their number less the
models proven worse.

The set that may be the best asks less (Hsu, Multiple Comparisons, 1996): a model leaves it where one is proven better, at the largest
of the critical values for each model against all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FEWEST_CLUSTERS, FloatArray, robust_mean, unfit
from lsm_eval.statistics.comparison.pairs import Clusters, pairs

DRAWS = 4000
_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class Rank:
    """One model's."""

    value: float
    """Its mean over the samples that all models have."""
    rank: int
    """1 + the models whose mean is larger."""
    low: int
    """The best rank that is not ruled out."""
    high: int
    """The worst."""
    may_be_best: bool


@dataclass(frozen=True, slots=True)
class Ranks:
    """All models', in the order given."""

    ranks: tuple[Rank, ...]
    level: float
    n: int
    """Samples that all models have."""
    missing: int
    clusters: int | None
    critical: float
    """Standard errors by which two models must differ."""
    critical_best: float
    method: str
    reason: str | None
    """Why all ranks are possible, where nothing can be told; else None."""


def ranks(
    values: ArrayLike,
    clusters: Clusters | None = None,
    *,
    higher_is_better: bool = True,
    level: float = 0.95,
    seed: int = 0,
    draws: int = DRAWS,
) -> Ranks:
    """From values [models, samples], NaN for missing: a sample that any model lacks is left out and counted. Raises `UserError` for
    fewer than two models."""
    given = np.asarray(values, float)
    if given.ndim != 2 or len(given) < 2:
        raise UserError("Give the values of two models or more: one alone has no rank.")
    known = ~np.isnan(given).any(axis=0)
    base = pairs(np.where(known, 0.0, np.nan), np.zeros(len(known)), clusters)
    held, models = given[:, known], len(given)
    n, missing = held.shape[1], int((~known).sum())
    why = (
        "no samples"
        if n == 0
        else unfit(np.bincount(base.groups).astype(float), clustered=base.clusters is not None)
    )
    if why is None and base.count < FEWEST_CLUSTERS:
        why = f"only {base.count} samples"
    means = held.mean(axis=1) if n else np.full(models, np.nan)
    score = means if higher_is_better else -means
    if why is not None:
        found = tuple(Rank(float(m), _place(score, i), 1, models, True) for i, m in enumerate(means))
        return Ranks(found, level, n, missing, base.clusters, np.inf, np.inf, f"none ({why})", why)
    residuals = np.zeros((base.count, models))
    np.add.at(residuals, base.groups, (held - means[:, None]).T)
    sizes = np.bincount(base.groups).astype(float)
    residuals /= n * np.sqrt(1 - sizes / n)[:, None]  # CR2
    apart = score[None, :] - score[:, None]  # [i, j]: by how much j is better
    errors = _errors(residuals, apart, level)
    freedom = robust_mean(np.column_stack([np.zeros(base.count), sizes])).freedom
    drawn = _critical(residuals, errors, level, seed, draws)
    critical, critical_best = (_stretched(one, freedom) for one in drawn)
    with np.errstate(invalid="ignore"):
        needed, needed_best = (np.where(errors > 0, one * errors, 0.0) for one in (critical, critical_best))
    slack = 1e-12
    better = (apart > needed + slack).sum(axis=1)
    worse = (apart < -needed - slack).sum(axis=1)
    beaten = (apart > needed_best + slack).any(axis=1)
    found = tuple(
        Rank(
            float(means[i]), _place(score, i), 1 + int(better[i]), models - int(worse[i]), not bool(beaten[i])
        )
        for i in range(models)
    )
    what = "samples" if base.clusters is None else "clusters"
    method = f"ranks(largest difference, multiplier bootstrap of {draws}, {what})"
    return Ranks(found, level, n, missing, base.clusters, critical, critical_best, method, None)


def _place(score: FloatArray, one: int) -> int:
    return 1 + int((score > score[one]).sum())


def _errors(residuals: FloatArray, apart: FloatArray, level: float) -> FloatArray:
    """Standard errors of all differences [K, K]. Infinite for a model and itself, and for two that differ by a constant on so few
    clusters that as many fair coins may all fall the same way (at the level, for all pairs of models together)."""
    clusters, models = residuals.shape
    products = residuals.T @ residuals
    own = np.diag(products)
    variance = np.maximum(own[:, None] + own - 2 * products, 0.0)
    told = models * (models - 1) / 2 * 2.0 ** (1 - clusters) <= 1 - level
    constant = variance <= 1e-12 * float(own.max(initial=0.0))
    errors: FloatArray = np.sqrt(np.where(constant, 0.0 if told else np.inf, variance))
    np.fill_diagonal(errors, np.inf)
    errors[constant & (np.abs(apart) <= 1e-12)] = np.inf
    return errors


def _critical(
    residuals: FloatArray, errors: FloatArray, level: float, seed: int, draws: int
) -> tuple[float, float]:
    """Quantiles of the largest studentised difference: of any two models, and the largest of those of each model against the rest."""
    clusters, models = residuals.shape
    if not (np.isfinite(errors) & (errors > 0)).any():
        return np.inf, np.inf
    size = np.where(errors > 0, errors, np.inf)
    rng = np.random.default_rng(seed)
    largest, against = np.empty(draws), np.empty((draws, models))
    rows = max(1, _CHUNK // max(clusters, models * models))
    for start in range(0, draws, rows):
        count = min(rows, draws - start)
        noise = rng.standard_normal((count, clusters)) @ residuals
        apart = (noise[:, None, :] - noise[:, :, None]) / size  # [draw, i, j]: by how much j is better
        against[start : start + count] = apart.max(axis=2)
        largest[start : start + count] = against[start : start + count].max(axis=1)
    best = max(_quantile(against[:, model], level) for model in range(models))
    return _quantile(largest, level), best


def _stretched(critical: float, freedom: float) -> float:
    """Student's quantile in place of the normal one."""
    from scipy.special import ndtr, stdtrit

    return critical if np.isinf(critical) else float(stdtrit(freedom, float(ndtr(critical))))


def _quantile(values: NDArray[np.float64], level: float) -> float:
    return float(np.quantile(values, level, method="higher"))
