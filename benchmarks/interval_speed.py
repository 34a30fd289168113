"""How long do intervals take that are no means?

    PYTHONPATH=CHECKOUT python benchmarks/interval_speed.py

Best of three of BLEU's and chrF's over 10,000 samples, and of a corpus metric of no cost; run it with two checkouts in turn to
compare them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np

from lsm_eval.metrics.bleu import Bleu
from lsm_eval.metrics.chrf import Chrf
from lsm_eval.statistics.intervals import estimate, estimate_corpus


def _timed(name: str, run: Callable[[], object]) -> None:
    seconds = []
    for _ in range(3):
        started = perf_counter()
        run()
        seconds.append(perf_counter() - started)
    print(f"{name}: {1000 * min(seconds):.1f} ms")


def main() -> None:
    """The command."""
    rng = np.random.default_rng(0)
    alone = [None] * 10_000
    matches = np.sort(rng.integers(0, 20, (10_000, 4)))[:, ::-1]
    lengths, totals = rng.integers(10, 40, (10_000, 2)), rng.integers(20, 40, (10_000, 4))
    bleu = np.column_stack([lengths, matches, totals]).astype(float)
    chrf = np.repeat(rng.integers(20, 50, (10_000, 6)), 3, axis=1).astype(float)
    chrf[:, 2::3] *= rng.random((10_000, 1))
    _timed("bleu, 10,000 samples", lambda: estimate(Bleu(), bleu, alone, missing=0, ties=0, seed=0))
    _timed("chrf, 10,000 samples", lambda: estimate(Chrf(), chrf, alone, missing=0, ties=0, seed=0))
    values = rng.random(10_000)

    def mean(kept: Sequence[int]) -> float:
        return float(sum(values[i] for i in kept)) / len(kept)

    for number in (50, 200, 1000, 10_000):
        _timed(
            f"corpus metric, {number} samples",
            lambda number=number: estimate_corpus(mean, alone[:number], missing=0, seed=0),  # type: ignore[misc]
        )


if __name__ == "__main__":
    main()
