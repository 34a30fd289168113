"""The table of methods, and that every estimate's method stands in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsm_eval.statistics import methods
from lsm_eval.statistics.intervals import estimate, estimate_corpus

PAGE = Path(__file__).parents[2] / "docs" / "intervals.md"


class Number:
    def __init__(self, unit: str, *, mean: bool, proportion: bool = False) -> None:
        self.unit, self.mean, self.proportion = unit, mean, proportion

    def aggregate(self, sums: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(sums[..., 0] / sums[..., 1])


@pytest.mark.parametrize("unit", ["fraction", "points", "other"])
@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("number", [0, 1, 3, 40])
@pytest.mark.parametrize("size", [1, 2, 20])
def test_what_estimate_can_say_stands_in_the_table(unit: str, mean: bool, number: int, size: int) -> None:
    rng = np.random.default_rng(0)
    clusters = [None if size == 1 else str(i // size) for i in range(number)]
    for values in (rng.random(number), (rng.random(number) < 0.5).astype(float)):
        stats = np.column_stack([values, np.ones(number)])
        metric = Number(unit, mean=mean, proportion=mean)
        found = estimate(metric, stats, clusters, missing=0, ties=0, seed=0)
        assert methods.method_of(found.method), found.method
    found = estimate_corpus(lambda at: float(len(at)), clusters, missing=0, seed=0)
    assert methods.method_of(found.method), found.method


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("wilson", "wilson"), ("wilson(12 trials)", "wilson"), ("wilson(effective, clusters)", "wilson(effective"),
        ("wilson(effective, macro, clusters)", "wilson(effective, macro"),
        ("t(clusters)", "t"), ("jackknife(20 groups)", "jackknife"), ("newcombe(wilson, wilson)", "newcombe"),
        ("rogan-gladen(models, clusters)", "rogan-gladen"), ("projection(kappa)", "projection(kappa"),
        ("none (one cluster)", None), ("tarot", None),
    ],
)  # fmt: skip
def test_a_method_is_found_by_its_beginning(method: str, name: str | None) -> None:
    found = methods.method_of(method)
    if method.startswith("none"):
        assert found is not None
        assert found.name == "none"
    else:
        assert (found.name if found else None) == name


def test_the_fingerprint_changes_with_a_version_and_with_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = methods.fingerprint()
    rows = methods.METHODS
    monkeypatch.setattr(methods, "METHODS", tuple(reversed(rows)))
    assert methods.fingerprint() == before
    monkeypatch.setattr(methods, "METHODS", (replace(rows[0], version=rows[0].version + 1), *rows[1:]))
    assert methods.fingerprint() != before
    assert len({row.name for row in rows}) == len(rows)


def test_the_page_has_the_table() -> None:
    """`python -c 'from lsm_eval.statistics.methods import table; print(table())'` prints it anew."""
    page = PAGE.read_text(encoding="utf-8")
    shown = page.partition(methods.BEGIN)[2].partition(methods.END)[0].strip()
    assert shown == methods.table()
