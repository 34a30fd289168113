"""Other methods for the same numbers, to hold ours against: how wide need an interval be?

Each gives the ends at 95 %. They stand here and not in the package, because none of them is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
from scipy.special import betaincinv, expit, ndtri, stdtrit

from lsm_eval.statistics.bounded import FloatArray, robust_mean, score_interval

Ends = tuple[float, float]
Z = float(ndtri(0.975))


def clopper_pearson(x: float, n: float, tail: float = 0.025) -> Ends:
    low = 0.0 if x <= 0 else float(betaincinv(x, n - x + 1, tail))
    return low, 1.0 if x >= n else float(betaincinv(x + 1, n - x, 1 - tail))


def jeffreys(x: float, n: float) -> Ends:
    """Brown, Cai & DasGupta 2001."""
    low = 0.0 if x <= 0 else float(betaincinv(x + 0.5, n - x + 0.5, 0.025))
    return low, 1.0 if x >= n else float(betaincinv(x + 0.5, n - x + 0.5, 0.975))


def agresti_coull(x: float, n: float, quantile: float = Z) -> Ends:
    more = n + quantile**2
    share = (x + quantile**2 / 2) / more
    half = quantile * math.sqrt(share * (1 - share) / more)
    return max(0.0, share - half), min(1.0, share + half)


def proportions(x: int, n: int) -> dict[str, Ends]:
    """Of x successes among n samples that stand alone."""
    share = x / n
    half = float(stdtrit(n - 1, 0.975)) * math.sqrt(share * (1 - share) / (n - 1))
    return {
        "Wilson": score_interval(share, n, Z),
        "Clopper-Pearson": clopper_pearson(x, n),
        "Jeffreys": jeffreys(x, n),
        "Agresti-Coull": agresti_coull(x, n),
        "t": (share - half, share + half),
    }


@lru_cache(maxsize=8)
def weights(count: int, draws: int = 400) -> FloatArray:
    """How often each of so many clusters is drawn in each resample [draws, count]; the same every time."""
    rng = np.random.default_rng(count)
    return rng.multinomial(count, np.full(count, 1 / count), draws).astype(float)


def bootstrap(aggregate: Callable[[FloatArray], FloatArray], sums: FloatArray) -> Ends:
    """Percentiles over resampled clusters' sums [G, k]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.asarray(aggregate(weights(len(sums)) @ sums), float)
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, math.nan
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def cubic(sums: FloatArray) -> Ends:
    """Of a mean from sums (value, weight) by cluster [G, 2]: the t-statistic without its skewness, by the cubic that can be turned
    round (Hall 1992), with CR2."""
    value, weight = sums[:, 0], sums[:, 1]
    robust = robust_mean(sums)
    deviations = (value - robust.mean * weight) / np.sqrt(1 - weight / weight.sum())
    skewness = float((deviations**3).sum() / (deviations**2).sum() ** 1.5)
    if abs(skewness) < 1e-6:
        skewness = 1e-6
    quantile = float(stdtrit(robust.freedom, 0.975))
    ends = (
        robust.mean - robust.stderr * 3 / skewness * (float(np.cbrt(1 + skewness * (z - skewness / 6))) - 1)
        for z in (quantile, -quantile)
    )
    low, high = sorted(ends)
    return low, high


def log_ratio(sums: FloatArray) -> Ends:
    """Of a ratio above 0 from sums (numerator, denominator) by cluster [G, 2]: t with CR2 on its logarithm."""
    robust = robust_mean(sums)
    half = float(stdtrit(robust.freedom, 0.975)) * robust.stderr / robust.mean
    return robust.mean * math.exp(-half), robust.mean * math.exp(half)


