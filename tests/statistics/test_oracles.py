"""Intervals and standard errors against other software (CR2 against matrices written out in full: `test_bounded`)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lsm_eval.statistics.bounded import robust_mean
from lsm_eval.statistics.intervals import clopper_pearson, t_interval, wilson
from lsm_eval.statistics.kappa import kappa_interval

COUNTS = [(0, 8), (1, 4), (3, 12), (50, 100), (99, 100), (7, 7)]


@pytest.mark.parametrize(("successes", "trials"), COUNTS)
def test_proportions_are_scipys(successes: int, trials: int) -> None:
    test = stats.binomtest(successes, trials)
    score, exact = test.proportion_ci(0.95, method="wilson"), test.proportion_ci(0.95, method="exact")
    assert wilson(successes, trials, 0.95) == pytest.approx((score.low, score.high), abs=1e-12)
    assert clopper_pearson(successes, trials, 0.95) == pytest.approx((exact.low, exact.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), COUNTS)
def test_proportions_are_those_of_statsmodels(successes: int, trials: int) -> None:
    confint = pytest.importorskip("statsmodels.stats.proportion").proportion_confint
    for method, ours in (("wilson", wilson), ("beta", clopper_pearson)):
        theirs = tuple(float(end) for end in confint(successes, trials, alpha=0.05, method=method))
        assert ours(successes, trials, 0.95) == pytest.approx(theirs, abs=1e-9)


def test_the_t_interval_is_scipys() -> None:
    values = np.random.default_rng(0).normal(size=12)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = robust_mean(np.column_stack([values, np.ones(12)]))
    assert found.freedom == pytest.approx(11)
    ours = t_interval(found.mean, found.stderr, found.freedom, 0.95, None)
    assert ours == pytest.approx((theirs.low, theirs.high))


def clustered(sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(sum(sizes))
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(size=len(groups)) + rng.normal(size=len(sizes))[groups], groups


@pytest.mark.parametrize("size", [1, 4])
def test_cr2_of_equal_clusters_is_the_robust_covariance_of_statsmodels(size: int) -> None:
    """Of equal clusters CR2 of a mean is CR0 times G / (G - 1), which is what statsmodels' small-sample correction comes to."""
    api = pytest.importorskip("statsmodels.api")
    values, groups = clustered([size] * 9)
    fitted = api.OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}
    )
    found = robust_mean(np.column_stack([np.bincount(groups, values), np.bincount(groups).astype(float)]))
    assert found.stderr == pytest.approx(float(fitted.bse[0]))


def test_the_centre_of_kappas_interval_agrees_with_statsmodels_where_samples_are_many() -> None:
    agreement = pytest.importorskip("statsmodels.stats.inter_rater")
    table = np.array([[400, 80], [60, 460]])
    theirs = agreement.cohens_kappa(table)
    low, high = kappa_interval(np.array([400.0, 60, 80, 460]), 0.95)
    assert (low, high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=0.004)
