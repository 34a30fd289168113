"""Boundaries of a group-sequential test: against gsdesign's integration, published tables and simulation."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy import optimize, stats

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.boundaries import boundaries, crossings, inflation
from lsm_eval.statistics.comparison.sequential import equal_shares
from lsm_eval.statistics.comparison.spending import Family, Spending

FAMILIES: list[Family] = ["obrien-fleming", "pocock", "power"]


def theirs(limits: tuple[float, ...], shares: tuple[float, ...], drift: float = 0.0) -> list[float]:
    """Crossing probabilities by gsdesign's kernel (h1, hupdate), with a fine grid for the tails."""
    gsdesign = pytest.importorskip("gsdesign")
    found, before, state, fine = [], 0.0, None, 60
    for limit, share in zip(limits, shares, strict=True):
        if state is None:
            _, _, tail = gsdesign.h1(fine, drift, share, limit, np.inf)
            kept = gsdesign.h1(fine, drift, share, -np.inf, limit)
        else:
            _, _, tail = gsdesign.hupdate(fine, drift, share, limit, np.inf, drift, before, state)
            kept = gsdesign.hupdate(fine, drift, share, -np.inf, limit, drift, before, state)
        found.append(float(tail.sum()))
        state, before = kept, share
    return found


def their_boundaries(spent: list[float], shares: tuple[float, ...]) -> list[float]:
    """Boundaries that spend this, with gsdesign's kernel for what goes on and the normal distribution for what crosses."""
    gsdesign = pytest.importorskip("gsdesign")
    found, before, state = [], 0.0, None
    for spend, share in zip(spent, shares, strict=True):
        if state is None:
            found.append(float(stats.norm.isf(spend)))
            state = gsdesign.h1(18, 0.0, share, -np.inf, found[-1])
        else:

            def over(limit: float, z: FloatArray = state[0], h: FloatArray = state[2]) -> float:
                apart = (limit * np.sqrt(share) - z * np.sqrt(before)) / np.sqrt(share - before)  # noqa: B023
                return float(h @ stats.norm.sf(apart)) - spend  # noqa: B023

            found.append(float(optimize.brentq(over, 0.0, 20.0, xtol=1e-12)))
            state = gsdesign.hupdate(18, 0.0, share, -np.inf, found[-1], 0.0, before, state)
        before = share
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("alpha", [0.05, 0.001])
@pytest.mark.parametrize("shares", [(0.5, 1.0), (0.15, 0.2, 0.6, 1.0), equal_shares(10)[4:]])
def test_boundaries_are_those_of_gsdesigns_kernel(
    family: Family, alpha: float, shares: tuple[float, ...]
) -> None:
    spending = Spending(family, 2.0)
    limits = boundaries(alpha, shares, spending)
    spent = list(np.diff([0.0, *(spending.spent(alpha, share) for share in shares)]))
    assert limits == pytest.approx(their_boundaries(spent, shares), abs=1e-6)
    assert theirs(limits, shares) == pytest.approx(spent, abs=1e-7)
    assert crossings(limits, shares) == pytest.approx(spent, abs=1e-9)


@pytest.mark.parametrize("drift", [0.0, 1.5, 3.0])
def test_power_is_that_of_gsdesigns_kernel(drift: float) -> None:
    shares = equal_shares(10)
    limits = boundaries(0.025, shares, Spending("pocock"))
    assert crossings(limits, shares, drift) == pytest.approx(theirs(limits, shares, drift), abs=1e-6)


def test_published_boundaries() -> None:
    """Five equal looks, one-sided .025, spent as O'Brien and Fleming would: Lan & DeMets's function as tabled by Jennison &
    Turnbull (2000) and the packages' manuals (4.877, 3.357, 2.680, 2.290, 2.031)."""
    found = boundaries(0.025, equal_shares(5), Spending("obrien-fleming"))
    assert found == pytest.approx((4.877, 3.357, 2.680, 2.290, 2.031), abs=1.5e-3)


def test_one_look_is_the_ordinary_test() -> None:
    assert boundaries(0.05, (1.0,)) == pytest.approx((NormalDist().inv_cdf(0.95),))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_spending_function_rises_from_nothing_to_all(family: Family) -> None:
    spending = Spending(family)
    spent = [spending.spent(0.01, share) for share in np.linspace(0, 1, 21)]
    assert spent[0] == 0
    assert spent[-1] == pytest.approx(0.01)
    assert spent == sorted(spent)
    with pytest.raises(UserError):
        spending.spent(0.0, 0.5)


def test_paths_cross_as_often_as_spent() -> None:
    shares = np.array(equal_shares(10))
    steps = np.random.default_rng(0).normal(size=(100_000, 10)) * math.sqrt(0.1)
    z = steps.cumsum(axis=1) / np.sqrt(shares)
    limits = np.array(boundaries(0.05, tuple(shares)))
    first = np.argmax(z >= limits, axis=1)[(z >= limits).any(axis=1)]
    assert np.bincount(first, minlength=10) / len(z) == pytest.approx([0.005] * 10, abs=1.2e-3)


def test_what_spends_nothing_has_no_boundary() -> None:
    found = boundaries(1e-9, (0.01, 1.0), Spending("obrien-fleming"))
    assert math.isinf(found[0])
    assert found[1] == pytest.approx(stats.norm.isf(1e-9))


@pytest.mark.parametrize("shares", [(), (0.5, 0.5), (0.0, 1.0), (0.6, 0.4), (0.5, 1.2)])
def test_looks_that_do_not_rise_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(UserError):
        boundaries(0.05, shares)


def test_every_look_has_one_limit() -> None:
    with pytest.raises(UserError):
        crossings((2.0,), (0.5, 1.0))


def test_looks_cost_samples() -> None:
    assert inflation(0.05, 0.9, (1.0,)) == pytest.approx(1, abs=1e-6)
    # Pocock-like and O'Brien-Fleming-like spending of .025 over five looks, power .9: about 1.2 and 1.03 (Jennison & Turnbull 2000).
    assert inflation(0.025, 0.9, equal_shares(5), Spending("pocock")) == pytest.approx(1.2, abs=0.02)
    assert inflation(0.025, 0.9, equal_shares(5), Spending("obrien-fleming")) == pytest.approx(1.03, abs=0.01)
    with pytest.raises(UserError):
        inflation(0.05, 1.0, (1.0,))
