"""A limit that one run's number must keep."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from lsm_eval.statistics.comparison.limit import Interval, limit_evidence
from lsm_eval.statistics.comparison.verdicts import judged
from lsm_eval.statistics.intervals import clopper_pearson, wilson


def of(successes: int, trials: int) -> Interval:
    return lambda level: wilson(successes, trials, level)


@pytest.mark.parametrize(
    ("successes", "trials", "limit"), [(3, 50, 0.1), (10, 50, 0.1), (5, 50, 0.1), (60, 200, 0.25)]
)
def test_p_is_that_of_the_score_test(successes: int, trials: int, limit: float) -> None:
    z = (successes / trials - limit) / math.sqrt(limit * (1 - limit) / trials)
    found = limit_evidence("harm", successes / trials, of(successes, trials), limit)
    assert found.p_loss == pytest.approx(stats.norm.sf(z), abs=1e-9)
    assert found.p_margin == pytest.approx(stats.norm.cdf(z), abs=1e-9)
    assert found.loss == pytest.approx(successes / trials - limit)


def test_p_of_an_exact_interval_is_the_binomial_one() -> None:
    found = limit_evidence("harm", 0.06, lambda level: clopper_pearson(3, 50, level), 0.15)
    assert found.p_margin == pytest.approx(stats.binom.cdf(3, 50, 0.15), abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials", "limit", "outcome"),
    [
        (0, 20, 0.05, "undecided"),
        (0, 200, 0.05, "pass"),
        (40, 200, 0.05, "fail"),
        (12, 200, 0.05, "undecided"),
    ],
)
def test_no_hit_of_twenty_is_not_safe(successes: int, trials: int, limit: float, outcome: str) -> None:
    found = limit_evidence("harm", successes / trials, of(successes, trials), limit)
    assert judged([found])[0].outcome == outcome
    mirrored = limit_evidence(
        "safe", 1 - successes / trials, of(trials - successes, trials), 1 - limit, higher_is_better=True
    )
    assert judged([mirrored])[0].outcome == outcome
    assert (mirrored.p_loss, mirrored.p_margin, mirrored.most) == pytest.approx(
        (found.p_loss, found.p_margin, found.most)
    )


def test_no_interval_has_a_reason() -> None:
    assert limit_evidence("harm", 0.5, lambda level: None, 0.1).reason == "no interval"
    assert limit_evidence("harm", None, of(0, 20), 0.1).reason == "no value"
