"""The error rates of the gate that `lsm-eval run --gate` has, by its own decisions over ten looks, seeded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from watched_runs import Watched, drawn, watched

DRAWS = 120


@pytest.fixture(autouse=True)
def _cache(own_cache: Path) -> None:
    """Every test has its own cache."""


def answers(setting: Watched, *, gained: float, lost: float, size: int = 1, draws: int = DRAWS) -> list[str]:
    rng = np.random.default_rng([round(1e4 * gained), round(1e4 * lost), size])
    names = [task.name for task in setting.plan.tasks]
    return [
        setting.judged(
            {name: drawn(rng, setting, name, gained=gained, lost=lost, size=size) for name in names}
        ).answer
        for _ in range(draws)
    ]


def most(rate: float, draws: int = DRAWS) -> float:
    """What so many draws of a rate can come to, in 999 of 1,000 cases."""
    from scipy.stats import binom

    return float(binom.ppf(0.999, draws, rate)) / draws


@pytest.mark.slow
@pytest.mark.parametrize(("count", "size"), [(200, 1), (400, 10)])
def test_false_alarms_and_false_passes(tmp_path: Path, count: int, size: int) -> None:
    setting = watched(tmp_path, {"one": (count, size)}, margin={"fraction": 0.06})
    same = answers(setting, gained=0.05, lost=0.05, size=size)
    assert same.count("fail") / DRAWS <= most(0.01)
    at_margin = answers(setting, gained=0.02, lost=0.08, size=size)
    assert at_margin.count("pass") / DRAWS <= most(0.05)
    assert answers(setting, gained=0.0, lost=0.25, size=size, draws=20).count("fail") >= 18


@pytest.mark.slow
def test_the_first_of_four_tasks_that_fails(tmp_path: Path) -> None:
    sizes = {f"t{at}": (100 + 50 * at, 1) for at in range(4)}
    setting = watched(tmp_path, sizes, margin={"fraction": 0.1})
    draws = 60
    same = answers(setting, gained=0.05, lost=0.05, draws=draws)
    assert same.count("fail") / draws <= most(0.01, draws)
