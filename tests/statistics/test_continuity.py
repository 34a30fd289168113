"""No method's interval falls off a cliff where one sample changes, the first hit and the last included.

For each method of the table, samples are drawn and one of them is drawn anew, or put to an extreme. Neither end may move by more than
`steep` / √n of the number's range, with n the samples, or the clusters where there are some: a few times what the value itself, or
the interval's width, can change by. The bound is stated a method at a time; most move by far less.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lsm_eval.benchmarks.bias.bold.code import Spread
from lsm_eval.benchmarks.bias.stereoset.code import IdealisedCat
from lsm_eval.benchmarks.safety.bipia.code import InjectionEffect
from lsm_eval.scoring.registry import create
from lsm_eval.statistics import methods
from lsm_eval.statistics.auroc_gain import auroc_gain
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.corrected import Proportion, Quality, corrected_estimate
from lsm_eval.statistics.correlation import correlation_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import clopper_pearson, estimate, wilson
from lsm_eval.statistics.kappa import kappa_estimate
from lsm_eval.statistics.macro import macro_f1_estimate
from lsm_eval.statistics.parts import SHARE, Part, combined
from lsm_eval.statistics.recall import recall_estimate
from lsm_eval.statistics.risk_coverage import risk_coverage_estimate
from lsm_eval.statistics.tpr import tpr_estimate

Rng = np.random.Generator
Clusters = Sequence[str | None]
KNOWN = {"missing": 0, "ties": 0, "seed": 0}
DIFFERENCE = Part(1.0, slice(0, 2)), Part(-1.0, slice(2, 4))


@dataclass(frozen=True)
class Case:
    """A method on samples of one kind."""

    method: str
    draw: Callable[[Rng, int], FloatArray]
    """So many samples' rows."""
    ends: Callable[[FloatArray, Clusters], Estimate]
    steep: float
    numbers: tuple[int, ...] = (5, 10, 40, 150)
    size: int = 1
    """Of the clusters."""
    width: float = 1.0
    """Of the number's range."""
    extremes: tuple[tuple[float, ...], ...] = ()
    """Rows that a sample may change to."""


def of(metric: Any) -> Callable[[FloatArray, Clusters], Estimate]:
    own = getattr(metric, "estimate", None)
    if own is not None:
        return lambda rows, clusters: own(rows, clusters, **KNOWN)
    return lambda rows, clusters: estimate(metric, rows, clusters, **KNOWN)


class Mean:
    mean, proportion = True, False

    def __init__(self, unit: str) -> None:
        self.unit = unit

    aggregate = SHARE.aggregate


class Subset(Mean):
    """A share of a random number of samples, as a metric that makes no estimate of its own."""

    mean = False

    def __init__(self) -> None:
        super().__init__("fraction")


def hits(p: float) -> Callable[[Rng, int], FloatArray]:
    return lambda rng, n: np.column_stack([rng.random(n) < p, np.ones(n)]).astype(float)


def values(rng: Rng, n: int) -> FloatArray:
    return np.column_stack([rng.beta(0.3, 2, n), np.ones(n)])


def signed(rng: Rng, n: int) -> FloatArray:
    """Nearly all above 0, and skewed."""
    return np.column_stack([rng.beta(0.5, 2, n) - 0.02, np.ones(n)])


def subset(rng: Rng, n: int) -> FloatArray:
    there = (rng.random(n) < 0.4).astype(float)
    return np.column_stack([there * (rng.random(n) < 0.2), there])


def texts(rng: Rng, n: int) -> FloatArray:
    words = rng.integers(20, 60, n).astype(float)
    return np.column_stack([-words * rng.uniform(2, 4, n), words])


def edits(rng: Rng, n: int) -> FloatArray:
    return np.column_stack([rng.integers(1, 12, n), np.full(n, 10)]).astype(float)


def bleu(p: float) -> Callable[[Rng, int], FloatArray]:
    """Of documents of which a share `p` has something in common with its references."""
    return lambda rng, n: _bleu(rng, n, p)


def _bleu(rng: Rng, n: int, p: float) -> FloatArray:
    totals = np.tile([20.0, 19.0, 18.0, 17.0], (n, 1))
    share = (rng.random((n, 1)) < p) * np.array([0.9, 0.5, 0.3, 0.2])
    return np.column_stack(
        [np.full(n, 20.0), np.full(n, 20.0), rng.binomial(totals.astype(int), share), totals]
    )


def points(rng: Rng, n: int) -> FloatArray:
    x = rng.uniform(-1, 1, n)
    return np.column_stack([x, np.clip(0.6 * x + rng.uniform(-0.4, 0.4, n), -1, 1)])


