"""Ranks of many models: what they say, against honestboard and scipy, and that they agree with the paired tests."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.difference import difference
from lsm_eval.statistics.comparison.pairs import pairs
from lsm_eval.statistics.ranking.level import effective_comparisons, null_draws, p_values, sidak_level
from lsm_eval.statistics.ranking.pairwise import pairwise_differences
from lsm_eval.statistics.ranking.ranks import Ranks, ranked, ranks
from lsm_eval.statistics.ranking.tasks import Tasks


def drawn(seed: int, shares: list[float], number: int) -> FloatArray:
    """0 or 1 of models on samples of which some are harder."""
    rng = np.random.default_rng(seed)
    hard = rng.random(number)
    return (0.6 * hard + 0.4 * rng.random((len(shares), number)) < np.array(shares)[:, None]).astype(float)


def ends(found: Ranks) -> list[tuple[int, int]]:
    return list(zip(found.low.tolist(), found.high.tolist(), strict=True))


def test_far_apart_models_have_one_rank_each() -> None:
    found = ranks(drawn(0, [0.2, 0.5, 0.8], 600))
    assert found.ranks.tolist() == [3, 2, 1]
    assert ends(found) == [(3, 3), (2, 2), (1, 1)]
    assert found.top.tolist() == [2]
    assert found.neighbours == (2, 2)
    lower = ranks(drawn(0, [0.2, 0.5, 0.8], 600), higher_is_better=False)
    assert ends(lower) == [(1, 1), (2, 2), (3, 3)]


def test_identical_models_share_all_ranks() -> None:
    one = drawn(1, [0.5], 200)[0]
    found = ranks([one, one, one])
    assert ends(found) == [(1, 3)] * 3
    assert found.ranks.tolist() == [1, 1, 1]
    assert found.neighbours == (0, 2)
    both = ranks([one, one, drawn(2, [0.1], 200)[0]])
    assert ends(both) == [(1, 2), (1, 2), (3, 3)]
    assert both.top.tolist() == [0, 1]


@pytest.mark.parametrize("number", [60, 400, 2000])
def test_who_may_be_first_is_what_honestboard_says(number: int) -> None:
    """Its confidence set with `simultaneous` control is of one step: ours, in steps, is inside of it, and the same where steps change nothing."""
    honestboard = pytest.importorskip("honestboard")
    values = drawn(3, [0.45, 0.5, 0.55, 0.6, 0.62], number)
    board = honestboard.Board(list("abcde"), values)
    every = board.confidence_set_best(B=4000, method="simultaneous")
    found = ranks(values)
    assert {"abcde"[place] for place in found.top} == set(every["members"])
    # Its critical value is one-sided over all ordered pairs: the same as ours, two-sided over pairs.
    from scipy.special import ndtri

    critical = -float(ndtri(sidak_level(0.95, found.comparisons) / 2))
    assert critical == pytest.approx(every["critical_value"], rel=0.06)


def test_they_hold_honestboards_percentiles_of_each_model_alone() -> None:
    """Intervals for each model by itself say more than all at once can: ours are no narrower."""
    honestboard = pytest.importorskip("honestboard")
    values = drawn(8, [0.4, 0.45, 0.5, 0.52, 0.6, 0.7], 300)
    alone = {
        row["name"]: (row["rank_lo"], row["rank_hi"])
        for row in honestboard.Board(list("abcdef"), values).rank_summary()
    }
    for name, (low, high) in zip("abcdef", ends(ranks(values)), strict=True):
        assert low <= alone[name][0] <= alone[name][1] <= high


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["coins", "missing", "means", "clusters"])
def test_p_values_are_those_of_two_models_compared(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    values = drawn(seed, [0.2, 0.35, 0.5, 0.8], 120)
    groups: NDArray[np.intp] | None = None
    if kind == "missing":
        values[rng.random(values.shape) < 0.1] = np.nan
    if kind == "means":
        values = rng.exponential(size=(4, 120)) + np.arange(4)[:, None] * 0.4
    if kind == "clusters":
        groups = np.arange(120) // 3
        values = rng.normal(size=(4, 40))[:, groups] + rng.normal(size=(4, 120)) + np.arange(4)[:, None] * 0.5
    found = pairwise_differences(values, groups)
    p = p_values(found)
    for place, (one, two) in enumerate(zip(*np.triu_indices(4, 1), strict=True)):
        scale = "binary" if kind in ("coins", "missing") else "mean"
        own = difference(pairs(values[two], values[one], groups), scale)  # type: ignore[arg-type]
        assert own.p is not None
        assert found.value[place] == pytest.approx(own.value, abs=1e-12)
        if own.p < 0.1 and kind in ("coins", "missing"):
            assert p[place] == pytest.approx(own.p, rel=1e-6)
        elif own.p < 0.1:
            # Fair coins for means, and fewer degrees of freedom where the variance rests on few clusters, say less.
            assert p[place] >= own.p * (1 - 1e-9)


def test_all_ways_of_adding_up_agree() -> None:
    """Unit by unit, by products of complete samples, and by products with gaps."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(5, 60)) + rng.normal(size=60)
    plain = pairwise_differences(values)
    weighed = pairwise_differences(values, None, np.where(np.arange(60) == 0, 1 + 1e-12, 1.0))
    gap = np.concatenate(
        [values, np.where(np.arange(5)[:, None] == 0, np.nan, rng.normal(size=(5, 1)))], axis=1
    )
    by_unit = pairwise_differences(gap, None, np.append(np.where(np.arange(60) == 0, 1 + 1e-12, 1.0), 1e-9))
    for name in ("value", "variance", "third", "squares", "effective_units", "z"):
        one, two = getattr(plain, name), getattr(weighed, name)
        assert two == pytest.approx(one, rel=1e-6, abs=1e-12), name
        # The model that lacks the further sample is compared as before.
        assert getattr(by_unit, name)[:4] == pytest.approx(one[:4], rel=1e-6, abs=1e-12), name
    coins = (values > 0).astype(float)
    exact, general = pairwise_differences(coins), pairwise_differences(coins + 0.25)
    assert exact.exact
    assert not general.exact
    for name in ("value", "variance", "third", "squares", "effective_units", "z"):
        assert getattr(exact, name) == pytest.approx(getattr(general, name), rel=1e-6, abs=1e-9), name


