"""Cells of proportions and means: alone (exactly, without drawing), and in clusters of several shapes, drawn in two ways."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import coverage_candidates as candidates
import numpy as np
from coverage_cells import FEW, Cell, Drawn, Outcome, Rng, drawn
from numpy.typing import NDArray

from lsm_eval.statistics.intervals import FloatArray, estimate, proportion_interval

Draw = Callable[[Rng], FloatArray]

SHARES = (0.001, 0.01, 0.02, 0.05, 0.1, 0.3, 0.5, 0.9, 0.99, 0.999)
_NEIGHBOURS = np.linspace(-0.25, 0.25, 21)
"""Of a share, on the logit scale."""

OWN = {
    "bbq_lite": [36, 28, *[4] * 9],
    "cbbq": [24, 12, 10, 8, 6, 6, 6, 6, 6, 4, 4, 4, 4],
    "crows_pairs": [11, 8, 8, 7, 7, 6, 5, 4, *[3] * 4, *[2] * 10, *[1] * 12],
    "hellaswag": [6, 5, 4, *[3] * 9, *[2] * 13, *[1] * 32],
    "winogender": [12] * 8 + [4],
}
"""Clusters' sizes of tasks with `--limit 100 --from-start`, where there is no data to read them from."""


class Mean:
    """A mean of values from 0 to 1, or a proportion, as a metric is one."""

    unit = "fraction"
    mean = True

    def __init__(self, *, proportion: bool) -> None:
        self.proportion = proportion

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to means [...]."""
        means: FloatArray = sums[..., 0] / sums[..., 1]
        return means


def cells() -> Iterator[Cell]:
    """All of them."""
    yield from _alone()
    yield from _skewed()
    yield from _clustered()
    yield from _own_tasks()


def _alone() -> Iterator[Cell]:
    """0 or 1, samples that stand alone."""
    for n in (5, 10, 20, 30, 100, 300, 1000, 10_000):
        for p in SHARES:
            yield Cell(
                "proportion", f"n {n}", p, n, exact=_exact(n, p), design=f"n {n}, p {p}", events=n * min(p, 1 - p),
                wide="n under 10: five to nine answers have few ways to fall" if n < 10 else "",
            )  # fmt: skip


@lru_cache(maxsize=4)
def _tables(n: int) -> tuple[NDArray[np.int64], dict[str, FloatArray]]:
    """Numbers of successes (for many samples only those that the shares make likely) and each method's ends for them."""
    from scipy.stats import binom

    if n <= 1000:
        numbers = np.arange(n + 1)
    else:
        ends_of = [_moved(p)[[0, -1]] for p in SHARES]
        spans = [(int(binom.ppf(1e-9, n, p)), int(binom.ppf(1 - 1e-9, n, q))) for p, q in ends_of]
        numbers = np.unique(np.concatenate([np.arange(a, b + 1) for a, b in spans]))
    ends: dict[str, list[tuple[float, float]]] = {}
    for x in numbers.tolist():
        ends.setdefault("ours", []).append(proportion_interval(x, n, 0.95)[1])
        for name, found in candidates.proportions(x, n).items():
            ends.setdefault(name, []).append(found)
    return numbers, {name: np.array(found) for name, found in ends.items()}


def _moved(p: float) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-(math.log(p / (1 - p)) + _NEIGHBOURS))))


def _exact(n: int, p: float) -> Callable[[], Outcome]:
    def outcome() -> Outcome:
        from scipy.stats import binom

        numbers, ends = _tables(n)
        truths = _moved(p)
        chance = binom.pmf(numbers[:, None], n, truths)

        def of(name: str) -> tuple[float, float, float, float, float]:
            low, high = ends[name].T
            above, below = (
                ((low[:, None] > truths) * chance).sum(0),
                ((high[:, None] < truths) * chance).sum(0),
            )
            held = 1 - above - below
            pick = max if n >= FEW else np.mean
            return (
                float(held.mean()), float(pick(below)), float(pick(above)),
                float(((high - low) @ chance).mean()), float(held.min()),
            )  # fmt: skip

        held, below, above, width, least = of("ours")
        rivals = {name: of(name) for name in ends if name != "ours"}
        # A candidate covers if it does at the worst of the neighbours, or with few samples in their mean.
        others = {name: (r[4] if n >= FEW else r[0], r[1], r[2], r[3]) for name, r in rivals.items()}
        return Outcome(held, below, above, width, p, 0.0, 0, least, others)

    return outcome


