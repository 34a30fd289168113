"""Newcombe's and Tango's interval, against other software and a slow search for the likeliest share."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy import optimize

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.paired_shares import Counts, newcombe_interval, tango_interval
from lsm_eval.statistics.comparison.score import likeliest_lost, tango

COUNTS = [(36, 12, 2, 0), (50, 10, 3, 37), (200, 4, 15, 81), (0, 0, 0, 50), (0, 7, 0, 93), (700, 30, 55, 534)]


@pytest.mark.parametrize(
    ("counts", "ends"),
    # By evalstats 0.3.3, `evalstats.core.resampling.newcombe_mover_paired_ci` at alpha .05.
    list(zip(
        COUNTS,
        [
            (0.05692958400323869, 0.3404276029749407), (-0.0017256481156033565, 0.14000500439080088),
            (-0.06598974460291401, -0.007647511656099348), (-0.07134759913335872, 0.07134759913335872),
            (0.01860317091127415, 0.13749514739073500), (-0.03266983678176142, -0.005215846813350206),
        ],
        strict=True,
    )),
)  # fmt: skip
def test_newcombes_is_that_of_evalstats(counts: tuple[int, int, int, int], ends: tuple[float, float]) -> None:
    assert newcombe_interval(Counts(*counts)) == pytest.approx(ends, abs=1e-9)


def slow_share(gained: float, lost: float, margin: float) -> float:
    """The share lost of largest likelihood, by search."""

    def surprise(share: float) -> float:
        cells = ((gained, share + margin), (lost, share), (1 - gained - lost, 1 - 2 * share - margin))
        return -sum(seen * math.log(max(true, 1e-300)) for seen, true in cells if seen > 0)

    low, high = max(0.0, -margin), (1 - margin) / 2
    return float(
        optimize.minimize_scalar(surprise, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    )


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("margin", [-0.3, -0.015, 0.0, 0.02, 0.5])
def test_the_likeliest_share_is_the_one_a_search_finds(
    counts: tuple[int, int, int, int], margin: float
) -> None:
    gained, lost = counts[1] / sum(counts), counts[2] / sum(counts)
    if gained + lost == 0 and margin == 0:
        return
    assert likeliest_lost(gained, lost, margin) == pytest.approx(slow_share(gained, lost, margin), abs=1e-5)


@pytest.mark.parametrize("counts", COUNTS)
def test_at_tangos_ends_his_statistic_is_the_normal_quantile(counts: tuple[int, int, int, int]) -> None:
    number, z = sum(counts), NormalDist().inv_cdf(0.975)
    gained, lost = counts[1] / number, counts[2] / number
    low, high = tango_interval(Counts(*counts))
    for end, sign in ((low, 1), (high, -1)):
        share = slow_share(gained, lost, end)
        slow = (gained - lost - end) / math.sqrt(max(2 * share + end - end**2, 1e-300) / number)
        assert slow == pytest.approx(sign * z, abs=1e-4)
        assert tango(number, gained, lost, end) == pytest.approx(sign * z, abs=1e-9)


def test_with_no_pair_that_differs_tangos_interval_is_wilsons() -> None:
    z = NormalDist().inv_cdf(0.975)
    assert tango_interval(Counts(0, 0, 0, 50))[1] == pytest.approx(z**2 / (50 + z**2))


def test_no_margin_gives_mcnemars_statistic() -> None:
    assert tango(100, 0.12, 0.05, 0.0) == pytest.approx((12 - 5) / np.sqrt(17))


def test_counts_that_are_none() -> None:
    for cells in ((0, 0, 0, 0), (3, -1, 0, 4)):
        with pytest.raises(UserError):
            Counts(*cells)
