"""The three answers of a gate, what they mean at the edges, and their error rates by the exact distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.difference import Difference, bound, difference
from lsm_eval.statistics.comparison.pairs import pairs
from lsm_eval.statistics.comparison.score import Score
from lsm_eval.statistics.comparison.verdicts import Claim, Evidence, evidence, judged, overall, verdicts


def of(both: int, gained: int, lost: int, neither: int) -> Difference:
    cells = [both, gained, lost, neither]
    return difference(pairs(np.repeat([1.0, 0.0, 1.0, 0.0], cells), np.repeat([1.0, 1.0, 0.0, 0.0], cells)))


def asked(found: Difference, margin: float = 0.015, name: str = "accuracy") -> Claim:
    return Claim(name, found, margin)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (of(900, 0, 0, 419), "pass"),  # two identical files, or a record against itself
        (of(900, 60, 72, 287), "undecided"),
        (of(900, 30, 70, 319), "fail"),
        (of(9000, 100, 150, 750), "pass"),  # a loss of half a point, proven and acceptable
        (of(100, 0, 0, 40), "undecided"),  # so few pairs rule nothing out, however equal
        (of(4, 0, 4, 1), "undecided"),
        (of(0, 0, 1, 0), "undecided"),
    ],
)
def test_answers(found: Difference, outcome: str) -> None:
    (verdict,) = verdicts([asked(found)])
    assert verdict.outcome == outcome
    assert verdict.why


def test_what_stands_in_the_evidence() -> None:
    found = evidence(asked(of(900, 66, 66, 287)))
    assert found.loss == 0
    assert found.most == pytest.approx(-(bound(of(900, 66, 66, 287), 0.05, "greater") or 0))
    assert found.p_loss == pytest.approx(0.5, abs=0.01)
    gained = evidence(asked(of(900, 90, 40, 287)))
    assert gained.loss is not None
    assert gained.loss < 0


def test_where_lower_is_better_a_gain_is_the_loss() -> None:
    worse = of(100, 90, 20, 1109)
    (up,) = verdicts([Claim("harm", worse, 0.015)])
    (down,) = verdicts([Claim("harm", worse, 0.015, higher_is_better=False)])
    assert (up.outcome, down.outcome) == ("pass", "fail")
    mirrored = evidence(Claim("harm", of(100, 20, 90, 1109), 0.015))
    same = evidence(Claim("harm", worse, 0.015, higher_is_better=False))
    assert (same.loss, same.p_loss, same.p_margin, same.most) == pytest.approx(
        (mirrored.loss, mirrored.p_loss, mirrored.p_margin, mirrored.most)
    )


def test_of_ten_metrics_one_has_to_be_ten_times_as_sure() -> None:
    worse, same = of(900, 40, 68, 311), of(900, 60, 60, 299)
    assert verdicts([asked(worse)])[0].outcome == "fail"
    ten = verdicts([asked(worse), *[asked(same)] * 9])
    assert ten[0].outcome == "undecided"
    assert ten[0].p_adjusted == pytest.approx(10 * (ten[0].evidence.p_loss or 0))


def test_the_pull_request() -> None:
    passing, failing, open_ = (
        judged([Evidence("a", loss, 0.0, 0.01, p, q)])[0]
        for loss, p, q in ((0, 0.5, 0.01), (0.05, 1e-5, 1), (0, 0.5, 0.5))
    )
    assert overall([passing, passing]) == "pass"
    assert overall([passing, open_]) == "undecided"
    assert overall([passing, failing, open_]) == "fail"
    assert overall([]) == "undecided"


def test_no_p_is_no_verdict_and_counts_among_the_tests() -> None:
    none = difference(pairs([], []))
    found = verdicts([asked(none), asked(of(900, 30, 70, 319))])
    assert (found[0].outcome, found[0].why) == ("undecided", "no pairs")
    assert found[1].p_adjusted == pytest.approx(2 * (found[1].evidence.p_loss or 0))


@pytest.mark.parametrize("margin", [-0.01, float("nan")])
def test_a_margin_below_0_is_refused(margin: float) -> None:
    with pytest.raises(UserError, match="margin of accuracy"):
        verdicts([asked(of(10, 1, 1, 10), margin)])


def chances(n: int, differ: float, loss: float, margin: float, metrics: int = 1) -> tuple[float, float]:
    """Of fail and of pass, as one of so many metrics: the sum over all gains and losses."""
    up, down = (differ - loss) / 2, (differ + loss) / 2
    fail = passed = 0.0
    gains, losses = (
        range(int(stats.binom.ppf(1e-5, n, x)), int(stats.binom.ppf(1 - 1e-5, n, x)) + 1) for x in (up, down)
    )
    for g in gains:
        for b in losses:
            log = special.gammaln(n + 1) - sum(special.gammaln(x + 1) for x in (g, b, n - g - b))
            log += special.xlogy(g, up) + special.xlogy(b, down) + special.xlogy(n - g - b, 1 - differ)
            chance = float(np.exp(log))
            own = Score(n, g / n, b / n)
            fail += chance * ((b - g) / n > margin and own.p(0.0, "less") <= 0.01 / metrics)
            passed += chance * (own.p(-margin, "greater") <= 0.05)
    return fail, passed


@pytest.mark.parametrize(("n", "differ"), [(200, 0.05), (500, 0.02), (1319, 0.02)])
def test_error_rates(n: int, differ: float) -> None:
    fail, _ = chances(n, differ, 0.0, 0.015)
    assert fail <= 0.01, "an unchanged model fails in 1 % at most"
    assert 10 * chances(n, differ, 0.0, 0.015, metrics=10)[0] <= 0.01, "and so do ten metrics together"
    assert chances(n, differ, 0.015, 0.015)[1] <= 0.05, "a loss of the margin passes in 5 % at most"


def test_a_loss_of_two_points_is_found() -> None:
    """n = 1,319, 10 % of the pairs differ, a margin of 1.5 points."""
    n, deviation = 1319, (0.1 - 0.02**2) ** 0.5
    drawn = np.random.default_rng(0).multinomial(n, [0.04, 0.06, 0.9], 4000)
    found = [
        Score(n, g / n, b / n).p(0.0, "less") <= 0.01 and (b - g) / n > 0.015 for g, b, _ in drawn.tolist()
    ]
    assert np.mean(found) >= 0.45
    assert np.mean(found) == pytest.approx(
        stats.norm.cdf((0.02 * n**0.5 - 2.326 * 0.1**0.5) / deviation), abs=0.03
    )
