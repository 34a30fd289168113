"""Arrivals, objectives and shares: what the options mean."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.profiling.serving.arrivals import Arrivals, read_arrivals, schedule
from lsm_eval.profiling.serving.objective import read_objective, read_share


@pytest.mark.parametrize(
    ("text", "variation"), [("constant", 0.0), ("poisson", 1.0), ("gamma:0.25", 2.0), ("gamma:4", 0.5)]
)
def test_gaps_have_the_mean_and_the_spread_that_was_asked_for(text: str, variation: float) -> None:
    times = np.array(schedule(read_arrivals(text), 50.0, 20_001, seed=3)) * 1e-9
    gaps = np.diff(times)
    assert times[0] == 0
    assert times[-1] == pytest.approx(20_000 / 50, rel=1e-9)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, rel=0.05, abs=1e-6)
    assert (gaps >= 0).all()


def test_poissons_gaps_are_exponential() -> None:
    from scipy.stats import kstest

    gaps = np.diff(schedule(Arrivals(), 10.0, 5001, seed=0)) * 1e-9
    assert kstest(gaps, "expon", args=(0, 0.1)).pvalue > 0.01


def test_times_are_fixed_by_the_seed_and_drawn_out_by_the_rate() -> None:
    one, again, other = (schedule(Arrivals(), 10.0, 100, seed) for seed in (1, 1, 2))
    assert one == again != other
    slower = schedule(Arrivals(), 5.0, 100, 1)
    assert np.allclose(slower, 2 * np.array(one), atol=2)
    assert schedule(Arrivals(), 5.0, 1, 1) == [0]
    assert schedule(Arrivals(), 5.0, 0, 1) == []


@pytest.mark.parametrize(
    "text", ["gamma", "gamma:", "gamma:0", "gamma:-1", "gamma:x", "gamma:inf", "uniform", "poisson:2", ""]
)
def test_other_arrivals_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--arrivals"):
        read_arrivals(text)


def test_an_objective_is_read() -> None:
    found = read_objective("ttft=500ms, TPOT=.05s,e2el=2s,share=99%")
    assert found.seconds == {"ttft": 0.5, "tpot": 0.05, "e2e": 2.0}
    assert found.share == 0.99
    assert read_objective("ttft=1s").share == 0.95
    assert read_objective(found.words) == found


@pytest.mark.parametrize(
    "text",
    ["", "ttft", "ttft=500", "ttft=0ms", "ttft=-1ms", "ttft=500ms,ttft=1s", "itl=5ms", "share=99%", "ttft=1s,share=100%",
     "ttft=1s,share=10%", "ttft=1s,share=9%,share=9%", "ttft=1h"],
)  # fmt: skip
def test_other_objectives_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--objective"):
        read_objective(text)


def test_shares() -> None:
    assert (read_share("1%", "--x"), read_share(".25", "--x"), read_share("0", "--x")) == (0.01, 0.25, 0.0)
    for text in ("101%", "1.5", "x", "-1%", ""):
        with pytest.raises(UserError, match="--x"):
            read_share(text, "--x")