def answers(rng: Rng, n: int) -> FloatArray:
    confidence = rng.random(n)
    return np.column_stack([confidence, rng.random(n) < 0.3 * (1 - confidence)]).astype(float)


def sides(rng: Rng, n: int) -> FloatArray:
    hit, first = rng.random(n) < 0.1, np.arange(n) % 2 == 0
    return np.column_stack([hit & first, first, hit & ~first, ~first]).astype(float)


def pairs(rng: Rng, n: int) -> FloatArray:
    return np.column_stack([rng.random((n, 2)) < 0.2, np.ones(n)]).astype(float)


def classes(rng: Rng, n: int) -> FloatArray:
    positive = np.arange(n) % 2
    return np.column_stack([positive + rng.uniform(-1, 1, n), rng.random(n), positive])


def binned(rng: Rng, n: int) -> FloatArray:
    confidence = rng.uniform(0.5, 1, n)
    return np.column_stack([np.ones(n), confidence, rng.random(n) < confidence - 0.1]).astype(float)


def terms(rng: Rng, n: int) -> FloatArray:
    return np.column_stack([100.0 * (rng.random((n, 2)) < (0.9, 0.6)), np.ones(n)])


def groups(rng: Rng, n: int) -> FloatArray:
    rows = np.zeros((n, 6))
    at = np.arange(n) % 3
    rows[np.arange(n), 2 * at], rows[np.arange(n), 2 * at + 1] = rng.uniform(-1, 1, n), 1
    return rows


def cells(rng: Rng, n: int) -> FloatArray:
    return np.eye(4)[rng.choice(4, n, p=[0.45, 0.05, 0.05, 0.45])]


def labels(rng: Rng, n: int) -> FloatArray:
    """What was taken for each of three classes, and what is one."""
    true = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return np.hstack([np.eye(3)[np.where(rng.random(n) < 0.7, true, rng.integers(0, 3, n))], np.eye(3)[true]])


def macro(rows: FloatArray, clusters: Clusters) -> Estimate:
    said, true = rows[:, :3], rows[:, 3:]
    return macro_f1_estimate(said * true, said, true, "abc", clusters, missing=0)


_MODELS = tuple(Proportion(right, 200) for right in (176, 180, 182, 186))
CARD = Quality(Proportion(724, 800), Proportion(724, 800), _MODELS, _MODELS)
ZERO_ONE = ((0.0, 1.0), (1.0, 1.0), (0.5, 1.0))