def test_only_samples_that_both_answered_count() -> None:
    values = drawn(5, [0.4, 0.6, 0.5], 50)
    values[0, :20] = np.nan
    values[1, 30:] = np.nan
    found = pairwise_differences(values)
    np.testing.assert_allclose(found.value[0], values[0, 20:30].mean() - values[1, 20:30].mean())
    values[0, :] = np.where(np.arange(50) < 30, np.nan, values[0])
    none = ranks(values)
    assert not none.better[0, 1]
    assert ends(none)[0] == (1, 3)


def test_two_models_need_no_correction() -> None:
    found = ranks(np.random.default_rng(4).normal(size=(2, 30)))
    assert found.comparisons == pytest.approx(1.0, abs=0.08)
    assert found.needed == pytest.approx(0.05, rel=0.08)


def test_comparisons_that_hang_together_count_as_fewer() -> None:
    """Five independent models: Tukey's studentised range of normal samples, 3.858 at 5 %."""
    from scipy.special import ndtr

    rng = np.random.default_rng(6)
    made = null_draws(rng.normal(size=(3000, 5)), 1)
    number = made.effective(np.arange(10))
    assert number == pytest.approx(np.log(0.95) / np.log1p(-2 * ndtr(-3.858 / np.sqrt(2))), rel=0.15)
    alike = rng.normal(size=(3000, 1)) + 0.01 * rng.normal(size=(3000, 5))
    assert (
        null_draws(np.concatenate([alike, rng.normal(size=(3000, 1))], axis=1), 1).effective(np.arange(15))
        < 14
    )
    independent = np.abs(rng.normal(size=(4000, 40))).max(axis=1)
    assert effective_comparisons(independent, 1000) == pytest.approx(40, rel=0.2)


