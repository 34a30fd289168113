"""What the profiler itself costs: the same batches with everything that it measures, and with a clock alone.

Both sides give one loaded model the same requests, in turns whose order is drawn anew each round, so that drift of the machine
is no difference. What is compared is the time of a whole batch, from before the first look at a counter until after the last:
preparing prompts and measuring the machine lie between batches, and in no number.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsm_eval.models.base import Endless, ModelOptions
from lsm_eval.models.create import create
from lsm_eval.profiling.energy import find_energy
from lsm_eval.profiling.offline.measure import BatchRunner
from lsm_eval.profiling.offline.spec import Cell
from lsm_eval.statistics.bounded import t_quantile

BAR = 0.02
"""Share of a batch's time that measuring it may cost."""


@dataclass(frozen=True)
class Overhead:
    """The time with the profiler over the time without, of one cell."""

    cell: str
    rounds: int
    seconds: float
    """Of a batch without it, median."""
    share: float
    """What it adds: mean over the rounds of the logarithm of the ratio, as a share."""
    low: float
    high: float
    """95 % interval."""


def overhead(model_name: str, cells: list[Cell], rounds: int, device: str, seed: int = 0) -> list[Overhead]:
    """Measure each cell `rounds` times in pairs."""
    model = create(model_name, ModelOptions(device=device))
    if isinstance(model, Endless):
        model.ignore_ends()
    model.load()
    rng = random.Random(seed)
    with find_energy(model.info.device) as energy:
        full, plain = BatchRunner(model, energy), BatchRunner(model, energy, plain=True)
        full.as_of_a_long_run(cells[0], rng)
        found = []
        for cell in cells:
            times: dict[str, list[float]] = {"full": [], "plain": []}
            full.measure(cell, full.prompts(cell, rng))
            for _ in range(rounds):
                sides = [("full", full), ("plain", plain)]
                rng.shuffle(sides)
                requests = full.prompts(cell, rng)
                for name, bench in sides:
                    start = time.perf_counter()
                    bench.measure(cell, requests)
                    times[name].append(time.perf_counter() - start)
            found.append(_of(cell, times))
    return found


def _of(cell: Cell, times: dict[str, list[float]]) -> Overhead:
    ratios = np.log(np.array(times["full"]) / np.array(times["plain"]))
    number = len(ratios)
    reach = t_quantile(number - 1, 0.95) * float(ratios.std(ddof=1)) / number**0.5
    mean = float(ratios.mean())
    return Overhead(
        cell.name,
        number,
        float(np.median(times["plain"])),
        float(np.expm1(mean)),
        float(np.expm1(mean - reach)),
        float(np.expm1(mean + reach)),
    )


def table(found: list[Overhead]) -> list[str]:
    """Markdown."""
    lines = [
        "| cell | batch without it | added | 95 % interval | pairs |",
        "| --- | ---: | ---: | --- | ---: |",
    ]
    lines += [
        f"| {one.cell} | {1000 * one.seconds:.1f} ms | {100 * one.share:+.2f} % | {100 * one.low:+.2f} to {100 * one.high:+.2f} % | {one.rounds} |"
        for one in found
    ]
    return lines


def as_json(found: list[Overhead]) -> list[dict[str, Any]]:
    """Plain values."""
    return [{name: getattr(one, name) for name in Overhead.__dataclass_fields__} for one in found]