def _skewed() -> Iterator[Cell]:
    """Values between 0 and 1 that stand alone, many near an end."""
    for n in (5, 10, 30, 100, 1000, 10_000):
        for a, b in (
            (0.3, 2.7), (0.1, 3.0), (0.05, 5.0), (0.01, 10.0), (2.0, 2.0), (0.5, 0.5), (5.0, 0.05),
        ):  # fmt: skip
            mean = a / (a + b)
            yield Cell(
                "bounded mean", f"beta({a}, {b}), n {n}", mean, n, _betas(n, a, b), design=f"n {n}, mean {mean:.3f}",
                events=n * min(mean, 1 - mean), share=0.25 if n > 1000 else 1.0,
                wide="" if n >= FEW else "few values of unknown skewness",
            )  # fmt: skip
    for n in (30, 100, 1000):
        yield Cell(
            "bounded mean",
            f"0, .5 or 1, n {n}",
            0.05,
            n,
            _graded(n),
            design=f"n {n}, graded",
            events=n * 0.05,
        )


def _betas(n: int, a: float, b: float) -> Callable[[Rng], Drawn]:
    return lambda rng: _mean(rng.beta(a, b, n))


def _graded(n: int) -> Callable[[Rng], Drawn]:
    return lambda rng: _mean(rng.choice([0.0, 0.5, 1.0], n, p=[0.92, 0.06, 0.02]))


def _mean(values: FloatArray) -> Drawn:
    stats = np.column_stack([values, np.ones(len(values))])
    made = estimate(Mean(proportion=False), stats, [None] * len(values), missing=0, ties=0, seed=0)
    return drawn(made, candidates.means(values))


def sizes(shape: str, count: int) -> NDArray[np.int64]:
    """Of clusters of ten samples on average."""
    if shape == "equal":
        return np.full(count, 10)
    if shape == "geometric":
        growth = np.exp(np.linspace(0, math.log(50), count))
        grown: NDArray[np.int64] = np.maximum(1, np.round(growth / growth.mean() * 10)).astype(np.int64)
        return grown
    others = 10 * (count - 1)
    return np.array([round(others * 0.4 / 0.6), *[10] * (count - 1)])


def _clustered() -> Iterator[Cell]:
    """Clusters of equal size, of sizes that grow fifty-fold, and with one that holds two fifths of all samples."""
    for shape in ("equal", "geometric", "one large"):
        for count in (5, 10, 20, 50, 200):
            for p in (0.02, 0.1, 0.3, 0.5):
                yield from _in_clusters(f"{count} clusters, {shape}", sizes(shape, count), p)


def _own_tasks() -> Iterator[Cell]:
    """The clusters of the first 100 samples of some of our own tasks."""
    for task, own in own_clusters().items():
        for p in (0.05, 0.3, 0.5):
            yield from _in_clusters(f"{task} --limit 100", np.array(own), p)