def test_nothing_can_be_told() -> None:
    def reason(found: Ranks) -> str | None:
        assert ends(found) == [(1, 2), (1, 2)]
        return found.reason

    values = drawn(6, [0.1, 0.9], 30)
    assert reason(ranks(values, ["a"] * 30)) == "too few clusters that two models share"
    assert reason(ranks(values, np.arange(30) % 3)) == "too few clusters that two models share"
    assert reason(ranks(values[:, :4])) == "too few samples that two models share"
    assert reason(ranks(values[:, :9] + 0.5)) == "too few samples that two models share"
    lopsided = np.where(np.arange(30) < 20, 0, np.arange(30))
    assert reason(ranks(values, lopsided)) is not None, "one cluster holds more than half"
    empty = ranks(np.full((2, 9), np.nan))
    assert (empty.reason, empty.ranks.tolist(), empty.neighbours) == ("no samples", [0, 0], (0, 0))
    with pytest.raises(UserError):
        ranks([[1.0, 0.0]])
    with pytest.raises(UserError):
        ranks([[1.0, np.inf], [0.0, 1.0]])


def test_a_constant_difference_is_proven_by_many_samples_alone() -> None:
    assert ends(ranks([[0.0] * 12, [1.0] * 12])) == [(2, 2), (1, 1)]
    assert ends(ranks([[0.0] * 5, [1.0] * 5])) == [(2, 2), (1, 1)], (
        "five coins fall the same way in 1 of 16, mid-p 1 of 32"
    )
    assert ends(ranks([[0.0, 1, 0, 1, 0], [1.0, 1, 1, 1, 1]])) == [(1, 2), (1, 2)]
    assert ends(ranks([[0.3] * 12, [1.7] * 12])) == [(2, 2), (1, 1)]


def test_a_model_without_any_sample_has_no_rank() -> None:
    values = drawn(0, [0.2, 0.5, 0.8], 600)
    values[1] = np.nan
    found = ranks(values)
    assert found.ranks.tolist() == [2, 0, 1]
    assert ends(found)[0] == (2, 2)
    assert found.neighbours == (1, 1)


def test_the_same_numbers_again() -> None:
    values = drawn(7, [0.3] * 12, 100)
    one, two = ranks(values), ranks(values)
    assert (one.needed, ends(one)) == (two.needed, ends(two))


def test_hundreds_of_models_take_no_time() -> None:
    import time

    rng = np.random.default_rng(0)
    hard = rng.normal(size=1000)
    values = (np.linspace(-1, 1, 500)[:, None] + hard + rng.normal(size=(500, 1000)) > 0).astype(float)
    start = time.process_time()
    found = ranks(values)
    assert time.process_time() - start < 5
    assert found.comparisons == 500 * 499 / 2
    assert 1 < len(found.top) < 250


@pytest.mark.parametrize("kind", ["equal", "pairs", "clusters", "missing", "rare"])
def test_all_ranks_hold_at_once(kind: str) -> None:
    """A small part of benchmarks/coverage_ranks.py."""
    shares = {"pairs": [0.4, 0.4, 0.6, 0.6, 0.75], "rare": [0.1] * 6}.get(kind, [0.5] * 6)
    truth = np.array(shares)
    wrong = truth[:, None] <= truth
    held = 0
    for seed in range(300):
        values = drawn(seed, shares, 150 if kind != "clusters" else 40)
        groups = np.arange(160) // 4 if kind == "clusters" else None
        if kind == "clusters":
            values = np.repeat(values, 4, axis=1)
        if kind == "missing":
            values[np.random.default_rng([seed, 1]).random(values.shape) < 0.2] = np.nan
        held += not (ranks(values, groups, draws=500).better & wrong).any()
    assert held >= 0.93 * 300, kind


def test_differences_that_are_always_the_same_count_in_a_mean_over_tasks() -> None:
    rng = np.random.default_rng(4)
    right, wrong = np.ones(80), np.zeros(80)
    once = wrong.copy()
    once[3] = 1.0
    coin = (rng.random(80) < 0.5).astype(float)
    for second in (wrong, once):
        made = Tasks(3, 2)
        for _ in range(2):
            found = pairwise_differences(np.stack([right, second, right]))
            made.add(found, null_draws(found.residuals), np.arange(3))
        own = ranked(*made.mean()[:2], higher_is_better=True)
        assert own.low.tolist() == [1, 3, 1]
        assert own.high.tolist() == [2, 3, 2]
    # One task speaks, the other is a tie.
    made = Tasks(2, 2)
    for values in (np.stack([right, wrong]), np.stack([coin, coin])):
        found = pairwise_differences(values)
        made.add(found, null_draws(found.residuals), np.arange(2))
    assert ranked(*made.mean()[:2], higher_is_better=True).low.tolist() == [1, 2]
