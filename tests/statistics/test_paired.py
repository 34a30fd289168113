"""The interval of a difference of paired shares, against Newcombe's printed examples and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.intervals import wilson
from lsm_eval.statistics.paired import phi
from lsm_eval.statistics.square_and_add import square_and_add


def columns(both: int, only: int, other: int, neither: int) -> tuple[FloatArray, FloatArray]:
    first = np.repeat([1.0, 1.0, 0.0, 0.0], [both, only, other, neither])
    second = np.repeat([1.0, 0.0, 1.0, 0.0], [both, only, other, neither])
    return first, second


def ends(first: FloatArray, second: FloatArray) -> tuple[float, float]:
    n = len(first)
    one, two = ((float(x.mean()), *wilson(float(x.sum()), n, 0.95)) for x in (first, second))
    return square_and_add(one, two, phi(first, second))


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Newcombe 1998 (paired), method 10: cells e, f, g, h.
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((0, 0, 0, 50), -0.0713, 0.0713),
        ((0, 30, 0, 0), 0.8395, 1.0),
    ],
)
def test_examples(cells: tuple[int, int, int, int], low: float, high: float) -> None:
    assert ends(*columns(*cells)) == pytest.approx((low, high), abs=1e-4)


def test_phi_is_the_correlation_where_it_is_not_corrected() -> None:
    first, second = columns(5, 20, 18, 7)
    assert phi(first, second) == pytest.approx(np.corrcoef(first, second)[0, 1])
    first, second = columns(30, 5, 5, 10)
    assert 0 < phi(first, second) < np.corrcoef(first, second)[0, 1]


def test_coverage() -> None:
    rng = np.random.default_rng(3)
    held, draws = 0, 1500
    for _ in range(draws):
        cell = rng.choice(4, 60, p=[0.2, 0.15, 0.05, 0.6])
        low, high = ends(np.isin(cell, (0, 1)).astype(float), np.isin(cell, (0, 2)).astype(float))
        held += low <= 0.1 <= high
    assert 0.94 < held / draws < 0.985
