"""A small part of `benchmarks/coverage.py`, seeded, and its bars.

Floors are those of the benchmark (93.5 % held, 4 % missed on one side) less three standard errors of the draws made here;
independent proportions are summed up exactly, so that they have none.
"""

from __future__ import annotations

import math
from pathlib import Path

import coverage
import coverage_candidates as candidates
import coverage_means
import numpy as np
import pytest
from coverage_cells import LOW, ONE_SIDE, Cell, judge, record, run
from scipy import optimize
from scipy.stats import binom

from lsm_eval.statistics.intervals import proportion_interval

DRAWS = 400
CELLS = [
    ("means", "beta(0.1, 3.0), n 30"), ("means", "beta(2.0, 2.0), n 100"),
    ("means", "20 clusters, equal, ICC 0.4, logit-normal"), ("means", "50 clusters, geometric, ICC 0.1"),
    ("means", "20 clusters, one large, ICC 0.1"), ("means", "crows_pairs --limit 100, ICC 0.1"),
    ("ranked", "AUROC, 10 + 10, spread 1"), ("ranked", "AUROC, 20 clusters of pairs, ICC 0.3"),
    ("numbers", "lognormal, n 10"), ("numbers", "exponential, n 30"), ("numbers", "exponential, 20 unequal clusters"),
    ("sums", "gamma(20) texts, n 5"), ("sums", "BLEU, quality 0.1, n 10"), ("sums", "gamma(2) texts, n 30"), ("sums", "0.5 of 0.1, n 200"), ("bias", "gap, 30 and 30, 0.9 and 0.7"),
    ("raters", "n 30, yes 0.5"),
]  # fmt: skip


@pytest.mark.parametrize("n", [5, 8, 13, 30, 47, 100, 400])
def test_no_share_is_missed_more_often_than_the_bars_allow(n: int) -> None:
    """Of all shares from .0005 to .9995, by exact sums."""
    ends = np.array([proportion_interval(x, n, 0.95)[1] for x in range(n + 1)])
    shares = 1 / (1 + np.exp(-np.linspace(-7.6, 7.6, 1500)))
    chance = binom.pmf(np.arange(n + 1)[:, None], n, shares)
    above = ((ends[:, :1] > shares) * chance).sum(axis=0)
    below = ((ends[:, 1:] < shares) * chance).sum(axis=0)
    assert (1 - above - below).min() >= LOW
    assert max(above.max(), below.max()) <= ONE_SIDE


@pytest.mark.parametrize(("part", "name"), CELLS)
@pytest.mark.slow
def test_cells_keep_to_their_bars(part: str, name: str, cells: dict[str, list[Cell]]) -> None:
    own = next(cell for cell in cells[part] if cell.name == name)
    _, found = run(own, round(DRAWS / own.share), [7])
    assert found.held >= LOW - 3 * math.sqrt(LOW * (1 - LOW) / DRAWS)
    if own.samples >= 30:
        assert max(found.below, found.above) <= ONE_SIDE + 3 * math.sqrt(ONE_SIDE * (1 - ONE_SIDE) / DRAWS)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Cell]]:
    """Of each part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_SHARED", str(tmp_path_factory.mktemp("none") / "shared"))
        return _by_part()


def _by_part() -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for part, _, cell in coverage.all_cells(list(coverage.PARTS)):
        found.setdefault(part, []).append(cell)
    return found


def test_a_cell_outside_the_bars_is_named(cells: dict[str, list[Cell]]) -> None:
    own = next(cell for cell in cells["means"] if cell.name == "n 30" and cell.truth == 0.1)
    row = record(own, *run(own, 1, [0]))
    judge([row])
    assert row["outside"] == []
    for change, mark in (
        ({"held": 0.9, "least": 0.9, "below": 0.05}, ["low", "one side"]),
        ({"held": 0.99, "events": 20.0}, ["wide"]),
        ({"held": 0.99, "events": 2.0}, ["wide (named)"]),
        ({"held": 0.934, "least": 0.934, "draws": 1000}, ["low?"]),
    ):
        other = {**row, **change}
        judge([other])
        assert other["outside"] == mark
    # Where nothing covers, and the cell says why, it is named.
    limit = {**row, "held": 0.9, "least": 0.9, "below": 0.05, "limit": "rarely drawn", "rivals": {}}
    judge([limit])
    assert limit["outside"] == ["low (named)", "one side (named)"]
    wider = {**row, "width": 2 * row["width"], "events": 20.0}
    judge([wider])
    assert wider["outside"] == (["width"] if wider["best"] else [])


@pytest.mark.slow
def test_the_sizes_of_our_tasks_clusters_are_those_of_the_data(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSM_EVAL_SHARED", str(shared))
    assert coverage_means.own_clusters() == coverage_means.OWN


def test_shares_of_clusters_have_the_correlation_that_they_say() -> None:
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(40_000), 2)
    for normal in (False, True):
        pairs = coverage_means.clustered_draw(groups, 0.1, 0.4, normal=normal)(rng).reshape(-1, 2)
        assert pairs.mean() == pytest.approx(0.1, abs=0.005)
        assert np.asarray(np.corrcoef(pairs.T))[0, 1] == pytest.approx(0.4, abs=0.03)


def test_candidates_are_those_of_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for x, n, y, m in ((15, 30, 10, 42), (7, 50, 9, 40)):
        found = candidates.differences(x, n, y, m)
        for name, method in (("Wald", "wald"), ("Agresti-Caffo", "agresti-caffo"), ("Newcombe", "newcomb")):
            theirs = proportion.confint_proportions_2indep(x, n, y, m, method=method, compare="diff")
            assert found[name] == pytest.approx(theirs, abs=1e-9), name
    for name, method in (("Jeffreys", "jeffreys"), ("Agresti-Coull", "agresti_coull")):
        theirs = proportion.proportion_confint(7, 40, method=method)
        assert candidates.proportions(7, 40)[name] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(("x", "n", "y", "m"), [(15, 30, 10, 42), (7, 50, 9, 40)])
def test_miettinen_and_nurminens_ends_are_where_the_score_test_rejects(
    x: int, n: int, y: int, m: int
) -> None:
    """The restricted maximum found by search in place of their cubic."""
    for d in candidates.differences(x, n, y, m)["Miettinen-Nurminen"]:

        def misfit(q: float, d: float = d) -> float:
            p = q + d
            return -float(
                x * math.log(p) + (n - x) * math.log(1 - p) + y * math.log(q) + (m - y) * math.log(1 - q)
            )

        bounds = (max(0.0, -d) + 1e-9, min(1.0, 1 - d) - 1e-9)
        q = float(
            optimize.minimize_scalar(misfit, bounds=bounds, method="bounded", options={"xatol": 1e-11}).x
        )
        p = q + d
        variance = (p * (1 - p) / n + q * (1 - q) / m) * (n + m) / (n + m - 1)
        assert (x / n - y / m - d) ** 2 / variance == pytest.approx(candidates.Z**2, rel=1e-5)
