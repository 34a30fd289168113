"""How often do paired differences hold the truth, and how often is a gate wrong?

    python benchmarks/coverage_paired.py [--draws N] [--seed N]

Pairs of 0 or 1 that stand alone are not simulated: the chance of every number of gains and losses is added up. Pairs in clusters,
bounded values, means and corpus scores are drawn. Cells under 93.5 % are marked `<`, those above 98 % `>`: wider than need be.
Then the gate's own rates: false alarms of one and of ten metrics, false passes at the margin, and how often a loss is found; once
with all samples, once with ten looks on the way.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.corpus import DifferingPairs, corpus_difference
from lsm_eval.statistics.comparison.difference import Difference, Scale, difference, p_value
from lsm_eval.statistics.comparison.pairs import pairs
from lsm_eval.statistics.comparison.score import Score
from lsm_eval.statistics.comparison.sequential import equal_shares, limits
from lsm_eval.statistics.comparison.speed import speed_ratio

NUMBERS = (30, 100, 300, 1000, 3000, 10_000)
DISCORDANCE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
SKEW = (0.0, 0.5, 0.9, 1.0)
"""Of the pairs that differ, (losses - gains) over all."""


@dataclass
class Table:
    """Rows and their count."""

    cells: int = 0
    low: int = 0
    high: int = 0

    def row(self, name: str, truth: float, below: float, above: float, none: float = 0.0) -> None:
        """Prints one: `below` and `above` are the shares of intervals that end below and begin above the truth."""
        held = 1 - below - above
        mark = "<" if held < 0.935 else ">" if held > 0.98 else ""
        self.cells, self.low, self.high = self.cells + 1, self.low + (mark == "<"), self.high + (mark == ">")
        shown = (
            "refused | | "
            if math.isnan(held)
            else f"{100 * held:.1f} % | {100 * below:.1f} | {100 * above:.1f}"
        )
        print(f"| {name} | {truth:.4f} | {shown} | {none:.0f} | {mark} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_paired.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="of each cell that is drawn")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    table = Table()
    print("| pairs | truth | held | below | above | none | |\n| --- | --- | --- | --- | --- | --- | --- |")
    _alone(table)
    for name, truth, draw in [*_clustered(), *_bounded(), *_means(), *_corpus()]:
        _tried(table, name, truth, draw, options.draws, np.random.default_rng([options.seed, table.cells]))
    _speeds(table, options.draws, options.seed)
    print(f"{table.cells} cells: {table.low} under 93.5 %, {table.high} above 98 %\n")
    _gate()
    _looks(options.draws, options.seed)
    return 0


# Pairs of 0 or 1 that stand alone, exactly.


class Counts:
    """The chance of each number of gains and losses of n pairs."""

    def __init__(self, n: int, differ: float, apart: float) -> None:
        """`apart`: true gains less losses, as shares."""
        up, down = (differ + apart) / 2, (differ - apart) / 2
        self.n = n
        self.gains, self.losses = (
            np.arange(int(stats.binom.ppf(1e-7, n, x)), int(stats.binom.ppf(1 - 1e-7, n, x)) + 1)
            for x in (up, max(down, 0.0))
        )
        g, b = self.gains[:, None], self.losses
        rest = n - g - b
        logs = special.gammaln(n + 1) - special.gammaln(g + 1) - special.gammaln(b + 1)
        logs = logs - special.gammaln(np.maximum(rest, 0) + 1) + special.xlogy(g, up)
        logs = logs + special.xlogy(b, max(down, 0.0)) + special.xlogy(np.maximum(rest, 0), 1 - differ)
        self.chance = np.where(rest >= 0, np.exp(logs), 0.0)

    def at_most_losses(self, rejected: Callable[[int, int], bool]) -> float:
        """The chance of a rejection that the fewer losses make the likelier, for any number of gains."""
        total = 0.0
        for at, gains in enumerate(self.gains.tolist()):
            low, high = 0, int(min(len(self.losses), max(0, self.n - gains - self.losses[0] + 1)))
            while low < high:
                middle = (low + high) // 2
                low, high = (middle + 1, high) if rejected(gains, int(self.losses[middle])) else (low, middle)
            total += float(self.chance[at, :low].sum())
        return total

    def at_least_losses(self, rejected: Callable[[int, int], bool]) -> float:
        """The chance of a rejection that the more losses make the likelier."""
        return float(self.chance.sum()) - self.at_most_losses(lambda g, b: not rejected(g, b))


def _p(n: int, gains: int, losses: int, margin: float, side: str) -> float:
    found = Score(n, gains / n, losses / n)
    return found.p(margin, "less" if side == "less" else "greater")


def _alone(table: Table) -> None:
    """How many pairs are right in both runs plays no part: the interval knows gains and losses alone."""
    for n in NUMBERS:
        for differ in DISCORDANCE:
            for skew in SKEW:
                apart = -differ * skew
                seen = Counts(n, differ, apart)
                above = seen.at_most_losses(lambda g, b, n=n, m=apart: _p(n, g, b, m, "greater") <= 0.025)  # type: ignore[misc]
                below = seen.at_least_losses(lambda g, b, n=n, m=apart: _p(n, g, b, m, "less") <= 0.025)  # type: ignore[misc]
                table.row(f"0/1, n {n}, {100 * differ:g} % differ", apart, below, above)


# What is drawn.

Draw = Callable[[np.random.Generator], Difference]
Cell = tuple[str, float, Draw]


def _tried(table: Table, name: str, truth: float, draw: Draw, draws: int, rng: np.random.Generator) -> None:
    below = above = none = 0
    for _ in range(draws):
        found = draw(rng)
        up, down = p_value(found, truth, "greater"), p_value(found, truth, "less")
        if up is None or down is None:
            none += 1
            continue
        above, below = above + (up <= 0.025), below + (down <= 0.025)
    made = draws - none
    table.row(name, truth, below / made if made else math.nan, above / made if made else math.nan, none)


def _sizes(shape: str, count: int) -> NDArray[np.int64]:
    """Clusters of ten, of sizes that grow fifty-fold, and with one that holds two fifths of all samples."""
    if shape == "equal":
        return np.full(count, 10)
    if shape == "geometric":
        growth = np.exp(np.linspace(0, math.log(50), count))
        sizes: NDArray[np.int64] = np.maximum(1, np.round(growth / growth.mean() * 10)).astype(np.int64)
        return sizes
    return np.array([round(10 * (count - 1) * 2 / 3), *[10] * (count - 1)])


def _clustered() -> Iterator[Cell]:
    for shape in ("equal", "geometric", "one large"):
        for count in (5, 20, 50, 200):
            groups = np.repeat(np.arange(count), _sizes(shape, count))
            for correlation in (0.0, 0.1, 0.4):
                for differ in (0.01, 0.05, 0.1, 0.3):
                    for skew in (0.0, 0.9):
                        name = (
                            f"0/1, {count} clusters, {shape}, ICC {correlation:g}, {100 * differ:g} % differ"
                        )
                        yield name, -differ * skew, _clusters(groups, differ, -differ * skew, correlation)


def _clusters(groups: NDArray[np.int64], differ: float, apart: float, correlation: float) -> Draw:
    """Gains and losses with shares of their own in each cluster: `correlation` is that of two pairs of one."""
    shares = np.array([(differ + apart) / 2, (differ - apart) / 2, 1 - differ])

    def draw(rng: np.random.Generator) -> Difference:
        own = np.tile(shares, (int(groups[-1]) + 1, 1))
        if correlation:
            parts = rng.standard_gamma(np.maximum(shares * (1 - correlation) / correlation, 1e-9), own.shape)
            own = parts / parts.sum(axis=1, keepdims=True)
        place = rng.random(len(groups))
        up, down = own[groups, 0], own[groups, 1]
        gained, lost = place < up, (place >= up) & (place < up + down)
        return difference(pairs(lost.astype(float), gained.astype(float), groups))

    return draw


def _bounded() -> Iterator[Cell]:
    """Values from 0 to 1 of which a share is drawn anew, around `p`."""
    for n in (30, 300, 3000):
        for p in (0.02, 0.3, 0.7, 0.98):
            for differ in (0.02, 0.1, 0.3):
                for moved in (0.0, 0.5):
                    yield (
                        f"beta({p}), n {n}, {100 * differ:g} % differ, moved {moved:g}",
                        differ * moved * (0.5 - p),
                        _betas(n, p, differ, moved),
                    )


def _betas(n: int, p: float, differ: float, moved: float) -> Draw:
    def draw(rng: np.random.Generator) -> Difference:
        one = rng.beta(p, 1 - p, n)
        anew = np.where(rng.random(n) < moved, rng.beta(0.5, 0.5, n), rng.beta(p, 1 - p, n))
        two = np.where(rng.random(n) < differ, anew, one)
        return difference(pairs(one, two), "bounded")

    return draw


def _means() -> Iterator[Cell]:
    """Differences that are normal, and that are skewed, alone and in clusters."""
    scale: Scale = "mean"
    for n in (30, 300, 3000):
        for skewed in (False, True):
            for size in (1, 5):

                def draw(
                    rng: np.random.Generator, n: int = n, skewed: bool = skewed, size: int = size
                ) -> Difference:
                    apart = rng.gamma(1.0, 1.0, n) - 1 if skewed else rng.normal(size=n)
                    groups = np.arange(n) // size
                    apart = apart + (rng.normal(size=n)[groups] if size > 1 else 0.0)
                    return difference(pairs(np.zeros(n), apart, groups), scale)

                yield f"{'skewed' if skewed else 'normal'}, n {n}, clusters of {size}", 0.0, draw


def _corpus() -> Iterator[Cell]:
    """A ratio of sums, as corpus scores are: texts of uneven length."""
    for n in (30, 200, 1000):

        def draw(rng: np.random.Generator, n: int = n) -> Difference:
            length = rng.gamma(2.0, 10.0, n) + 1
            one, two = (length * rng.beta(5 * q, 5 * (1 - q), n) for q in (0.5, 0.45))
            return corpus_difference(
                lambda at: float((two[at] - one[at]).sum() / length[at].sum()), [None] * n
            )

        yield f"corpus score, {n} texts", -0.05, draw
    for n in (100, 1000):
        for differ in (3, 6, 10, 20, 30):
            for kind, loss in (("even", 0.05), ("lost", 0.25), ("rare", 0.145)):
                name = f"corpus score, {n} texts of which {differ} differ, {kind}"
                yield name, -loss * differ / n, _few(n, differ / n, kind)


def _few(n: int, share: float, kind: str) -> Draw:
    """A ratio of sums in which few texts differ: a little to both sides, all for the worse, or one in ten of them entirely."""

    def draw(rng: np.random.Generator) -> Difference:
        length = rng.gamma(2.0, 10.0, n) + 1
        if kind == "even":
            apart = rng.beta(2.25, 2.75, n) - rng.beta(2.5, 2.5, n)
        elif kind == "lost":
            apart = -rng.beta(1, 3, n)
        else:
            apart = -np.where(rng.random(n) < 0.1, 1.0, 0.1 * rng.random(n))
        apart = np.where(rng.random(n) < share, apart, 0.0)
        return corpus_difference(
            lambda at: float((apart * length)[at].sum() / length[at].sum()),
            [None] * n,
            differing=DifferingPairs((apart != 0).astype(float), length, 1.0),
        )

    return draw


def _speeds(table: Table, draws: int, seed: int) -> None:
    for rounds in (6, 10, 30):
        rng = np.random.default_rng([seed, rounds])
        below = above = 0
        for _ in range(draws):
            common = rng.gamma(2.0, 1.0, rounds)
            noise = np.exp(0.05 * rng.standard_t(3, (2, rounds)))
            found = speed_ratio(common * noise[0], 1.1 * common * noise[1])
            assert found.low is not None
            assert found.high is not None
            below, above = below + (found.high < 1.1), above + (found.low > 1.1)
        table.row(f"ratio of speed, {rounds} rounds", 1.1, below / draws, above / draws)


# The gate's own rates.

MARGIN = 0.015


def _fail(seen: Counts, margin: float, metrics: int) -> float:
    n = seen.n
    return seen.at_least_losses(
        lambda g, b: (b - g) / n > margin and _p(n, g, b, 0.0, "less") <= 0.01 / metrics
    )


def _pass(seen: Counts, margin: float) -> float:
    return seen.at_most_losses(lambda g, b: _p(seen.n, g, b, -margin, "greater") <= 0.05)


def _gate() -> None:
    print(f"A margin of {100 * MARGIN:g} points; ten metrics are independent.\n")
    print(
        "| n | differ | false alarm, 1 metric | 10 metrics | false pass at the margin | unchanged passes | 2 points fail | 3 points fail |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for n in (200, 500, 1319, 3000, 10_000):
        for differ in (0.02, 0.05, 0.1):
            same = Counts(n, differ, 0.0)
            one, ten = _fail(same, MARGIN, 1), 1 - (1 - _fail(same, MARGIN, 10)) ** 10
            shown = [one, ten, _pass(Counts(n, differ, -MARGIN), MARGIN), _pass(same, MARGIN)]
            shown += [_fail(Counts(n, max(differ, x), -x), MARGIN, 1) for x in (0.02, 0.03)]
            print(
                f"| {n} | {100 * differ:g} % | " + " | ".join(f"{100 * x:.2f} %" for x in shown) + " |",
                flush=True,
            )
    print()


@cache
def _both(n: int, gains: int, losses: int) -> tuple[float, float]:
    return _p(n, gains, losses, 0.0, "less"), _p(n, gains, losses, -MARGIN, "greater")


def _looks(draws: int, seed: int) -> None:
    """Ten looks: a loss that is ever proven counts as one found, whatever was said before."""
    print(
        "| ten looks, n | differ | loss | ever fails, 1 metric | as one of 10 | ever passes | share of samples | of 10 metrics |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    shares = equal_shares(10)
    alarms = [np.array(limits(0.01 / metrics, shares)) for metrics in (1, 10)]
    passing = np.array(limits(0.05, shares))
    for n in (200, 1319, 5000):
        sizes = np.round(np.array(shares) * n).astype(int)
        for differ in (0.02, 0.05, 0.1):
            for loss in (0.0, MARGIN, min(2 * MARGIN, differ)):
                rng = np.random.default_rng([seed, n, round(1000 * differ), round(1000 * loss)])
                chances = [(differ - loss) / 2, (differ + loss) / 2, 1 - differ]
                drawn = [rng.multinomial(int(more), chances, draws) for more in np.diff([0, *sizes])]
                counts = np.stack(drawn, axis=1).cumsum(axis=1)
                gains, losses = counts[..., 0], counts[..., 1]
                p = np.array(
                    [
                        [_both(int(m), int(g), int(b)) for m, g, b in zip(sizes, *x, strict=True)]
                        for x in zip(gains, losses, strict=True)
                    ]
                )
                beyond = losses - gains > MARGIN * sizes
                fails = [(p[..., 0] <= alarm) & beyond for alarm in alarms]
                passes = p[..., 1] <= passing
                used = [_used(fail | passes, shares) for fail in fails]
                rates = [*(fail.any(axis=1).mean() for fail in fails), passes.any(axis=1).mean(), *used]
                print(
                    f"| {n} | {100 * differ:g} % | {100 * loss:g} | "
                    + " | ".join(f"{100 * x:.2f} %" for x in rates) + " |", flush=True,
                )  # fmt: skip


def _used(settled: NDArray[np.bool_], shares: Sequence[float]) -> float:
    """Mean share of the samples at the first look that settles a metric."""
    at = np.where(settled.any(axis=1), settled.argmax(axis=1), len(shares) - 1)
    used: FloatArray = np.array(shares)[at]
    return float(used.mean())


if __name__ == "__main__":
    sys.exit(main())