def means(values: FloatArray) -> dict[str, Ends]:
    """Of values from 0 to 1 that stand alone."""
    n, mean, spread = len(values), float(values.mean()), float(values.std(ddof=1))
    half = float(stdtrit(n - 1, 0.975)) * spread / math.sqrt(n)
    # Maurer & Pontil 2009, theorem 4, for both sides.
    wide = math.log(4 / 0.05)
    bound = spread * math.sqrt(2 * wide / n) + 7 * wide / (3 * (n - 1))
    most = mean * (1 - mean)
    trials = n if spread <= 0 or most <= 0 else max(1.0, most / (spread**2 / n))
    sums = np.column_stack([values, np.ones(n)])
    return {
        "t": (mean - half, mean + half),
        "empirical Bernstein": (max(0.0, mean - bound), min(1.0, mean + bound)),
        "Clopper-Pearson of sums": clopper_pearson(mean * n, n),
        "Wilson, effective n": score_interval(mean, trials, float(stdtrit(n - 1, 0.975))),
        "bootstrap": bootstrap(lambda s: s[..., 0] / s[..., 1], sums),
    }


def clustered(sums: FloatArray) -> dict[str, Ends]:
    """Of sums (successes, samples) by cluster [G, 2]."""
    robust = robust_mean(sums)
    n, mean = float(sums[:, 1].sum()), robust.mean
    t = float(stdtrit(robust.freedom, 0.975))
    most = mean * (1 - mean)
    design = max(1.0, robust.stderr**2 * (n - 1) / most) if most > 0 else 1.0
    trials = n / design
    fewer = trials * (Z / t) ** 2
    found = {
        "Wilson, as if alone": score_interval(mean, n, Z),
        "t, CR2": (mean - t * robust.stderr, mean + t * robust.stderr),
        "Wilson, effective n": score_interval(mean, trials, t),
        "Clopper-Pearson, effective n": clopper_pearson(mean * fewer, fewer),
        "Agresti-Coull, effective n": agresti_coull(mean * trials, trials, t),
        "cluster bootstrap": bootstrap(lambda s: s[..., 0] / s[..., 1], sums),
    }
    if 0 < mean < 1:
        centre, half = math.log(mean / (1 - mean)), t * robust.stderr / most
        found["logit t, CR2"] = float(expit(centre - half)), float(expit(centre + half))
    else:
        found["logit t, CR2"] = clopper_pearson(mean * n, n)
    return found


def areas(scores: FloatArray, labels: FloatArray) -> dict[str, Ends]:
    """AUROCs of samples that stand alone: DeLong's variance, plain and on the logit, and Hanley & McNeil's."""
    first, second = scores[labels == 1], scores[labels == 0]
    order = np.sort(second)
    wins = (np.searchsorted(order, first, "left") + np.searchsorted(order, first, "right")) / (
        2 * len(second)
    )
    order = np.sort(first)
    losses = 1 - (np.searchsorted(order, second, "left") + np.searchsorted(order, second, "right")) / (
        2 * len(first)
    )
    area = float(wins.mean())
    delong = math.sqrt(wins.var(ddof=1) / len(wins) + losses.var(ddof=1) / len(losses))
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    hanley = math.sqrt(
        max(0.0, area * (1 - area) + (len(first) - 1) * (one - area**2) + (len(second) - 1) * (two - area**2))
        / (len(first) * len(second))
    )
    found = {
        "DeLong": (area - Z * delong, area + Z * delong),
        "Hanley-McNeil": (area - Z * hanley, area + Z * hanley),
        "logit DeLong": (area, area),
    }
    if 0 < area < 1:
        centre, half = math.log(area / (1 - area)), Z * delong / (area * (1 - area))
        found["logit DeLong"] = float(expit(centre - half)), float(expit(centre + half))
    return found


@cache
def differences(x: int, n: int, y: int, m: int) -> dict[str, Ends]:
    """Of two shares of samples that stand alone, x / n - y / m."""
    p, q = x / n, y / m
    wald = Z * math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    (a, b), (c, d) = score_interval(p, n, Z), score_interval(q, m, Z)
    fair, other = (x + 1) / (n + 2), (y + 1) / (m + 2)
    caffo = Z * math.sqrt(fair * (1 - fair) / (n + 2) + other * (1 - other) / (m + 2))
    return {
        "Wald": (p - q - wald, p - q + wald),
        "Newcombe": (p - q - math.hypot(p - a, d - q), p - q + math.hypot(b - p, q - c)),
        "Agresti-Caffo": (fair - other - caffo, fair - other + caffo),
        "Miettinen-Nurminen": _miettinen_nurminen(x, n, y, m),
    }


