"""The rules of gates, each a function of counts: what it says of a pull request.

Ours is called as it is. Those of others are re-stated in our own words, over whole arrays; `gates_peers.py` holds them against the
packages' own code. All get the same margin, so that like stands beside like:

- `nel gate` (NeMo Evaluator 0.3.0, its default `max_drop` of 1.5 points): Student's interval of 95 % of the paired difference, with
  clusters (its categories) a normal one of the cluster-robust standard error; fail where all of it lies beyond the margin, pass where none does.
- `nel compare --max-drop` (the same): fail where McNemar's exact one-sided p is under .05 and the loss beyond the margin, "inconclusive" where 2.8 over the
  root of the pairs that differ is more than twice the margin; clusters are ignored. Its "warn" counts as undecided: both have one exit code.
- `evalsig gate --min-delta` (0.1.2): pass where the candidate is proven to be better (McNemar, one-sided, p under .05) by the margin or more; fail
  where it is not and the detectable effect is no larger than the margin. In clusters its bootstrap, here by the normal distribution that
  10,000 resamples come near.
- a relative tolerance: fail where the candidate's score is under 95 % of the baseline's, else pass.
- a one-sample Wilson gate: the baseline's score is taken for a constant; fail where the candidate's interval of 95 % lies below it, pass where it
  lies above the baseline's score less the margin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.difference import statistic
from lsm_eval.statistics.comparison.pairs import Pairs
from lsm_eval.statistics.comparison.score import Score
from lsm_eval.statistics.comparison.verdicts import Evidence, judged, overall

Codes = NDArray[np.int8]
Ints = NDArray[np.int64]

MARGIN = 0.015
PASS, UNDECIDED, FAIL = 0, 1, 2
CODES = {"pass": PASS, "undecided": UNDECIDED, "fail": FAIL}


@dataclass(frozen=True)
class Seen:
    """Pairs of 0 or 1, of pull requests and their metrics."""

    n: int
    gained: Ints
    """[pull requests, metrics]"""
    lost: Ints
    clusters: tuple[Ints, Ints, Ints] | None = None
    """Gained and lost by cluster [pull requests, metrics, clusters], and the clusters' sizes."""


# Ours.


@cache
def alone(n: int, gained: int, lost: int) -> Evidence:
    """The evidence of pairs that stand alone."""
    found = Score(n, gained / n, lost / n)
    return _evidence(found.p(0.0, "less"), found.p(-MARGIN, "greater"), (lost - gained) / n)


