"""A gate that looks on the way: what it says when, and its error rates over ten looks at few pairs that differ."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.score import Score
from lsm_eval.statistics.comparison.sequential import Look, equal_shares, limits, sequential
from lsm_eval.statistics.comparison.verdicts import Evidence


def seen(p_loss: float, p_margin: float, loss: float = 0.02, name: str = "accuracy") -> Evidence:
    return Evidence(name, loss, None, 0.015, p_loss, p_margin)


def looks(*evidence: tuple[Evidence, ...], planned: int = 10) -> list[Look[Evidence]]:
    return [Look((at + 1) / planned, own) for at, own in enumerate(evidence)]


def test_a_verdict_is_made_at_the_first_look_that_allows_it() -> None:
    alarm, passing = limits(0.01, equal_shares(3)), limits(0.05, equal_shares(3))
    none = (seen(0.5, 0.5),)
    (found,) = sequential(looks(none, (seen(alarm[1], 0.9),), none, planned=3))
    assert (found.outcome, found.look, found.limit_loss) == ("fail", 2, alarm[1])
    (found,) = sequential(looks(none, (seen(0.9, passing[1]),), (seen(1e-9, 0.9),), planned=3))
    assert (found.outcome, found.look, found.limit_margin) == ("pass", 2, passing[1])
    (found,) = sequential(looks(none, (seen(alarm[1] * 1.01, passing[1] * 1.01),), none, planned=3))
    assert (found.outcome, found.look) == ("undecided", None)


def test_a_proven_loss_fails_once_it_is_beyond_the_margin() -> None:
    found = sequential(looks((seen(1e-9, 0.5, loss=0.01),), (seen(0.5, 0.5, loss=0.01),)))
    assert found[0].outcome == "undecided"
    found = sequential(looks((seen(1e-9, 0.5, loss=0.01),), (seen(0.5, 0.5, loss=0.016),)))
    assert (found[0].outcome, found[0].look) == ("fail", 2)


def test_metrics_share_the_false_alarms_by_holms_procedure() -> None:
    one, two = limits(0.005, (0.1,))[0], limits(0.01, (0.1,))[0]
    assert one < two
    both = sequential(looks((seen(one, 0.9), seen(two, 0.9))))
    assert [x.outcome for x in both] == ["fail", "fail"]
    neither = sequential(looks((seen(one * 1.01, 0.9), seen(two, 0.9))))
    assert [x.outcome for x in neither] == ["undecided", "undecided"]


def test_one_look_at_everything_is_the_fixed_test() -> None:
    assert limits(0.05, (1.0,)) == pytest.approx((0.05,))


def test_evidence_without_p_settles_nothing() -> None:
    found = sequential(looks((Evidence("a", None, None, 0.01, None, None, "no pairs"),)))
    assert found[0].outcome == "undecided"


def test_each_metric_has_shares_of_its_own() -> None:
    own, other = (0.3, 0.6, 1.0), (0.1, 0.1, 0.7)
    passing = [limits(0.05, shares) for shares in (own, (0.1, 0.7))]
    rows = [(seen(0.5, 0.9), seen(0.5, 0.9)) for _ in own]
    rows[1] = (
        seen(0.5, passing[0][1]),
        seen(0.5, 1e-9),
    )  # of the second there is nothing new: it is not tested
    rows[2] = (seen(0.5, 0.9), seen(0.5, passing[1][1]))
    found = sequential(
        [Look(shares, row) for shares, row in zip(zip(own, other, strict=True), rows, strict=True)]
    )
    assert [(one.outcome, one.look, one.share) for one in found] == [("pass", 2, 0.6), ("pass", 3, 0.7)]
    assert found[1].limit_margin == passing[1][1]


def test_a_metric_that_is_seen_once_has_all_of_its_rates() -> None:
    late = [(seen(0.9, 1e-9), None), (seen(0.9, 0.9), seen(0.5, 0.05))]
    found = sequential(
        [Look(shares, row) for shares, row in zip([(0.5, 0.0), (0.5, 1.0)], late, strict=True)]
    )
    assert [(one.outcome, one.look) for one in found] == [("pass", 1), ("pass", 2)]
    assert found[1].limit_margin == pytest.approx(0.05)
    never = sequential([Look((0.5, 0.0), late[0])])
    assert (never[1].outcome, never[1].evidence, never[1].limit_loss) == ("undecided", None, 0.0)


def test_weights_are_parts_of_the_false_alarms() -> None:
    most, least = limits(0.0075, (0.1,))[0], limits(0.0025, (0.1,))[0]
    only = sequential(looks((seen(most, 0.9), seen(0.9, 0.9))), weights=[3, 1])
    assert [x.outcome for x in only] == ["fail", "undecided"]
    assert only[0].limit_loss == pytest.approx(most)
    # The first is proven, so that the second has all of it.
    both = sequential(looks((seen(most, 0.9), seen(least * 2, 0.9))), weights=[3, 1])
    assert [x.outcome for x in both] == ["fail", "fail"]


def test_shares_that_fall_are_refused() -> None:
    row = (seen(0.5, 0.5),)
    for shares in ([0.5, 0.4], [0.5, 0.5], [(0.5,), (0.4,)]):
        with pytest.raises(UserError):
            sequential([Look(share, row) for share in shares])


def test_looks_of_other_metrics_are_refused() -> None:
    for given in ([], looks((seen(1, 1),), ())):
        with pytest.raises(UserError):
            sequential(given)


@cache
def both_p(n: int, gains: int, losses: int, margin: float) -> tuple[float, float]:
    found = Score(n, gains / n, losses / n)
    return found.p(0.0, "less"), found.p(-margin, "greater")


def rates(number: int, differ: float, loss: float, margin: float, draws: int) -> tuple[float, float, float]:
    """Shares of trials that ever prove a loss, or ever rule the margin out, over ten looks; mean share of the samples seen before either."""
    rng = np.random.default_rng([number, round(1000 * differ), round(1000 * loss)])
    shares = equal_shares(10)
    sizes = np.round(np.array(shares) * number).astype(int)
    alarm, passing = limits(0.01, shares), limits(0.05, shares)
    chances = [(differ - loss) / 2, (differ + loss) / 2, 1 - differ]
    counts = np.stack([rng.multinomial(n, chances, draws) for n in np.diff([0, *sizes])], axis=1).cumsum(
        axis=1
    )
    failed = passed = 0
    seen_share = 0.0
    for trial in counts:
        fails, passes = [], []
        for look, (gains, losses, _) in enumerate(trial):
            p_loss, p_margin = both_p(int(sizes[look]), int(gains), int(losses), margin)
            fails.append(p_loss <= alarm[look] and losses - gains > margin * sizes[look])
            passes.append(p_margin <= passing[look])
        failed, passed = failed + any(fails), passed + any(passes)
        either = np.array(fails) | np.array(passes)
        seen_share += shares[int(np.argmax(either))] if either.any() else 1.0
    return failed / draws, passed / draws, seen_share / draws


@pytest.mark.parametrize(("number", "differ"), [(200, 0.05), (1319, 0.02), (1319, 0.1)])
def test_error_rates_of_ten_looks(number: int, differ: float) -> None:
    draws = 1500
    failed, _, _ = rates(number, differ, 0.0, 0.015, draws)
    _, passed, _ = rates(number, differ, 0.015, 0.015, draws)
    assert failed <= 0.01 + 2.6 * (0.01 * 0.99 / draws) ** 0.5
    assert passed <= 0.05 + 2.6 * (0.05 * 0.95 / draws) ** 0.5


def test_it_stops_early() -> None:
    """Of 5,000 pairs, twice what the margin needs: a loss of twice the margin in 30 % of them, an unchanged model in half."""
    failed, _, share = rates(5000, 0.05, 0.03, 0.015, 300)
    assert failed > 0.99
    assert share < 0.3
    _, passed, share = rates(5000, 0.05, 0.0, 0.015, 300)
    assert passed > 0.95
    assert share < 0.5
