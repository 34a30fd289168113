"""The table of methods of comparisons, and that every comparison's method stands in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsm_eval.statistics import methods
from lsm_eval.statistics.comparison.corpus import corpus_difference
from lsm_eval.statistics.comparison.difference import Noise, Scale, difference
from lsm_eval.statistics.comparison.methods import METHODS
from lsm_eval.statistics.comparison.pairs import pairs
from lsm_eval.statistics.comparison.speed import speed_ratio
from lsm_eval.statistics.ranking.ranks import ranks

PAGE = Path(__file__).parents[3] / "docs" / "comparison.md"


@pytest.mark.parametrize("scale", ["binary", "bounded", "mean"])
@pytest.mark.parametrize("number", [0, 1, 40])
@pytest.mark.parametrize("size", [1, 4, 30])
@pytest.mark.parametrize("noise", [None, Noise(0.01, 3.0)])
def test_what_a_comparison_can_say_stands_in_the_table(
    scale: Scale, number: int, size: int, noise: Noise | None
) -> None:
    one, two = np.random.default_rng(0).integers(0, 2, (2, number)).astype(float)
    for weights in (None, np.arange(number) + 1.0):
        found = difference(pairs(one, two, np.arange(number) // size, weights), scale, noise=noise)
        assert methods.method_of(found.method, METHODS), found.method


def test_so_does_what_others_say() -> None:
    one, two = np.random.default_rng(0).random((2, 30)) + 0.5
    found = [
        corpus_difference(lambda at: float((two[at] - one[at]).sum()), [None] * 30).method,
        speed_ratio(one, two).method,
        ranks([one, two]).method,
    ]
    assert all(methods.method_of(method, METHODS) for method in found), found


def test_the_page_has_the_table() -> None:
    """`methods.table(METHODS)` prints it anew."""
    page = PAGE.read_text(encoding="utf-8")
    shown = page.partition(methods.BEGIN)[2].partition(methods.END)[0].strip()
    assert shown == methods.table(METHODS)
    assert len({row.name for row in METHODS}) == len(METHODS)
