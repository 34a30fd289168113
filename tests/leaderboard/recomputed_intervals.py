"""Ends of intervals, made anew from samples: those whose method can be written from its source alone. Shares no code with the package."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from scipy import stats

Ends = tuple[float, float]
Part = tuple[float, Ends]
"""A value and its interval."""
Sample = tuple[float, float, Hashable]
"""Its value, from 0 to 1, what it weighs, and the cluster that it is of, which may be itself alone."""
Pair = tuple[float, float]
"""A weight, and the weight times a value."""


def wilson(share: float, trials: float, quantile: float) -> Ends:
    """Wilson 1927, of a share of so many trials, which need be no whole number."""
    square = quantile * quantile
    middle = share + square / (2 * trials)
    half = quantile * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    ends = [(middle + sign * half) / (1 + square / trials) for sign in (-1, 1)]
    return (0.0 if share == 0 else max(ends[0], 0.0)), (1.0 if share == 1 else min(ends[1], 1.0))


def exact(hits: int, count: int, level: float) -> Ends:
    """Clopper & Pearson 1934."""
    found = stats.binomtest(hits, count).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)


def wilson_of_hits(scores: Sequence[float]) -> Ends:
    """Wilson's, with no end inside the exact interval of 93.5 %."""
    hits, count = round(math.fsum(scores)), len(scores)
    plain = stats.binomtest(hits, count).proportion_ci(0.95, method="wilson")
    wide = exact(hits, count, 0.935)
    return min(float(plain.low), wide[0]), max(float(plain.high), wide[1])


def exact_of_hits(scores: Sequence[float]) -> Ends:
    return exact(round(math.fsum(scores)), len(scores), 0.95)


def newcombe(first: Part, second: Part, alike: float = 0.0) -> Ends:
    """Newcombe 1998, method 10: a difference's, from its parts' values and intervals, and how alike the parts are."""
    (one, (low, high)), (other, (least, most)) = first, second
    below, above = (one - low, most - other), (high - one, other - least)
    sides = [math.sqrt(max(0.0, a * a + b * b - 2 * alike * a * b)) for a, b in (below, above)]
    return one - other - sides[0], one - other + sides[1]


def alikeness(first: Sequence[Sample], second: Sequence[Sample]) -> float:
    """The correlation of two means over the same clusters: of what each cluster, left out, does to either.

    One that makes their difference surer counts less, as if four clusters of no correlation stood beside those seen.
    """
    one, other = _influences(first), _influences(second)
    both = set(one) & set(other)
    size = math.sqrt(math.fsum(a * a for a in one.values()) * math.fsum(b * b for b in other.values()))
    found = math.fsum(one[cluster] * other[cluster] for cluster in both) / size if size else 0.0
    return found * max(0, len(both) - 2) / (len(both) + 4) if found > 0 else max(found, -1.0)


def _influences(samples: Sequence[Sample]) -> dict[Hashable, float]:
    """By cluster. What is rounding alone is nothing."""
    sums = by_cluster(samples)
    total = math.fsum(weight for weight, _ in sums.values())
    mean = math.fsum(hit for _, hit in sums.values()) / total
    moved = {
        cluster: (hit - mean * weight) / (total - weight) if weight < total else 0.0
        for cluster, (weight, hit) in sums.items()
    }
    return {cluster: one if abs(one) > 1e-12 else 0.0 for cluster, one in moved.items()}


def by_cluster(samples: Sequence[Sample]) -> dict[Hashable, Pair]:
    """Of those that weigh."""
    together: dict[Hashable, Pair] = {}
    for value, weight, cluster in samples:
        if weight:
            before = together.get(cluster, (0.0, 0.0))
            together[cluster] = (before[0] + weight, before[1] + weight * value)
    return together


def box(lms: Ends, ss: Ends) -> Ends:
    """The least and the largest ICAT that an LMS and an SS within their intervals make."""
    fair: Callable[[float], float] = lambda one: min(one, 100 - one) / 50  # noqa: E731
    best = 1.0 if ss[0] <= 50 <= ss[1] else max(map(fair, ss))
    return lms[0] * min(map(fair, ss)), lms[1] * best


