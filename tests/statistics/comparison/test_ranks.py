"""Ranks of many models: what they say, against honestboard, and how often they hold."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.ranks import Ranks, ranks


def drawn(seed: int, shares: list[float], number: int) -> FloatArray:
    """0 or 1 of models on samples of which some are harder."""
    rng = np.random.default_rng(seed)
    hard = rng.random(number)
    return (0.6 * hard + 0.4 * rng.random((len(shares), number)) < np.array(shares)[:, None]).astype(float)


def test_far_apart_models_have_one_rank_each() -> None:
    found = ranks(drawn(0, [0.2, 0.5, 0.8], 600))
    assert [(one.rank, one.low, one.high, one.may_be_best) for one in found.ranks] == [
        (3, 3, 3, False), (2, 2, 2, False), (1, 1, 1, True),
    ]  # fmt: skip
    lower = ranks(drawn(0, [0.2, 0.5, 0.8], 600), higher_is_better=False)
    assert [one.rank for one in lower.ranks] == [1, 2, 3]
    assert lower.ranks[0].may_be_best


def test_identical_models_share_all_ranks() -> None:
    one = drawn(1, [0.5], 200)[0]
    found = ranks([one, one, one])
    assert {(x.rank, x.low, x.high, x.may_be_best) for x in found.ranks} == {(1, 1, 3, True)}
    both = ranks([one, one, drawn(2, [0.1], 200)[0]])
    assert [(x.low, x.high) for x in both.ranks] == [(1, 2), (1, 2), (3, 3)]


@pytest.mark.parametrize("number", [60, 400])
def test_who_may_be_best_is_what_honestboard_says(number: int) -> None:
    """Its critical value comes from a bootstrap of samples, ours from multipliers (with Student's quantile): alike to 3 %."""
    honestboard = pytest.importorskip("honestboard")
    values = drawn(3, [0.45, 0.5, 0.55, 0.6, 0.62], number)
    board = honestboard.Board(["a", "b", "c", "d", "e"], values)
    best = board.confidence_set_best(B=4000)
    every = board.confidence_set_best(B=4000, method="simultaneous")
    found = ranks(values)
    assert {"abcde"[i] for i, one in enumerate(found.ranks) if one.may_be_best} == set(best["members"])
    assert found.critical_best == pytest.approx(best["critical_value"], rel=0.05)
    assert found.critical > found.critical_best
    assert every["critical_value"] == pytest.approx(found.critical, rel=0.2), "one-sided there"


def test_two_models_need_the_t_quantile() -> None:
    from scipy import stats

    found = ranks(np.random.default_rng(4).normal(size=(2, 30)), draws=40_000)
    assert found.critical == pytest.approx(stats.t.ppf(0.975, 29), rel=0.02)
    assert found.critical_best == pytest.approx(stats.t.ppf(0.95, 29), rel=0.02)


def test_missing_samples_leave_all_models() -> None:
    values = drawn(5, [0.4, 0.6], 50)
    values[0, :4] = np.nan
    found = ranks(values)
    assert (found.n, found.missing) == (46, 4)


def test_nothing_can_be_told() -> None:
    def reason(found: Ranks) -> str | None:
        assert all((one.low, one.high, one.may_be_best) == (1, 2, True) for one in found.ranks)
        return found.reason

    values = drawn(6, [0.1, 0.9], 30)
    assert reason(ranks(values, ["a"] * 30)) == "one cluster"
    assert reason(ranks(values, np.arange(30) % 3)) == "only 3 clusters"
    assert reason(ranks(values[:, :4])) == "only 4 samples"
    assert reason(ranks(np.full((2, 9), np.nan))) == "no samples"
    assert reason(ranks([[0.0] * 5, [1.0] * 5])) is None, "five coins fall the same way in 1 of 16"
    with pytest.raises(UserError):
        ranks([[1.0, 0.0]])


def test_a_constant_difference_of_many_samples_is_proven() -> None:
    found = ranks([[0.0] * 12, [1.0] * 12])
    assert [(one.low, one.high) for one in found.ranks] == [(2, 2), (1, 1)]


@pytest.mark.parametrize(
    ("shares", "clustered"), [([0.5] * 5, False), ([0.4, 0.5, 0.5, 0.55, 0.6], False), ([0.5] * 4, True)]
)
def test_all_ranks_hold_at_once(shares: list[float], clustered: bool) -> None:
    truth = [(1 + sum(x > own for x in shares), len(shares) - sum(x < own for x in shares)) for own in shares]
    held = best = 0
    for seed in range(120):
        values = drawn(seed, shares, 80)
        groups = np.repeat(np.arange(40), 4) if clustered else None
        if clustered:
            values = np.repeat(values[:, :40], 4, axis=1)
        found = ranks(values, groups, draws=400)
        # A tie is held where either order is.
        held += all(
            one.low <= high and one.high >= low for one, (low, high) in zip(found.ranks, truth, strict=True)
        )
        best += found.ranks[int(np.argmax(shares))].may_be_best
    assert held / 120 > 0.9
    assert best / 120 > 0.9
