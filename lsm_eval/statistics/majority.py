"""The majority's answer among some of a question's draws."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def majority(counts: Sequence[int], right: Sequence[bool], unread: int, size: int) -> float:
    """How often the most frequent answer among `size` draws is right, on average over all choices of so many among those
    there are: `counts` of each different answer, whether it is `right`, and how many draws are `unread`.

    An unread draw has no vote; where none has one, nothing is right. Answers that are tied for the most votes share: two of
    which one is right count one half. Exact: of a right answer's votes the number is fixed, and the others' are convolved,
    each with the chances of a binomial number of votes; of which the sum is then `size`. So it takes no number that overflows.
    Raises ValueError where there are fewer draws than `size`."""
    total = sum(counts) + unread
    if not 1 <= size <= total:
        raise ValueError(f"{size} of {total} draws cannot be chosen")
    pairs = sorted(zip(map(int, counts), map(bool, right), strict=True))
    return _majority(tuple(pairs), unread, size)


def pass_chance(number: int, right: int, size: int) -> float:
    """How often one of `size` draws is right at least, on average over all choices of so many of `number`, of which `right`
    are right: 1 - C(n - c, k) / C(n, k) (Chen et al., arXiv 2107.03374, 2021, section 2.1)."""
    return 1.0 if number - right < size else 1.0 - comb(number - right, size) / comb(number, size)


@lru_cache(maxsize=2**16)
def _majority(pairs: tuple[tuple[int, bool], ...], unread: int, size: int) -> float:
    total = sum(count for count, _ in pairs) + unread
    if all(right for _, right in pairs) and not unread:
        return 1.0
    if size == total:
        most = max((count for count, _ in pairs), default=0)
        tied = [right for count, right in pairs if count == most]
        return sum(tied) / len(tied) if tied else 0.0
    share = size / total
    found = 0.0
    for place, (count, right) in enumerate(pairs):
        others = [other for at, (other, _) in enumerate(pairs) if at != place]
        if right:
            found += _wins(count, others, unread, size, share)
    return min(1.0, found / float(_binomial(total, share)[size]))


def _wins(count: int, others: Sequence[int], unread: int, size: int, share: float) -> float:
    """Chance that an answer of so many draws has the most votes, or its part of a tie, and that `size` votes are given."""
    own = _binomial(count, share)
    silent = _binomial(unread, share)
    found = 0.0
    for votes in range(1, min(count, size) + 1):
        # Chances by how many others are tied with it [T], and by how many votes they all have [size - votes + 1].
        rest = size - votes
        table = np.zeros((rest // votes + 2, rest + 1))
        table[0, : min(unread, rest) + 1] = silent[: rest + 1]
        for other in others:
            chances = _binomial(other, share)
            made = np.zeros_like(table)
            for given in range(min(other, votes, rest) + 1):
                moved = chances[given] * table[:, : rest + 1 - given]
                if given == votes:
                    made[1:, given:] += moved[:-1]
                else:
                    made[:, given:] += moved
            table = made
        found += float(own[votes] * (table[:, rest] / np.arange(1, len(table) + 1)).sum())
    return found


@lru_cache(maxsize=2**12)
def _binomial(number: int, share: float) -> FloatArray:
    """Chances of 0 to `number` successes [number + 1]."""
    from scipy.special import gammaln, xlog1py, xlogy

    hits = np.arange(number + 1)
    ways = gammaln(number + 1) - gammaln(hits + 1) - gammaln(number - hits + 1)
    return np.asarray(np.exp(ways + xlogy(hits, share) + xlog1py(number - hits, -share)))
