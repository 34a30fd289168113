"""McNemar's test and the corrections for several tests, against other software."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.mcnemar import mcnemar
from lsm_eval.statistics.comparison.multiple import benjamini_hochberg, holm

COUNTS = [(0, 0), (0, 1), (12, 2), (10, 3), (4, 15), (30, 55), (500, 421), (7, 7)]


@pytest.mark.parametrize(("gains", "losses"), COUNTS)
def test_the_exact_test_is_scipys_and_that_of_statsmodels(gains: int, losses: int) -> None:
    theirs = stats.binomtest(gains, gains + losses).pvalue if gains + losses else 1.0
    assert mcnemar(gains, losses, "exact") == pytest.approx(theirs, rel=1e-9)
    if gains + losses:
        table = pytest.importorskip("statsmodels.stats.contingency_tables")
        found = table.mcnemar([[5, gains], [losses, 9]], exact=True)
        assert mcnemar(gains, losses, "exact") == pytest.approx(float(found.pvalue), rel=1e-9)


@pytest.mark.parametrize(
    ("gains", "losses", "p"),
    # By evalstats 0.3.3, `evalstats.tests._mcnemar_midp_p` on arrays with so many pairs.
    [
        (12, 2, 0.007385253906250009), (10, 3, 0.05737304687499998), (4, 15, 0.011817932128906247),
        (0, 0, 1.0), (0, 7, 0.007812499999999949), (30, 55, 0.006673923142224859),
    ],
)  # fmt: skip
def test_mid_p_is_that_of_evalstats(gains: int, losses: int, p: float) -> None:
    assert mcnemar(gains, losses) == pytest.approx(p, rel=1e-9)
    assert mcnemar(losses, gains) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(("gains", "losses"), COUNTS)
def test_mid_p_counts_half_of_what_was_seen(gains: int, losses: int) -> None:
    number, fewer = gains + losses, min(gains, losses)
    slow = 2 * stats.binom.cdf(fewer, number, 0.5) - stats.binom.pmf(fewer, number, 0.5)
    assert mcnemar(gains, losses) == pytest.approx(min(1.0, slow), rel=1e-9)


def test_a_number_of_pairs_is_no_less_than_0() -> None:
    with pytest.raises(UserError, match="below 0"):
        mcnemar(-1, 3)


@pytest.mark.parametrize("number", [1, 2, 10, 57])
def test_several_tests_are_corrected_as_statsmodels_does(number: int) -> None:
    multiple = pytest.importorskip("statsmodels.stats.multitest").multipletests
    rng = np.random.default_rng(number)
    p = np.round(rng.random(number) ** 3, 3)
    assert holm(p) == pytest.approx(multiple(p, method="holm")[1], abs=1e-12)
    assert benjamini_hochberg(p) == pytest.approx(multiple(p, method="fdr_bh")[1], abs=1e-12)
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p), abs=1e-12)


def test_no_tests_have_no_p() -> None:
    assert len(holm([])) == len(benjamini_hochberg([])) == 0