@cache
def _places(sizes: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The cluster of each pair, and which of its cluster's it is."""
    place = np.concatenate([np.arange(size) for size in sizes])
    return np.repeat(np.arange(len(sizes)), sizes), place


def clustered(gained: Ints, lost: Ints, sizes: Ints) -> Evidence:
    """The same of pairs in clusters."""
    groups, place = _places(tuple(sizes.tolist()))
    up = place < gained[groups]
    down = ~up & (place < (gained + lost)[groups])
    weights = np.ones(len(groups))
    found = statistic(Pairs(down.astype(float), up.astype(float), weights, groups, len(sizes), 0), "binary")
    assert not isinstance(found, str), found
    loss = float(lost.sum() - gained.sum()) / int(sizes.sum())
    return _evidence(found.p(0.0, "less"), found.p(-MARGIN, "greater"), loss)


def _evidence(p_loss: float, p_margin: float, loss: float) -> Evidence:
    return Evidence("", loss, None, MARGIN, p_loss, p_margin)


def ours(seen: Seen) -> tuple[Codes, Codes]:
    """Of whole pull requests, and of their metrics."""
    whole, each = [], []
    for at in range(len(seen.gained)):
        found = judged(evidence(seen, at))
        each.append([CODES[one.outcome] for one in found])
        whole.append(CODES[overall(found)])
    return np.array(whole, np.int8), np.array(each, np.int8)


def evidence(seen: Seen, at: int) -> list[Evidence]:
    """Of one pull request."""
    if seen.clusters is None:
        both = zip(seen.gained[at].tolist(), seen.lost[at].tolist(), strict=True)
        return [alone(seen.n, gained, lost) for gained, lost in both]
    gained, lost, sizes = seen.clusters
    return [clustered(g, b, sizes) for g, b in zip(gained[at], lost[at], strict=True)]


# Others', re-stated.


def nel_gate(seen: Seen) -> Codes:
    """Of metrics."""
    n, apart = seen.n, (seen.gained - seen.lost) / seen.n
    if seen.clusters is None:
        variance = (seen.gained + seen.lost - n * apart**2) / (n - 1) / n
        reach = float(stats.t.ppf(0.975, n - 1)) * np.sqrt(np.maximum(variance, 0))
    else:
        count = len(seen.clusters[2])
        reach = float(special.ndtri(0.975)) * np.sqrt(count / (count - 1) * _squares(seen)) / n
    low, high = np.round(-(apart + reach), 6), np.round(-(apart - reach), 6)
    return _codes(passes=high <= MARGIN, fails=low > MARGIN)


def nel_compare(seen: Seen) -> Codes:
    """Of metrics."""
    differ, loss = seen.gained + seen.lost, np.round((seen.lost - seen.gained) / seen.n, 6)
    proven = np.round(_at_least(seen.lost, differ), 6) < 0.05
    weak = 2.8 / np.sqrt(np.maximum(differ, 1)) > 2 * MARGIN
    return _codes(passes=(differ == 0) | ~(proven | weak), fails=proven & (loss > MARGIN))


def evalsig(seen: Seen) -> Codes:
    """Of metrics."""
    n, differ, gain = seen.n, seen.gained + seen.lost, (seen.gained - seen.lost) / seen.n
    deviation = np.sqrt(np.maximum(differ - n * gain**2, 0) / (n - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        if seen.clusters is None:
            p = np.where(
                differ <= 25,
                _at_least(seen.gained, differ),
                special.ndtr(-n * gain / np.sqrt(np.maximum(differ, 1))),
            )
            effective: FloatArray | float = float(n)
        else:
            p = special.ndtr(-gain * n / np.sqrt(_squares(seen)))
            effective = n / (1 + (n / len(seen.clusters[2]) - 1) * _correlation(seen))
    better = (p < 0.05) & (gain > 0)
    detectable = float(special.ndtri(0.95) + special.ndtri(0.8)) * deviation / np.sqrt(effective)
    passes = better & (gain >= MARGIN)
    return _codes(passes=passes, fails=~passes & (better | (detectable <= MARGIN)))


def relative(n: int, baseline: Ints, candidate: Ints) -> Codes:
    """Of the numbers right in both runs."""
    fails = candidate < 0.95 * baseline
    return _codes(passes=~fails, fails=fails)


def wilson(n: int, baseline: Ints, candidate: Ints) -> Codes:
    """Of the numbers right in both runs."""
    z = float(special.ndtri(0.975))
    share = candidate / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    fails = middle + reach < baseline / n
    return _codes(passes=~fails & (middle - reach >= baseline / n - MARGIN), fails=fails)


PAIRED: dict[str, Callable[[Seen], Codes]] = {
    "nel gate 0.3.0": nel_gate,
    "nel compare 0.3.0": nel_compare,
    "evalsig 0.1.2": evalsig,
}
"""Rules that look at pairs: how many are right in both runs plays no part."""
PLAIN = {"relative 5 %": relative, "one-sample Wilson": wilson}
"""Rules that look at two scores."""


def _codes(*, passes: NDArray[np.bool_], fails: NDArray[np.bool_]) -> Codes:
    return np.where(fails, FAIL, np.where(passes, PASS, UNDECIDED)).astype(np.int8)


def _at_least(count: Ints, number: Ints) -> FloatArray:
    """P(X >= count) of so many fair coins; 1 of none."""
    found: FloatArray = np.where(number > 0, stats.binom.sf(count - 1, number, 0.5), 1.0)
    return found


def _squares(seen: Seen) -> FloatArray:
    """The sum of squares of the clusters' residuals."""
    assert seen.clusters is not None
    gained, lost, sizes = seen.clusters
    apart = gained - lost
    mean = apart.sum(axis=-1, keepdims=True) / seen.n
    found: FloatArray = ((apart - mean * sizes) ** 2).sum(axis=-1)
    return found


def _correlation(seen: Seen) -> FloatArray:
    """Within clusters, by analysis of variance; 0 or more."""
    assert seen.clusters is not None
    gained, lost, sizes = seen.clusters
    apart, count = gained - lost, len(sizes)
    means = apart / sizes
    between = (sizes * (means - apart.sum(axis=-1, keepdims=True) / seen.n) ** 2).sum(axis=-1) / (count - 1)
    within = ((gained + lost).sum(axis=-1) - (apart * means).sum(axis=-1)) / (seen.n - count)
    below = between + (seen.n / count - 1) * within
    found: FloatArray = np.where(
        below > 0, np.maximum((between - within) / np.where(below > 0, below, 1), 0), 0
    )
    return found
