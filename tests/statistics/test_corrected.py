"""Rates corrected for their detector's errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, t

from lsm_eval.errors import UserError
from lsm_eval.statistics.corrected import (
    SPREAD,
    Proportion,
    Quality,
    corrected_estimate,
    corrected_interval,
    effective,
    rogan_gladen,
)
from lsm_eval.statistics.estimate import Estimate


def card(finds: list[tuple[int, int]], leaves: list[tuple[int, int]]) -> Quality:
    """(right, texts) by model."""

    def pooled(counts: list[tuple[int, int]]) -> Proportion:
        right, texts = np.sum(counts, axis=0)
        return Proportion(float(right), float(texts))

    return Quality(
        pooled(finds),
        pooled(leaves),
        tuple(Proportion(*own) for own in finds),
        tuple(Proportion(*own) for own in leaves),
    )


ALIKE = card(
    [(180, 200), (176, 200), (184, 200), (182, 200), (178, 200)], [(190, 200), (192, 200)] * 2 + [(188, 200)]
)
"""Five models, sensitivity .88 to .92, specificity .94 to .96."""
KNOWN = card([(900_000, 1_000_000)] * 100_000, [(950_000, 1_000_000)] * 100_000)


def binary(found: int, number: int) -> np.ndarray:
    return np.column_stack([np.arange(number) < found, np.ones(number)]).astype(float)


def width(result: Estimate) -> float:
    assert result.low is not None
    assert result.high is not None
    return result.high - result.low


def test_published_examples() -> None:
    """Brucellosis in a herd (23 of 150, Se .96, Sp .89: 5.1 %) and Helicobacter pylori in small children (6 of 151,
    Se .964, Sp .927: below 0, Moujaber et al. 2008), as the manual of epiR's `epi.prev` has them; and Rogan & Gladen's
    formula solved for a rate made from a known one."""
    assert rogan_gladen(23 / 150, 0.96, 0.89) == pytest.approx(0.051, abs=5e-4)
    helicobacter = rogan_gladen(6 / 151, 0.964, 0.927)
    assert helicobacter is not None
    assert helicobacter < 0
    assert rogan_gladen(0.3 * 0.8 + 0.7 * 0.1, 0.8, 0.9) == pytest.approx(0.3)
    assert rogan_gladen(0.37, 1, 1) == 0.37


def test_of_a_detector_that_is_known_only_the_rate_is_uncertain() -> None:
    """The interval is then Jeffreys' of the raw rate, solved for the true one."""
    for found in (20, 60, 150):
        low, high, silent = corrected_interval(Proportion(found, 200), KNOWN)
        ends = (beta.ppf([0.025, 0.975], found + 0.5, 200 - found + 0.5) + 0.95 - 1) / 0.85
        assert (low, high) == pytest.approx(tuple(np.clip(ends, 0, 1)), abs=0.003)
        assert silent == 0


def test_the_interval_is_that_of_a_slow_simulation() -> None:
    """The same distributions drawn at random, written out anew."""
    rng = np.random.default_rng(0)
    draws = 400_000

    def another(counts: tuple[Proportion, ...]) -> np.ndarray:
        odds = [np.log((c.successes + 0.5) / (c.trials - c.successes + 0.5)) for c in counts]
        noise = np.mean([1 / (c.successes + 0.5) + 1 / (c.trials - c.successes + 0.5) for c in counts])
        k = len(odds)
        spread = ((k - 1) * max(np.var(odds, ddof=1), noise) + SPREAD**2) / k
        logit = np.mean(odds) + np.sqrt(spread * (1 + 1 / k)) * t.rvs(k, size=draws, random_state=rng)
        return np.asarray(1 / (1 + np.exp(-logit)))

    sensitivity, specificity = another(ALIKE.finds), another(ALIKE.leaves)
    rate = rng.beta(60.5, 140.5, draws)
    gain = sensitivity + specificity - 1
    true = (rate + specificity - 1) / gain
    low, high, silent = corrected_interval(Proportion(60, 200), ALIKE)
    assert low == pytest.approx(np.quantile(np.where(gain <= 0, -9, true), 0.025).clip(0, 1), abs=0.01)
    assert high == pytest.approx(np.quantile(np.where(gain <= 0, 9, true), 0.975).clip(0, 1), abs=0.01)
    assert silent == pytest.approx((gain <= 0).mean(), abs=0.001)


@pytest.mark.slow
def test_it_covers_another_model_of_the_same_kind() -> None:
    """Logits of sensitivity and specificity differ between models; the model at hand is not on the card. Where the corrected
    rate is not estimable there is no interval to miss; the rest cover. benchmarks/coverage.py has the whole grid."""
    rng = np.random.default_rng(5)
    for models, spread in ((5, 0.5), (10, 1.0)):
        held = made = 0
        for _ in range(250):
            finds = 1 / (1 + np.exp(-2 - spread * rng.standard_normal(models + 1)))
            leaves = 1 / (1 + np.exp(-2.8 - spread * rng.standard_normal(models + 1)))
            seen = card(
                [(int(rng.binomial(200, share)), 200) for share in finds[:-1]],
                [(int(rng.binomial(200, share)), 200) for share in leaves[:-1]],
            )
            found = int(rng.binomial(300, 0.2 * finds[-1] + 0.8 * (1 - leaves[-1])))
            result = corrected_estimate(binary(found, 300), [None] * 300, seen, missing=0)
            if result.low is not None and result.high is not None:
                made += 1
                held += result.low <= 0.2 <= result.high
        assert made > 150
        assert held / made > 0.94


