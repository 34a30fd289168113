"""Against R: clubSandwich, survey, pROC and R's own tests, on small made-up data and on survey's `api` schools.

`r/reference.R` made `r/reference.json` from `r/clusters.csv` and `r/scores.csv`; the schools' counts (California's Academic
Performance Index of 2000, public, from the R package survey) stand in the JSON file.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.bounded import FloatArray, bounded_mean, robust_mean, t_quantile
from lsm_eval.statistics.intervals import clopper_pearson, proportion_interval, t_interval, wilson

FOLDER = Path(__file__).parent / "r"
REFERENCE: dict[str, Any] = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))


def read(file: str, name: str) -> FloatArray:
    with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
        return np.array([row[1:] for row in csv.reader(lines) if row[0] == name], float)


def sums_of(name: str) -> FloatArray:
    cluster, value = read("clusters.csv", name).T
    groups = cluster.astype(int)
    return np.column_stack([np.bincount(groups, value), np.bincount(groups).astype(float)])


@pytest.mark.parametrize("name", list(REFERENCE["clusters"]))
def test_cr2_and_satterthwaites_degrees_of_freedom_are_clubsandwichs(name: str) -> None:
    theirs = REFERENCE["clusters"][name]
    found = robust_mean(sums_of(name))
    assert (found.mean, found.stderr) == pytest.approx((theirs["mean"], theirs["cr2"]), rel=1e-9)
    assert found.freedom == pytest.approx(theirs["df"], rel=1e-9)
    low, high = t_interval(found.mean, found.stderr, found.freedom, 0.95, None)
    assert (low, high) == pytest.approx((theirs["low"], theirs["high"]), abs=1e-9)


@pytest.mark.parametrize("name", ["equal", "singles"])
def test_of_equal_clusters_cr2_is_surveys_linearised_error(name: str) -> None:
    theirs = REFERENCE["clusters"][name]
    found = robust_mean(sums_of(name))
    assert found.stderr == pytest.approx(theirs["linearised"], rel=1e-9)
    assert found.freedom == pytest.approx(theirs["degf"], rel=1e-9)


def interval(sums: FloatArray) -> tuple[float, float]:
    """Of counts (successes, samples) by cluster."""
    values = np.concatenate([np.repeat([1.0, 0.0], [int(one), int(n - one)]) for one, n in sums])
    groups = np.repeat(np.arange(len(sums)), sums[:, 1].astype(int)).astype(np.intp)
    rows = np.column_stack([values, np.ones(len(values))])
    found = bounded_mean(rows, groups, len(sums), 0.95)
    assert not isinstance(found, str)
    return found.low, found.high


def test_effective_trials_of_equal_clusters_are_korn_and_graubards() -> None:
    """`svyciprop(method = "beta")` puts Clopper & Pearson on as many trials."""
    theirs = REFERENCE["clusters"]["equal"]
    found = robust_mean(sums_of("equal"))
    # survey takes t over n - 1 for z.
    few, all_ = t_quantile(found.freedom, 0.95), t_quantile(47, 0.95)
    trials = found.mean * (1 - found.mean) / found.stderr**2 * (all_ / few) ** 2
    from scipy.special import betaincinv

    x = found.mean * trials
    ends = betaincinv(x, trials - x + 1, 0.025), betaincinv(x + 1, trials - x, 0.975)
    assert ends == pytest.approx(theirs["beta"], abs=1e-6)


def test_clustered_proportions_hold_surveys() -> None:
    """Wilson's of the same trials is a little shorter than Clopper & Pearson's. Of unequal clusters ours is longer: Satterthwaite's
    degrees of freedom are 7.5 of 14, and few events leave open whether schools of a district are alike."""
    theirs = REFERENCE["clusters"]["equal"]
    assert interval(sums_of("equal")) == pytest.approx(theirs["beta"], abs=0.02)
    theirs = REFERENCE["api"]
    low, high = interval(np.array(list(theirs["clusters"].values()), float))
    assert 0.7 < low < theirs["beta"][0]
    assert theirs["beta"][1] < high < 0.95


def test_the_schools_have_clubsandwichs_error() -> None:
    theirs = REFERENCE["api"]
    found = robust_mean(np.array(list(theirs["clusters"].values()), float))
    assert (found.stderr, found.freedom) == pytest.approx((theirs["cr2"], theirs["df"]), rel=1e-9)
    assert found.mean == pytest.approx(160 / 183)


@pytest.mark.parametrize("name", list(REFERENCE["areas"]))
def test_aurocs_and_their_delong_errors_are_procs(name: str) -> None:
    theirs = REFERENCE["areas"][name]
    positive, scores = read("scores.csv", name).T
    found = auroc_estimate(scores, positive, [None] * len(scores), missing=0)
    assert (found.value, found.stderr) == pytest.approx((theirs["auc"], theirs["stderr"]), rel=1e-9)


@pytest.mark.parametrize("name", list(REFERENCE["proportions"]))
def test_proportions_are_rs_own(name: str) -> None:
    theirs = REFERENCE["proportions"][name]
    x, n = map(int, name.split())
    assert wilson(x, n, 0.95) == pytest.approx(theirs["wilson"], abs=1e-9)
    assert clopper_pearson(x, n, 0.95) == pytest.approx(theirs["exact"], abs=1e-9)
    method, ends = proportion_interval(x, n, 0.95)
    outer = [min(theirs["wilson"][0], theirs["guard"][0]), max(theirs["wilson"][1], theirs["guard"][1])]
    assert method == "wilson"
    assert list(ends) == pytest.approx(outer, abs=1e-9)
