"""Cohen's kappa of two raters and two labels, with its interval.

kappa = (p_o - p_e) / (1 - p_e), with p_o the share of items on which both agree and p_e the agreement expected by chance
(Cohen, Educ. Psychol. Meas. 20:37-46, 1960).

The interval propagates the distributions of three shares to kappa: that of items on which both agree, that of yes among those,
and that of the first rater's yes among the rest. Each is Jeffreys' beta (Brown, Cai & DasGupta, Statistical Science 16:101-133, 2001);
all four cells together follow a generalised Dirichlet distribution (Connor & Mosimann, J. Am. Stat. Assoc. 64:194-206, 1969).
So perfect agreement on few items has an interval with a width, unlike with a bootstrap.

Clustered items count as fewer: n is divided by the design effect of kappa, the CR2 variance of its influence values
over their variance without clusters, at least 1, shrunk towards that of clusters with identical items, which weighs as much as one
disagreement (see `statistics.bounded`). Student's t for few clusters enters as (z / t)².
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.bounded import normal_quantile, robust_mean, t_quantile, why_no_interval
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.points import cube_points

FloatArray = NDArray[np.float64]


def cohen_kappa(cells: FloatArray) -> FloatArray:
    """From counts or shares [..., 4]: yes/yes, no/yes, yes/no, no/no (first rater/second). NaN if both raters use only one label."""
    both, missed, false, neither = (cells[..., i] for i in range(4))
    whole = cells.sum(axis=-1)
    observed = (both + neither) / whole
    yes = (both + false) / whole * (both + missed) / whole
    no = (missed + neither) / whole * (false + neither) / whole
    with np.errstate(invalid="ignore", divide="ignore"):
        kappa: FloatArray = (observed - yes - no) / (1 - yes - no)
    return np.where(np.isclose(yes + no, 1), np.nan, kappa)


def kappa_estimate(
    cells: FloatArray, clusters: Sequence[str | None], *, missing: int = 0, level: float = 0.95
) -> Estimate:
    """Kappa of items [n, 4], each row with a 1 in its cell (see `cohen_kappa`) and 0 elsewhere, with their clusters, n long. `stderr` is
    None: the interval is not symmetric."""
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    counts = cells.sum(axis=0)
    value = float(cohen_kappa(counts))
    if found := base.without_interval(value):
        return found
    sums = np.zeros((base.count, 4))
    np.add.at(sums, base.groups, cells)
    if why := why_no_interval(sums.sum(axis=1), clustered=base.clusters is not None):
        return base.result(value, f"none ({why})")
    shares = counts / counts.sum()
    trials = float(base.number)
    if base.clusters is not None:
        trials = _effective(cells, sums, shares, level)
    low, high = kappa_interval(shares * trials, level)
    method = "projection(kappa)" if base.clusters is None else "projection(kappa, clusters)"
    return base.result(value, method, (min(low, value), max(high, value)))


def kappa_interval(counts: FloatArray, level: float) -> tuple[float, float]:
    """The interval from counts [4], which may be fractional (`cohen_kappa`)."""
    from scipy.special import betaincinv

    both, missed, false, neither = counts
    at = cube_points()
    agree = betaincinv(both + neither + 0.5, missed + false + 0.5, at[:, 0])
    yes = betaincinv(both + 0.5, neither + 0.5, at[:, 1])
    lacks = betaincinv(missed + 0.5, false + 0.5, at[:, 2])
    cells = np.column_stack([agree * yes, (1 - agree) * lacks, (1 - agree) * (1 - lacks), agree * (1 - yes)])
    values = cohen_kappa(cells)
    low, high = np.quantile(values[np.isfinite(values)], [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _effective(cells: FloatArray, sums: FloatArray, shares: FloatArray, level: float) -> float:
    weight = sums.sum(axis=1)
    influence = _influence(shares)
    robust = robust_mean(np.column_stack([sums @ influence, weight]))
    alone = robust_mean(np.column_stack([cells @ influence, np.ones(len(cells))])).stderr
    seen = max((robust.stderr / alone) ** 2, 1.0) if alone > 0 else 1.0
    alike = float((weight**2).sum()) / float(weight.sum())
    split = float(min(shares[1] + shares[2], shares[0] + shares[3])) * len(cells)
    design = (seen * split + alike) / (split + 1)
    quantile = t_quantile(robust.freedom, level)
    return float(len(cells)) / design * min(1.0, (normal_quantile(level) / quantile) ** 2)


def _influence(shares: FloatArray) -> FloatArray:
    """The derivative of kappa with respect to each cell's share, [4], by central differences."""
    step = 1e-6
    moved = shares + step * np.concatenate([np.eye(4), -np.eye(4)])
    values = cohen_kappa(moved)
    slopes: FloatArray = (values[:4] - values[4:]) / (2 * step)
    return slopes
