"""Cells of AUROCs, of what they gain, of true positives at few false ones, and of differences of shares of the same samples.

Scores are normal; those of positives lie higher by what the true value asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist

import coverage_candidates as candidates
import coverage_gaps
import numpy as np
from coverage_cells import Cell, Drawn, Rng, drawn
from numpy.typing import NDArray

from lsm_eval.statistics.auroc_gain import auroc_gain
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.tpr import tpr_estimate

NORMAL = NormalDist()


def cells() -> Iterator[Cell]:
    """All of them."""
    yield from _areas()
    yield from _clustered_areas()
    yield from _gains()
    yield from _rates()
    yield from coverage_gaps.paired()


def _areas() -> Iterator[Cell]:
    """AUROCs of samples that stand alone, positives spread as much as negatives, twice and half as much."""
    for positives, negatives in (
        (5, 5),
        (10, 10),
        (10, 100),
        (100, 10),
        (10, 500),
        (30, 30),
        (100, 100),
        (500, 500),
    ):
        for spread in (1.0, 2.0, 0.5):
            for area in (0.5, 0.7, 0.9, 0.95, 0.99):
                labels = _classes(positives, negatives)
                apart = NORMAL.inv_cdf(area) * math.hypot(1, spread)
                name = f"AUROC, {positives} + {negatives}, spread {spread:g}"
                fewer = min(positives, negatives)
                yield Cell(
                    "AUROC", name, area, len(labels), _area(labels, apart, spread),
                    design=f"{positives} + {negatives}, {area}", events=fewer * (1 - area),
                    wide="one class has five samples" if fewer == 5 else "",
                )  # fmt: skip


def _area(labels: FloatArray, apart: float, spread: float) -> Callable[[Rng], Drawn]:
    def draw(rng: Rng) -> Drawn:
        scores = apart * labels + rng.normal(0, 1, len(labels)) * np.where(labels == 1, spread, 1.0)
        made = auroc_estimate(scores, labels, [None] * len(labels), missing=0)
        return drawn(made, candidates.areas(scores, labels))

    return draw


def _clustered_areas() -> Iterator[Cell]:
    """AUROCs in clusters of one class, of both classes, and of one pair each; `ICC` is that of two scores of one cluster."""
    for kind in ("pairs", "one class", "both classes"):
        for count in (10, 20, 50, 200):
            size = 2 if kind == "pairs" else 10
            growth = np.exp(np.linspace(0, math.log(1 if kind == "pairs" else 20), count))
            groups = np.repeat(
                np.arange(count), np.maximum(1, np.round(growth / growth.mean() * size)).astype(int)
            )
            labels = np.asarray((groups if kind == "one class" else np.arange(len(groups))) % 2, float)
            for correlation in (0.0, 0.3):
                for area in (0.5, 0.8, 0.95):
                    name = f"AUROC, {count} clusters of {kind}, ICC {correlation:g}"
                    yield Cell(
                        "AUROC, clustered", name, area, len(labels), _clustered_area(labels, groups, area, correlation),
                        design=f"{count} {kind}, {area}", events=count / 2 * (1 - area),
                        wide="fewer than 20 clusters a class" if kind != "pairs" and count < 50 else "",
                    )  # fmt: skip


def _clustered_area(
    labels: FloatArray, groups: NDArray[np.intp], area: float, correlation: float
) -> Callable[[Rng], Drawn]:
    names = [str(group) for group in groups]
    apart = NORMAL.inv_cdf(area) * math.sqrt(2)
    own, common = math.sqrt(1 - correlation), math.sqrt(correlation)

    def draw(rng: Rng) -> Drawn:
        shared = rng.normal(0, common, int(groups.max()) + 1)[groups]
        scores = apart * labels + shared + rng.normal(0, own, len(labels))
        return drawn(auroc_estimate(scores, labels, names, missing=0), candidates.areas(scores, labels))

    return draw


def _gains() -> Iterator[Cell]:
    """AUROC less a baseline's, or less one half: below, at and above that."""
    for number in (20, 50, 200):
        labels = _classes(number, number)
        for first, second in ((0.5, 0.4), (0.75, 0.5), (0.75, 0.7), (0.95, 0.8)):
            yield Cell(
                "AUROC gain", f"gain, {number} + {number}, {first:g} over {second:g}", first - max(second, 0.5),
                len(labels), _gain(labels, first, second), events=number * (1 - first),
            )  # fmt: skip


def _gain(labels: FloatArray, first: float, second: float) -> Callable[[Rng], Drawn]:
    shifts = [NORMAL.inv_cdf(area) * math.sqrt(2) for area in (first, second)]

    def draw(rng: Rng) -> Drawn:
        common = rng.normal(0, math.sqrt(0.5), len(labels))
        one, two = (shift * labels + common + rng.normal(0, math.sqrt(0.5), len(labels)) for shift in shifts)
        return drawn(auroc_gain(one, two, labels, [None] * len(labels), missing=0))

    return draw


def _rates() -> Iterator[Cell]:
    """True-positive rates; the interval of a quantile by its order statistics makes them conservative."""
    for fpr, positives, negatives in (
        (0.01, 100, 100),
        (0.01, 100, 500),
        (0.01, 500, 1000),
        (0.05, 100, 100),
        (0.1, 30, 50),
    ):
        labels = _classes(positives, negatives)
        for apart in (0.3, 1.0, 2.0, 3.0):
            truth = 1 - NORMAL.cdf(NORMAL.inv_cdf(1 - fpr) - apart)
            yield Cell(
                "TPR at few false", f"TPR at {fpr:g}, {positives} + {negatives}", truth, len(labels),
                _rate(labels, apart, fpr), wide="order statistics of few negatives", share=0.5,
            )  # fmt: skip


def _rate(labels: FloatArray, apart: float, fpr: float) -> Callable[[Rng], Drawn]:
    def draw(rng: Rng) -> Drawn:
        scores = apart * labels + rng.normal(0, 1, len(labels))
        return drawn(tpr_estimate(scores, labels, fpr, [None] * len(labels), missing=0))

    return draw


def _classes(positives: int, negatives: int) -> FloatArray:
    return np.repeat([1.0, 0.0], [positives, negatives])