def _in_clusters(name: str, own: NDArray[np.int64], p: float) -> Iterator[Cell]:
    groups = np.repeat(np.arange(len(own)), own)
    worth = float(own.sum()) ** 2 / float((own**2).sum())
    for shares, correlation in (
        ("beta", 0.0), ("beta", 0.1), ("beta", 0.4), ("logit-normal", 0.1), ("logit-normal", 0.4),
    ):  # fmt: skip
        draw = clustered_draw(groups, p, correlation, normal=shares == "logit-normal")
        yield Cell(
            "clustered proportion",
            f"{name}, ICC {correlation:g}{'' if shares == 'beta' else ', logit-normal'}",
            p,
            int(own.sum()),
            _of_clusters(groups, draw),
            design=f"{name}, p {p}",
            # Of clusters that are all alike, which is what cannot be ruled out.
            events=worth * p,
            wide="clusters count for few: fewer than 20 of equal worth" if worth < 20 else "",
        )


def clustered_draw(groups: NDArray[np.int64], p: float, correlation: float, *, normal: bool = False) -> Draw:
    """0 or 1, with a share of its own in each cluster: `correlation` is that of two samples of one. The shares follow a beta
    distribution, or a normal one of logits."""
    count = int(groups[-1]) + 1
    centre, spread = logit_normal(p, correlation) if normal else (0.0, 0.0)
    odds = (1 - correlation) / correlation if correlation else 0.0

    def draw(rng: Rng) -> FloatArray:
        share = np.full(count, p)
        if normal:
            share = 1 / (1 + np.exp(-(centre + spread * rng.standard_normal(count))))
        elif correlation:
            share = rng.beta(p * odds, (1 - p) * odds, count)
        return (rng.random(len(groups)) < share[groups]).astype(float)

    return draw


@lru_cache(maxsize=64)
def logit_normal(p: float, correlation: float) -> tuple[float, float]:
    """Centre and spread of normal logits whose shares have this mean, and this variance over mean times (1 - mean)."""
    from scipy.optimize import brentq

    at, weight = np.polynomial.hermite_e.hermegauss(99)
    weight = weight / weight.sum()

    def moments(centre: float, spread: float) -> tuple[float, float]:
        share = 1 / (1 + np.exp(-(centre + spread * at)))
        mean = float(weight @ share)
        return mean, float(weight @ share**2) - mean**2

    def centred(spread: float) -> float:
        return float(brentq(lambda c: moments(c, spread)[0] - p, -40, 40))

    spread = float(brentq(lambda s: moments(centred(s), s)[1] - correlation * p * (1 - p), 1e-3, 12))
    return centred(spread), spread


def _of_clusters(groups: NDArray[np.int64], draw: Draw) -> Callable[[Rng], Drawn]:
    names = [str(group) for group in groups]
    number = np.bincount(groups).astype(float)

    def made(rng: Rng) -> Drawn:
        values = draw(rng)
        stats = np.column_stack([values, np.ones(len(values))])
        found = estimate(Mean(proportion=True), stats, names, missing=0, ties=0, seed=0)
        if found.low is None:
            return drawn(found)
        return drawn(found, candidates.clustered(np.column_stack([np.bincount(groups, values), number])))

    return made


def own_clusters() -> dict[str, Sequence[int]]:
    """Sizes of the clusters that tasks have with `--limit 100 --from-start`: read from the folder `shared` beside the checkout (or
    `LSM_EVAL_SHARED`) where it is there, else `OWN`."""
    shared = Path(os.environ.get("LSM_EVAL_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not shared.is_dir():
        return dict(OWN)
    from lsm_eval.data import DataOptions, load
    from lsm_eval.tasks.build import BuildOptions, build_samples, where_filter
    from lsm_eval.tasks.registry import Registry

    options = DataOptions(mirror=shared / "hub", files=shared / "data", offline=True)
    found: dict[str, Sequence[int]] = {}
    for name in OWN:
        (task,) = Registry().resolve([name])
        own = task.task.dataset
        data = load(own, base=task.folder, options=options, pinned=own.sha256, keep=where_filter(task))
        samples = build_samples(task, data, None, BuildOptions(shots=0, limit=100, first=True))
        counts = Counter(s.cluster if s.cluster is not None else f"{i}" for i, s in enumerate(samples))
        found[name] = sorted(counts.values(), reverse=True)
    return found