def wilson_of_means(samples: Sequence[Sample]) -> Ends:
    """Wilson's of a mean of values from 0 to 1, on an effective number of trials; of each sample value, weight and cluster.

    The variance between clusters is CR2's (Bell & McCaffrey 2002), the quantile Student's on Satterthwaite's degrees of freedom,
    in clusters on no more than twice the number of them that the variance is seen to rest on, or 6. The design effect and the
    spread are averaged with what they would be of clusters that are all alike, and of values that are 0 or 1, which weigh as one
    event and as half an event; events are what is rarest: successes, failures, or samples unlike the commonest value.
    """
    alone = [(weight, weight * value) for value, weight, _ in samples if weight]
    groups = list(by_cluster(samples).values())
    total = math.fsum(weight for weight, _ in alone)
    hits = math.fsum(hit for _, hit in alone)
    share = hits / total
    worth = total**2 / math.fsum(weight**2 for weight, _ in alone)
    kinds: dict[float, float] = defaultdict(float)
    for weight, hit in alone:
        kinds[round(hit / weight, 12)] += weight
    events = min(hits, total - hits, total - max(kinds.values())) * worth / total
    by_sample, by_group = (_addends(pairs, share, total) for pairs in (alone, groups))
    single, whole = math.fsum(by_sample), math.fsum(by_group)
    heavier = math.fsum(weight**2 for weight, _ in groups) / math.fsum(weight**2 for weight, _ in alone)
    design = _averaged(max(whole / single, 1.0) if single else 1.0, heavier, events, 1.0)
    most = share * (1 - share) / (worth - 1) * total**2
    spread = _averaged(single / most if most > 0 else 1.0, 1.0, events, 0.5)
    freedom = _freedom([weight / total for weight, _ in groups])
    if len(groups) < len(alone) and whole:
        freedom = min(freedom, max(2 * whole**2 / math.fsum(one**2 for one in by_group), 6.0))
    return wilson(share, worth / (design * spread), float(stats.t.ppf(0.975, freedom)))


def _addends(pairs: Sequence[Pair], share: float, total: float) -> list[float]:
    """What each adds to CR2's variance of a mean, times the square of all weight. What is rounding alone is nothing."""
    apart = [hit - share * weight for weight, hit in pairs]
    return [
        0.0 if abs(one) < 1e-12 * weight else one * one / (1 - weight / total)
        for (weight, _), one in zip(pairs, apart, strict=True)
    ]


def _averaged(seen: float, guess: float, events: float, worth: float) -> float:
    return (events * seen + worth * guess) / (events + worth)


def _freedom(shares: Sequence[float]) -> float:
    """Satterthwaite's degrees of freedom of CR2's variance of a mean, if samples were independent."""
    pulls = [share * share / (1 - share) for share in shares]
    off = math.fsum(one * other for at, one in enumerate(pulls) for other in pulls[:at])
    return 1 / (math.fsum(share * share for share in shares) + 2 * off)


def t_of_numbers(values: Sequence[float]) -> Ends:
    """Student's t of a mean of numbers without a range that stand alone."""
    mean, error, (below, above) = _reach(values, 3.0)
    return mean - below * error, mean + above * error


def t_of_positive(values: Sequence[float]) -> Ends:
    """The same of numbers above 0: the lower end is that on their mean's logarithm."""
    mean, error, (below, above) = _reach(values, 1.0)
    return mean * math.exp(-below * error / mean), mean + above * error


def _reach(values: Sequence[float], times: float) -> tuple[float, float, Ends]:
    """A mean, its standard error, and how many of these the ends lie from it: Student's t, more on the side of the longer tail.

    That is (1 + 2 t²) / 6 times a skewness more (Hall 1992): that of the mean as it is seen, less half of 1 / n, so many `times` over
    and at most 1; or, where values are of one sign, on the side away from 0, three times the mean's coefficient of
    variation, (1 + 3 / degrees of freedom) times over and at most 1.5, which fades with (|Σx| / Σ|x|)^8.
    """
    count = len(values)
    mean = math.fsum(values) / count
    apart = [one - mean for one in values]
    square = math.fsum(one * one for one in apart)
    error = math.sqrt(square / (count * (count - 1)))
    skewness = math.fsum(one**3 for one in apart) / square**1.5
    seen = min(1.0, times * max(abs(skewness) - 0.5 / count, 0.0))
    one_sign = (abs(math.fsum(values)) / math.fsum(map(abs, values))) ** 8
    guess = min(3 * (1 + 3 / (count - 1)) * error / abs(mean), 1.5) * one_sign
    below = max(seen if skewness < 0 else 0.0, guess if mean < 0 else 0.0)
    above = max(seen if skewness >= 0 else 0.0, guess if mean > 0 else 0.0)
    seen_free = 2 * square**2 / math.fsum(one**4 for one in apart)
    student = float(stats.t.ppf(0.975, min(count - 1, max(seen_free, 6.0))))
    outwards = (1 + 2 * student * student) / 6
    return mean, error, (student + outwards * below, student + outwards * above)
