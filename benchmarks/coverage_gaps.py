"""Cells of differences of shares of samples that stand alone, exactly: of two groups, and of the same samples (found in the first
answer alone, in the second alone). Everything that can happen is summed up, over the truths named and their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import product

import coverage_candidates as candidates
import numpy as np
from coverage_cells import FEW, Cell, FloatArray, Outcome

from lsm_eval.benchmarks.safety.bipia.code import InjectionEffect
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import Part, combined

_DIFFERENCE = Part(1.0, slice(0, 2)), Part(-1.0, slice(2, 4))
_NEIGHBOURS = (-0.2, 0.0, 0.2)
"""On the logit."""
_LIKELY = 1e-10
Table = tuple[FloatArray, Mapping[str, FloatArray]]
"""Counts [k, 2], and each method's ends for them [k, 2]."""


def gaps() -> Iterator[Cell]:
    """Two groups, from five and five samples on."""
    for first, second in (
        (5, 5), (5, 10), (5, 25), (10, 10), (15, 15), (20, 20), (30, 30), (100, 100), (5, 100), (10, 100), (100, 10),
    ):  # fmt: skip
        for p, q in ((0.5, 0.5), (0.9, 0.7), (0.3, 0.5), (0.05, 0.02), (0.02, 0.2), (0.97, 0.03)):
            events = min(first * min(p, 1 - p), second * min(q, 1 - q))
            yield Cell(
                "gap", f"gap, {first} and {second}, {p} and {q}", p - q, first + second,
                exact=partial(_gap, first, second, p, q), design=f"{first} and {second}, {p} and {q}", events=events,
                wide="a group of five" if min(first, second) == 5 else "",
            )  # fmt: skip


def paired() -> Iterator[Cell]:
    """The same samples twice: found by the first alone and by the second alone; how many by both plays no part."""
    for number in (5, 10, 30, 100, 400):
        for only, other in ((0.02, 0.02), (0.3, 0.001), (0.05, 0.002), (0.1, 0.05), (0.3, 0.2), (0.6, 0.05)):
            yield Cell(
                "paired difference", f"n {number}, {only:g} and {other:g}", only - other, number,
                exact=partial(_pairs, number, only, other), design=f"n {number}, {only:g}, {other:g}",
                events=number * min(only + other, 1 - only),
                wide="fewer than ten pairs" if number < 10 else "",
            )  # fmt: skip


def _gap(first: int, second: int, p: float, q: float) -> Outcome:
    from scipy.stats import binom

    counts, ends = _of_groups(first, second)
    truths = [(_moved(p, a), _moved(q, b)) for a, b in product(_NEIGHBOURS, repeat=2)]

    def chance(at: tuple[float, float]) -> FloatArray:
        each = binom.pmf(counts[:, 0], first, at[0]) * binom.pmf(counts[:, 1], second, at[1])
        return np.asarray(each, float)

    return _summed(ends, truths, chance, first + second)


def _pairs(number: int, only: float, other: float) -> Outcome:
    from scipy.stats import multinomial

    truths = [(_moved(only, a), _moved(other, b)) for a, b in product(_NEIGHBOURS, repeat=2)]
    counts = _likely_pairs(number, only, other)
    names = ("ours", *candidates.paired_differences(1, 1, number))
    rows = [_one_pair(int(x), int(y), number) for x, y in counts]
    ends = {name: np.array([row[name] for row in rows]) for name in names}

    def chance(at: tuple[float, float]) -> FloatArray:
        table = np.column_stack([counts, number - counts.sum(axis=1)])
        return np.asarray(multinomial.pmf(table, number, [*at, 1 - sum(at)]), float)

    return _summed(ends, truths, chance, number)


def _summed(
    ends: Mapping[str, FloatArray],
    truths: list[tuple[float, float]],
    chance: Callable[[tuple[float, float]], FloatArray],
    samples: int,
) -> Outcome:
    def of(table: FloatArray) -> tuple[float, float, float, float, float]:
        found = []
        for at in truths:
            weight, truth = chance(at), at[0] - at[1]
            below = float(weight[table[:, 1] < truth - 1e-12].sum())
            above = float(weight[table[:, 0] > truth + 1e-12].sum())
            found.append((1 - below - above, below, above, float(weight @ (table[:, 1] - table[:, 0]))))
        held, belows, aboves, widths = np.array(found).T
        pick = np.max if samples >= FEW else np.mean
        return (
            float(held.mean()),
            float(pick(belows)),
            float(pick(aboves)),
            float(widths.mean()),
            float(held.min()),
        )

    held, below, above, width, least = of(ends["ours"])
    others = {name: of(table) for name, table in ends.items() if name != "ours"}
    rivals = {name: (r[4] if samples >= FEW else r[0], r[1], r[2], r[3]) for name, r in others.items()}
    value = truths[len(truths) // 2]
    return Outcome(held, below, above, width, value[0] - value[1], 0.0, 0, least, rivals)


@lru_cache(maxsize=1)
def _of_groups(first: int, second: int) -> Table:
    counts = np.array(list(product(range(first + 1), range(second + 1))))
    rows = []
    for x, y in counts.tolist():
        samples = np.zeros((first + second, 4))
        samples[:x, 0], samples[:first, 1] = 1, 1
        samples[first : first + y, 2], samples[first:, 3] = 1, 1
        made = combined(_DIFFERENCE, samples, [None] * (first + second), missing=0, ties=0, seed=0)
        rows.append({"ours": _ends(made), **candidates.differences(x, first, y, second)})
    return counts.astype(float), {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _likely_pairs(number: int, only: float, other: float) -> FloatArray:
    from scipy.stats import binom

    spans = [
        range(
            int(binom.ppf(_LIKELY, number, _moved(share, _NEIGHBOURS[0]))),
            int(binom.ppf(1 - _LIKELY, number, _moved(share, _NEIGHBOURS[-1]))) + 1,
        )
        for share in (only, other)
    ]
    return np.array([(x, y) for x, y in product(*spans) if x + y <= number], float)


@lru_cache(maxsize=100_000)
def _one_pair(only: int, other: int, number: int) -> dict[str, tuple[float, float]]:
    rows = np.zeros((number, 3))
    rows[:only, 0], rows[only : only + other, 1], rows[:, 2] = 1, 1, 1
    made = InjectionEffect().estimate(rows, [None] * number, missing=0, ties=0, seed=0)
    return {"ours": _ends(made), **candidates.paired_differences(only, other, number)}


def _ends(made: Estimate) -> tuple[float, float]:
    assert made.low is not None, made.method
    assert made.high is not None
    return made.low, made.high


def _moved(p: float, by: float) -> float:
    return float(1 / (1 + np.exp(-(np.log(p / (1 - p)) + by))))