def test_what_lies_outside_0_to_1_is_not_estimable_and_not_0() -> None:
    """The value of the issue: 100 findings in 1,000 of a detector that finds as much where there is nothing."""
    toxicity = Quality(Proportion(209, 340), Proportion(335, 415))
    result = corrected_estimate(binary(100, 1000), [None] * 1000, toxicity, missing=0)
    assert (result.value, result.low, result.high, result.n) == (None, None, None, 1000)
    assert result.method == (
        "none (not estimable: the raw rate of 10.0 % is below the card's false alarms of 19.3 %)"
    )
    for found, why in ((0, "below the card's false alarms"), (500, "above the card's sensitivity")):
        outside = corrected_estimate(binary(found, 500), [None] * 500, ALIKE, missing=0)
        assert outside.value is None
        assert why in outside.method


def test_a_card_of_too_few_models_corrects_nothing() -> None:
    for quality, known in (
        (Quality(Proportion(900, 1000), Proportion(950, 1000)), "not one on its card"),
        (card([(180, 200)] * 3, [(190, 200)] * 3), "3 of 4 on its card"),
    ):
        result = corrected_estimate(binary(60, 200), [None] * 200, quality, missing=0)
        assert (result.value, result.low) == (None, None)
        assert result.method.startswith(
            "none (not estimable: how the detector's errors differ between models"
        )
        assert known in result.method


def test_a_detector_that_tells_nothing_gives_no_value() -> None:
    coin = Quality(Proportion(40, 100), Proportion(60, 100))
    assert rogan_gladen(0.4, 0.4, 0.6) is None
    result = corrected_estimate(binary(40, 100), [None] * 100, coin, missing=2)
    assert (result.value, result.low, result.high, result.missing) == (None, None, None, 2)
    assert "sum to no more than 1" in result.method
    # Good for most models and useless for one: of the next nothing can be said.
    uneven = card(
        [(195, 200), (190, 200), (98, 200), (180, 200)], [(170, 200), (175, 200), (198, 200), (199, 200)]
    )
    assert uneven.sensitivity.share > 0.8
    result = corrected_estimate(binary(60, 200), [None] * 200, uneven, missing=0)
    assert result.value is None
    assert "for another model their sum may be 1 or less" in result.method


def test_worse_cards_and_fewer_models_widen_the_interval() -> None:
    def spread(right: list[int]) -> float:
        low, high, _ = corrected_interval(
            Proportion(60, 200), card([(x, 200) for x in right], [(190, 200)] * len(right))
        )
        return high - low

    assert spread([180] * 20) < spread([180] * 5) < spread([150, 170, 180, 190, 198])


def test_what_is_not_found_is_the_mirror_of_what_is() -> None:
    low, high, silent = corrected_interval(Proportion(60, 200), ALIKE)
    mirrored = Quality(ALIKE.specificity, ALIKE.sensitivity, ALIKE.leaves, ALIKE.finds)
    assert corrected_interval(Proportion(140, 200), mirrored) == pytest.approx((1 - high, 1 - low, silent))


def test_one_sample_more_moves_the_ends_little() -> None:
    ends = np.array([corrected_interval(Proportion(found, 100), ALIKE)[:2] for found in range(101)])
    assert np.abs(np.diff(ends, axis=0)).max() < 0.03


def test_clusters_count_as_fewer_samples() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(40), 10)
    alike = np.repeat(rng.random(40) < 0.3, 10).astype(float)  # clusters of ten equal outcomes
    stats = np.column_stack([alike, np.ones(400)])
    clusters = [str(group) for group in groups]
    apparent = effective(stats, clusters)
    assert 30 < apparent.trials < 41  # forty clusters, less for t with 39 degrees of freedom
    assert apparent.share == pytest.approx(alike.mean())
    apart = corrected_estimate(stats, [None] * 400, ALIKE, missing=0)
    together = corrected_estimate(stats, clusters, ALIKE, missing=0)
    assert apart.value == together.value
    assert together.clusters == 40
    assert (apart.method, together.method) == ("rogan-gladen(models)", "rogan-gladen(models, clusters)")
    assert width(together) > width(apart)


def test_effective_number_at_the_edges() -> None:
    zeros = np.column_stack([np.zeros(30), np.ones(30)])
    few = effective(zeros, [str(i // 3) for i in range(30)])
    assert few.successes == 0
    assert few.trials == pytest.approx(7.5, abs=0.1), "ten clusters, and Student's t for so few"
    assert effective(zeros, [None] * 30) == Proportion(0, 30)
    # Clusters that are all alike give a standard error of 0, and still no more than n samples.
    even = np.column_stack([np.tile([0.0, 1.0], 15), np.ones(30)])
    assert 20 < effective(even, [str(i // 2) for i in range(30)]).trials <= 30


def test_without_samples_or_with_one_there_is_no_interval() -> None:
    nothing = corrected_estimate(np.empty((0,)), [], ALIKE, missing=3)
    assert (nothing.value, nothing.n, nothing.missing, nothing.method) == (None, 0, 3, "none (no samples)")
    one = corrected_estimate(binary(1, 1), [None], ALIKE, missing=0)
    assert (one.value, one.low) == (None, None)
    group = corrected_estimate(binary(2, 5), ["a"] * 5, ALIKE, missing=0)
    assert (group.low, group.method) == (None, "none (one cluster)")


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="no proportion"):
        Proportion(3, 2)
    with pytest.raises(ValueError, match="no proportion"):
        Proportion(0, 0)
    with pytest.raises(UserError, match="clusters"):
        corrected_estimate(binary(1, 3), [None], ALIKE, missing=0)