CASES = [
    *(Case("wilson", hits(p), of(SHARE), 1.0, extremes=ZERO_ONE) for p in (0.0, 0.05, 0.5)),
    Case("clopper-pearson", hits(0.3), of(SHARE), 1.0, (2, 3, 4), extremes=ZERO_ONE),
    Case("wilson(effective", values, of(Mean("fraction")), 1.0, extremes=ZERO_ONE),
    *(Case("wilson(effective", hits(p), of(SHARE), 1.0, size=6, extremes=ZERO_ONE) for p in (0.0, 0.1)),
    Case("wilson(effective", lambda rng, n: np.tile([0.5, 1.0], (n, 1)), of(SHARE), 1.0, extremes=ZERO_ONE),
    Case("t", values, of(Mean("other")), 3.0, (10, 40, 150), extremes=ZERO_ONE),
    Case("t", values, of(Mean("other")), 3.0, size=6, extremes=ZERO_ONE),
    Case("t", signed, of(Mean("other")), 3.0, (10, 12, 40, 150), extremes=((-0.1, 1.0), (0.0, 1.0), (1.0, 1.0))),
    Case("wilson(effective, ratio", subset, of(Subset()), 2.0, (20, 40, 150), extremes=ZERO_ONE),
    Case("t(log ratio", texts, of(create("word_perplexity")), 2.0, width=200.0),
    Case("t(log ratio", texts, of(create("bits_per_byte")), 2.0, width=6.0),
    Case("t(ratio", edits, of(create("ter")), 2.0, width=200.0, extremes=((0.0, 10.0), (20.0, 10.0))),
    Case("wilson(effective, macro", labels, macro, 2.0, (60, 150)),
    Case("jackknife", bleu(0.1), of(create("bleu")), 3.0, width=100.0),
    Case("jackknife", bleu(0.5), of(create("bleu")), 2.0, width=100.0),
    Case("fisher(jackknife", points, lambda r, c: correlation_estimate(r[:, 0], r[:, 1], c, missing=0), 4.0, width=2.0,
         extremes=((1.0, 1.0), (-1.0, 1.0))),
    Case("wilson(effective, area", answers, lambda r, c: risk_coverage_estimate(r[:, 0], r[:, 1], c, missing=0), 2.0,
         extremes=((1.0, 1.0), (0.0, 1.0), (1.0, 0.0))),
    Case("wilson(effective, area", answers, lambda r, c: risk_coverage_estimate(r[:, 0], r[:, 1], c, missing=0), 1.0,
         size=5, extremes=((1.0, 1.0), (0.0, 0.0))),
    Case("newcombe", sides, lambda r, c: combined(DIFFERENCE, r, c, **KNOWN), 2.0, (10, 40, 150), width=2.0),
    Case("newcombe", pairs, of(InjectionEffect()), 2.0, width=2.0, extremes=((1.0, 0.0, 1.0), (0.0, 0.0, 1.0))),
    Case("delong", classes, lambda r, c: auroc_estimate(r[:, 0], r[:, 2], c, missing=0), 2.0, (10, 40, 150)),
    Case("obuchowski", classes, lambda r, c: auroc_estimate(r[:, 0], r[:, 2], c, missing=0), 2.0, size=4),
    Case("mover", classes, lambda r, c: auroc_gain(r[:, 0], r[:, 1], r[:, 2], c, missing=0), 2.0, (10, 40, 150)),
    Case("wilson and order statistics", classes, lambda r, c: tpr_estimate(r[:, 0], r[:, 2], 0.1, c, missing=0), 3.0,
         (20, 40, 150)),
    Case("wilson and order statistics", answers, lambda r, c: recall_estimate(r[:, 0], 1 - r[:, 1], 0.1, c, missing=0),
         3.0, (20, 40, 150)),
    Case("calibrated null", binned, of(create({"ece": {"binning": "mass"}})), 2.0),
    Case("box", terms, of(IdealisedCat()), 2.0, width=100.0, extremes=((100.0, 100.0, 1.0), (0.0, 0.0, 1.0))),
    Case("noise of the groups", groups, of(Spread()), 2.0, (30, 150), width=2.0),
    Case("rogan-gladen", hits(0.3), lambda r, c: corrected_estimate(r, c, CARD, missing=0), 2.0, (40, 150),
         extremes=ZERO_ONE),
    Case("projection(kappa", cells, lambda r, c: kappa_estimate(r, c), 2.0, width=2.0, extremes=(tuple(np.eye(4)[1]),)),
]  # fmt: skip


def steepness(case: Case, rng: Rng, tries: int) -> tuple[float, set[str]]:
    """The furthest that an end moved, in units of width / √n, and the methods that were used."""
    furthest, used = 0.0, set()
    for number in case.numbers:
        clusters = [None if case.size == 1 else str(i // case.size) for i in range(number * case.size)]
        for _ in range(tries):
            rows = case.draw(rng, len(clusters))
            changed = rows.copy()
            at = int(rng.integers(len(rows)))
            to = [case.draw(rng, len(clusters))[at], *case.extremes]
            changed[at] = to[int(rng.integers(len(to)))]
            one, other = case.ends(rows, clusters), case.ends(changed, clusters)
            if one.low is None or one.high is None or other.low is None or other.high is None:
                continue
            used |= {one.method, other.method}
            moved = max(abs(one.low - other.low), abs(one.high - other.high))
            furthest = max(furthest, moved / case.width * number**0.5)
    return furthest, used


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n}-{CASES[n].method}")
def test_no_end_jumps(number: int) -> None:
    case = CASES[number]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        furthest, used = steepness(case, np.random.default_rng(number), 12)
    found = {row.name for method in used if (row := methods.method_of(method))}
    assert case.method in found, f"meant for {case.method}, and made by {used}"
    assert furthest <= case.steep


def test_every_method_of_the_table_is_tried() -> None:
    assert {case.method for case in CASES} == {row.name for row in methods.METHODS} - {"none"}


def test_one_sample_more_is_no_cliff() -> None:
    """Below five samples the interval is Clopper & Pearson's, from five on Wilson's."""
    made = {
        n: [clopper_pearson(k, n, 0.95) if n < 5 else wilson(k, n, 0.95) for k in range(n + 1)]
        for n in range(2, 30)
    }
    for fewer, more in pairwise(made):
        for hit in (0, 1):
            for one, other in zip(made[fewer], made[more][hit:], strict=False):
                assert max(abs(one[0] - other[0]), abs(one[1] - other[1])) < 0.5 / fewer**0.5