def _miettinen_nurminen(x: int, n: int, y: int, m: int) -> Ends:
    """The score interval (Miettinen & Nurminen 1985): differences d that a test with the variance under d would keep."""
    found = x / n - y / m

    def kept(d: float) -> bool:
        p = min(1.0, max(0.0, d, _restricted(x / n, y / m, m / n, d)))
        q = min(1.0, max(0.0, p - d))
        variance = (p * (1 - p) / n + q * (1 - q) / m) * (n + m) / (n + m - 1)
        return (found - d) ** 2 <= Z**2 * variance + 1e-15

    return _ends(kept, found)


def _restricted(p: float, q: float, ratio: float, d: float) -> float:
    """The likeliest first share where it is larger by d than the second: a root of a cubic (Farrington & Manning 1990)."""
    a, b = 1 + ratio, -(1 + ratio + p + ratio * q + d * (ratio + 2))
    c, e = d**2 + d * (2 * p + ratio + 1) + p + ratio * q, -p * d * (1 + d)
    v = b**3 / (27 * a**3) - b * c / (6 * a**2) + e / (2 * a)
    u = math.copysign(math.sqrt(max(0.0, b**2 / (9 * a**2) - c / (3 * a))), v)
    angle = (math.pi + math.acos(max(-1.0, min(1.0, v / u**3 if u else 0.0)))) / 3
    return 2 * u * math.cos(angle) - b / (3 * a)


def _ends(kept: Callable[[float], bool], found: float) -> Ends:
    """The lowest and highest difference from -1 to 1 that is kept, by bisection."""
    ends = []
    for outside in (-1.0, 1.0):
        inside, end = found, outside
        for _ in range(30):
            middle = (inside + end) / 2
            inside, end = (middle, end) if kept(middle) else (inside, middle)
        ends.append(end)
    return ends[0], ends[1]


@cache
def paired_differences(only: int, other: int, n: int) -> dict[str, Ends]:
    """Of two shares of the same n samples, of which `only` have the first alone and `other` the second alone."""
    found = (only - other) / n
    wald = Z * math.sqrt(max(0.0, only + other - (only - other) ** 2 / n)) / n
    # Bonett & Price 2012.
    one, two = (only + 1) / (n + 2), (other + 1) / (n + 2)
    bonett = Z * math.sqrt((one + two - (one - two) ** 2) / (n + 2))
    return {
        "Wald": (found - wald, found + wald),
        "Bonett-Price": (max(-1.0, one - two - bonett), min(1.0, one - two + bonett)),
        "Tango": _tango(only, other, n),
    }


def _tango(only: int, other: int, n: int) -> Ends:
    """The score interval (Tango 1998)."""

    def kept(d: float) -> bool:
        b = -only - other + (2 * n - only + other) * d
        q = (math.sqrt(max(0.0, b**2 - 8 * n * (-other * d * (1 - d)))) - b) / (4 * n)
        return (only - other - n * d) ** 2 <= Z**2 * n * (2 * q + d * (1 - d)) + 1e-12

    return _ends(kept, (only - other) / n)


def kappas(cells: FloatArray) -> dict[str, Ends]:
    """From counts [4] of yes/yes, no/yes, yes/no, no/no: the standard error of Fleiss, Cohen & Everitt 1969, by the delta method."""
    n = float(cells.sum())
    share = cells / n

    def kappa(s: FloatArray) -> float:
        yes, other = s[0] + s[2], s[0] + s[1]
        chance = yes * other + (1 - yes) * (1 - other)
        return float((s[0] + s[3] - chance) / (1 - chance)) if chance < 1 else math.nan

    value = kappa(share)
    step = 1e-6
    slopes = np.array([(kappa(share + step * e) - kappa(share - step * e)) / (2 * step) for e in np.eye(4)])
    half = Z * math.sqrt(max(0.0, float((share * slopes**2).sum() - (share * slopes).sum() ** 2)) / n)
    return {"Fleiss-Cohen-Everitt": (value - half, value + half)} if math.isfinite(value) else {}
