"""How often do intervals of macro-F1 and of one class's F1 hold the truth?

    python benchmarks/coverage_classes.py [--draws N] [--seed N]

Simulates classifiers of 2 to 10 classes, balanced and skewed (the most frequent class 5 and 20 times as frequent as the rarest),
right to 40 to 99 %, whose errors go to any other class or to the frequent ones; samples alone and in clusters of ten, which
are of one class each or of all. Prints a row a cell, as `coverage.py` does. A draw without an interval (a class has too few samples)
is counted under `none`. Where that is more than half, the others are those in which the rarest class came oftener than it does:
they are marked `selected` and counted apart.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.macro import macro_f1, macro_f1_estimate


@dataclass(frozen=True)
class Cell:
    """A classifier and the samples it is asked."""

    classes: int
    skew: float
    """How often the most frequent class comes for one of the rarest."""
    accuracy: float
    frequent: bool
    """Errors go to the frequent classes; else to all alike."""
    number: int
    correlation: float = 0.0
    """Of being right, within clusters of ten."""
    pure: bool = False
    """Clusters are of one class each."""
    clustered: bool = False

    @property
    def name(self) -> str:
        """As it stands in the table."""
        errors = "frequent" if self.frequent else "any"
        alone = f"{self.classes} classes 1:{self.skew:g}, right {self.accuracy:g}, errors {errors}, n {self.number}"
        pure = "pure" if self.pure else "mixed"
        return f"{alone}, {pure} clusters, ICC {self.correlation:g}" if self.clustered else alone

    def shares(self) -> tuple[FloatArray, FloatArray]:
        """How frequent each class is [k], and what each class is taken for where it is not itself [k, k]."""
        prior = np.exp(-np.linspace(0, math.log(self.skew), self.classes))
        prior /= prior.sum()
        wrong = np.tile(prior if self.frequent else np.ones(self.classes), (self.classes, 1))
        np.fill_diagonal(wrong, 0.0)
        return prior, wrong / wrong.sum(axis=1, keepdims=True)

    def truth(self) -> tuple[float, float]:
        """Macro-F1, and the rarest class's F1."""
        prior, wrong = self.shares()
        joint = prior[:, None] * ((1 - self.accuracy) * wrong + self.accuracy * np.eye(self.classes))
        hits, predicted = np.diag(joint), joint.sum(axis=0)
        return float(macro_f1(hits, predicted, prior)), float(2 * hits[-1] / (predicted + prior)[-1])

    def clusters(self) -> list[str | None]:
        """Each sample's."""
        return [str(i // 10) if self.clustered else None for i in range(self.number)]

    def draw(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Predictions and truths, each [n, k]."""
        prior, wrong = self.shares()
        count = self.number // 10
        if self.pure:
            true = np.repeat(rng.choice(self.classes, count, p=prior), 10)
        else:
            true = rng.choice(self.classes, self.number, p=prior)
        chance = np.full(self.number, self.accuracy)
        if self.correlation:
            size = 1 / self.correlation - 1
            chance = np.repeat(rng.beta(self.accuracy * size, (1 - self.accuracy) * size, count), 10)
        other = (rng.random(self.number)[:, None] > wrong.cumsum(axis=1)[true]).sum(axis=1)
        said = np.where(rng.random(self.number) < chance, true, np.minimum(other, self.classes - 1))
        return np.eye(self.classes)[said], np.eye(self.classes)[true]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_classes.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="of each cell")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    print("| classes | truth | held | below | above | width | none | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    low = high = cells = selected = 0
    for place, cell in enumerate([*_alone(), *_clustered()]):
        rng = np.random.default_rng([options.seed, place])
        clusters, labels = cell.clusters(), [str(i) for i in range(cell.classes)]
        found: tuple[list[Estimate], list[Estimate]] = ([], [])
        for _ in range(options.draws):
            said, true = cell.draw(rng)
            found[0].append(macro_f1_estimate(said * true, said, true, labels, clusters, missing=0))
            said, true = said[:, -1:], true[:, -1:]
            found[1].append(macro_f1_estimate(said * true, said, true, labels[-1:], clusters, missing=0))
        for what, truth, own in zip(("macro-F1", "rarest class's F1"), cell.truth(), found, strict=True):
            made = np.array([(e.low, e.high) for e in own if e.low is not None and e.high is not None])
            if len(made) <= options.draws / 20:
                continue
            below, above = float((made[:, 1] < truth).mean()), float((made[:, 0] > truth).mean())
            held = 1 - below - above
            mark = "<" if held < 0.935 else ">" if held > 0.98 else ""
            if 2 * len(made) < options.draws:
                mark, selected = f"{mark} selected".strip(), selected + 1
            cells, low, high = cells + 1, low + (mark == "<"), high + (mark == ">")
            print(
                f"| {what}, {cell.name} | {truth:.3f} | {100 * held:.1f} % | {100 * below:.1f} | {100 * above:.1f} "
                f"| {(made[:, 1] - made[:, 0]).mean():.3f} | {options.draws - len(made)} | {mark} |",
                flush=True,
            )
    print(
        f"{cells} cells of {options.draws} draws: {low} under 93.5 %, {high} above 98 %, {selected} selected"
    )
    return 0


def _alone() -> Iterator[Cell]:
    for classes in (2, 3, 5, 10):
        for skew in (1, 5, 20):
            for accuracy in (0.3, 0.6, 0.9, 0.99):
                for number in (30, 100, 300, 3000):
                    yield Cell(classes, skew, accuracy, (classes + number // 10) % 2 == 0, number)


def _clustered() -> Iterator[Cell]:
    for classes in (2, 3, 10):
        for skew in (1, 5):
            for accuracy in (0.4, 0.9, 0.99):
                for number in (100, 300, 1000):
                    for pure in (False, True):
                        yield Cell(
                            classes, skew, accuracy, False, number, 0.1 if accuracy < 0.9 else 0.3, pure, True
                        )


if __name__ == "__main__":
    sys.exit(main())
