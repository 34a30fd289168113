"""How often do intervals of a share's weighted samples hold the whole's value?

    python benchmarks/coverage_shares.py [--draws N] [--seed N]

As `coverage.py`, for a share with `each`: clusters of unequal size, of which large ones have another rate than small ones, and of
each so many samples at most, weighed by what they stand for. Beside each cell: the mean of the values with weights and without.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from coverage_means import Mean
from numpy.typing import NDArray

from lsm_eval.metrics.weights import relative_weights
from lsm_eval.requests import Perplexity
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.correlation import correlation as pearson
from lsm_eval.statistics.correlation import correlation_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import FloatArray, estimate
from lsm_eval.statistics.macro import macro_f1, macro_f1_estimate
from lsm_eval.statistics.risk_coverage import risk_coverage, risk_coverage_estimate
from lsm_eval.statistics.tpr import tpr_at, tpr_estimate
from lsm_eval.tasks.sample import Sample

_REQUEST = Perplexity("")

Of = Callable[[np.random.Generator, int, int], tuple[Estimate, float]]
"""From how many clusters, and samples of each at most, to an estimate with weights and the value without."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_shares.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="of each cell")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--only", nargs="*", metavar="KIND", help="such as 0/1, AUROC, aurc, macro-F1")
    options = parser.parse_args(arguments)
    print("| share | truth | held | below | above | width | none | weighted | unweighted | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for cell, (name, cluster_count, each, spread, rate, correlation) in enumerate(_cells()):
        rng = np.random.default_rng([options.seed, cell])
        population = Clusters(spread, rate, correlation)
        kinds: list[tuple[str, float, Of]] = [("0/1", population.truth(), population.mean)]
        if rate >= 0.1:  # else too few of a class
            kinds += [("AUROC", population.area(), population.auroc)]
            kinds += [(kind, population.whole(kind), population.number(kind)) for kind in KINDS]
        for kind, truth, of in kinds:
            if not options.only or kind in options.only:
                made = [of(rng, cluster_count, each) for _ in range(options.draws)]
                if 2 * sum(one.low is not None for one, _ in made) > len(
                    made
                ):  # else of the draws that suit it
                    print(_row(f"{kind}, {name}", truth, made), flush=True)
    return 0


def _cells() -> Iterator[tuple[str, int, int, float, float, float]]:
    for count in (30, 100):
        for each in (1, 4):
            for spread in (0.5, 1.0):
                for rate in (0.02, 0.1, 0.4):
                    for correlation in (0.02, 0.2):
                        name = f"{count} clusters, {each} each, sizes e^{spread:g}, ICC {correlation:g}"
                        yield name, count, each, spread, rate, correlation


def _row(name: str, truth: float, made: Sequence[tuple[Estimate, float]]) -> str:
    ends = np.array([(one.low, one.high) for one, _ in made if one.low is not None], float).reshape(-1, 2)
    values = np.array([one.value for one, _ in made if one.value is not None], float)
    below, above = float((ends[:, 1] < truth).mean()), float((ends[:, 0] > truth).mean())
    held = 1 - below - above
    mark = "<" if held < 0.935 else ">" if held > 0.98 else ""
    plain = float(np.nanmean([value for _, value in made]))
    return (
        f"| {name} | {truth:.3f} | {100 * held:.1f} % | {100 * below:.1f} | {100 * above:.1f} "
        f"| {np.ptp(ends, axis=1).mean():.3f} | {len(made) - len(ends)} | {values.mean():.3f} | {plain:.3f} | {mark} |"
    )


@dataclass(frozen=True)
class Kind:
    """A number of outcomes [n] and scores [n], by weights [n] or without."""

    value: Callable[[FloatArray, FloatArray], float]
    """Of very many samples that weigh the same."""
    estimate: Callable[[FloatArray, FloatArray, list[str | None], FloatArray | None], Estimate]


def _classes(outcomes: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Hits, predictions and truths [n, 2] of a threshold."""
    true = np.column_stack([outcomes, 1 - outcomes])
    said = np.column_stack([scores > 0.6, scores <= 0.6]).astype(float)
    return true * said, said, true


KINDS = {
    "aurc": Kind(
        lambda outcomes, scores: risk_coverage(scores, 1 - outcomes),
        lambda outcomes, scores, clusters, weights: risk_coverage_estimate(
            scores, 1 - outcomes, clusters, missing=0, weights=weights
        ),
    ),
    "true positives at 5 %": Kind(
        lambda outcomes, scores: tpr_at(scores, outcomes, 0.05),
        lambda outcomes, scores, clusters, weights: tpr_estimate(
            scores, outcomes, 0.05, clusters, missing=0, weights=weights
        ),
    ),
    "macro-F1": Kind(
        lambda outcomes, scores: float(macro_f1(*(rows.sum(axis=0) for rows in _classes(outcomes, scores)))),
        lambda outcomes, scores, clusters, weights: macro_f1_estimate(
            *_classes(outcomes, scores), ["yes", "no"], clusters, missing=0, weights=weights
        ),
    ),
    "correlation": Kind(
        lambda outcomes, scores: pearson(outcomes, scores),
        lambda outcomes, scores, clusters, weights: correlation_estimate(
            outcomes, scores, clusters, missing=0, weights=weights
        ),
    ),
}


class Clusters:
    """Clusters of log-normal sizes, median 10, whose rate rises with their size."""

    def __init__(self, spread: float, rate: float, correlation: float) -> None:
        self.spread, self.rate, self.correlation = spread, rate, correlation

    def draw(
        self, rng: np.random.Generator, count: int, each: int
    ) -> tuple[FloatArray, list[Sample], FloatArray]:
        """Outcomes, samples and scores of a share."""
        sizes = self._sizes(rng, count)
        taken = np.minimum(sizes, each)
        shares = self._shares(rng, sizes)
        outcomes = (rng.random(int(taken.sum())) < np.repeat(shares, taken)).astype(float)
        weights = np.repeat(sizes / taken, taken)
        samples = [
            Sample(str(at), _REQUEST, cluster=str(group), weight=float(weights[at]))
            for at, group in enumerate(np.repeat(np.arange(count), taken))
        ]
        return outcomes, samples, self._scores(rng, outcomes, taken)

    def _sizes(self, rng: np.random.Generator, count: int) -> NDArray[np.int_]:
        return np.maximum(1, np.round(10 * np.exp(self.spread * rng.standard_normal(count)))).astype(int)

    def _scores(self, rng: np.random.Generator, outcomes: FloatArray, taken: NDArray[np.int_]) -> FloatArray:
        own = np.repeat(rng.standard_normal(len(taken)), taken)
        return 1.2 * outcomes + 0.3 * own + rng.standard_normal(len(outcomes))

    def truth(self) -> float:
        """The rate over all samples of very many clusters."""
        rng = np.random.default_rng(0)
        sizes = np.maximum(1, np.round(10 * np.exp(self.spread * rng.standard_normal(2_000_000))))
        return float((sizes * self._mean_share(sizes)).sum() / sizes.sum())

    def area(self) -> float:
        """The AUROC over all samples of very many clusters."""
        return 0.5 * (1 + math.erf(1.2 / (2 * math.sqrt(1.09))))

    def mean(self, rng: np.random.Generator, count: int, each: int) -> tuple[Estimate, float]:
        """Estimate of the rate, and its value without weights."""
        outcomes, samples, _ = self.draw(rng, count, each)
        weights = relative_weights(samples)
        rows = np.column_stack([outcomes, np.ones(len(outcomes))])
        weighed = rows if weights is None else rows * weights[:, None]
        clusters = [sample.cluster for sample in samples]
        made = estimate(Mean(proportion=True), weighed, clusters, missing=0, ties=0, seed=0)
        return made, float(outcomes.mean())

    def auroc(self, rng: np.random.Generator, count: int, each: int) -> tuple[Estimate, float]:
        """Estimate of the AUROC of the scores, and its value without weights."""
        outcomes, samples, scores = self.draw(rng, count, each)
        clusters = [sample.cluster for sample in samples]
        weights = relative_weights(samples)
        made = auroc_estimate(scores, outcomes, clusters, missing=0, weights=weights)
        plain = auroc_estimate(scores, outcomes, clusters, missing=0).value
        return made, math.nan if plain is None else plain

    def number(self, kind: str) -> Of:
        """How a number of `KINDS` is drawn: its estimate, and its value without weights."""

        def of(rng: np.random.Generator, count: int, each: int) -> tuple[Estimate, float]:
            outcomes, samples, scores = self.draw(rng, count, each)
            clusters = [sample.cluster for sample in samples]
            made = KINDS[kind].estimate(outcomes, scores, clusters, relative_weights(samples))
            plain = KINDS[kind].estimate(outcomes, scores, clusters, None).value
            return made, math.nan if plain is None else plain

        return of

    def whole(self, kind: str) -> float:
        """A number of `KINDS` over all samples of very many clusters."""
        rng = np.random.default_rng(0)
        sizes = self._sizes(rng, 100_000)
        outcomes = (rng.random(int(sizes.sum())) < np.repeat(self._shares(rng, sizes), sizes)).astype(float)
        return KINDS[kind].value(outcomes, self._scores(rng, outcomes, sizes))

    def _mean_share(self, sizes: FloatArray | NDArray[np.int_]) -> FloatArray:
        return np.clip(self.rate * (0.5 + sizes / (10 + sizes)), 0, 0.95)

    def _shares(self, rng: np.random.Generator, sizes: FloatArray | NDArray[np.int_]) -> FloatArray:
        mean, odds = self._mean_share(sizes), (1 - self.correlation) / self.correlation
        return rng.beta(mean * odds, (1 - mean) * odds)


if __name__ == "__main__":
    sys.exit(main())
