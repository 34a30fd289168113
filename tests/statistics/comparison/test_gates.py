"""A small part of `benchmarks/gates.py`, seeded: our rates in a few cells, the rules of others, and what the bars say."""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree

import gates_bars
import gates_cells
import numpy as np
import pytest
from gates_cells import Cell, drawn
from gates_picture import picture
from gates_rules import (
    FAIL,
    MARGIN,
    PASS,
    UNDECIDED,
    Seen,
    alone,
    clustered,
    evalsig,
    nel_compare,
    nel_gate,
    ours,
    relative,
    wilson,
)
from scipy import stats


@pytest.mark.parametrize(
    "cell", [Cell(200, 0.02, 0.0, False, 1), Cell(1319, 0.1, 0.0, False, 10), Cell(500, 0.1, 0.0, True, 1)]
)
def test_an_unchanged_model_fails_no_oftener_than_the_gate_says(cell: Cell) -> None:
    requests = 300 if cell.clustered else 2000
    found, _ = ours(drawn(cell, requests, np.random.default_rng(7)))
    assert (found == FAIL).mean() <= 0.01 + gates_bars.error(0.01, requests)


@pytest.mark.parametrize("cell", [Cell(1319, 0.05, MARGIN, False, 10), Cell(500, 0.05, MARGIN, True, 1)])
def test_a_loss_of_the_margin_passes_no_oftener_than_the_gate_says(cell: Cell) -> None:
    requests = 300 if cell.clustered else 2000
    _, each = ours(drawn(cell, requests, np.random.default_rng(7)))
    assert (each[:, 0] == PASS).mean() <= 0.05 + gates_bars.error(0.05, requests)


def test_two_points_of_1319_are_found_where_nel_gate_finds_few() -> None:
    seen = drawn(Cell(1319, 0.1, 0.02, False, 1), 4000, np.random.default_rng(7))
    assert (ours(seen)[0] == FAIL).mean() >= 0.45
    assert (nel_gate(seen) == FAIL).mean() == pytest.approx(0.08, abs=0.02)


def test_ten_looks_keep_the_rates_and_save_samples() -> None:
    same = gates_cells.stopped(Cell(10_000, 0.05, 0.0, False, 1), 300, 7)
    lost = gates_cells.stopped(Cell(10_000, 0.05, 2 * MARGIN, False, 1), 300, 7)
    assert same["fail"] <= 0.01 + gates_bars.error(0.01, 300)
    assert (same["used"] <= 0.5, lost["used"] <= 0.3, lost["fail"]) == (True, True, 1.0)


def test_clusters_of_one_are_judged_as_many_few_clusters_would_be() -> None:
    gained, lost = np.repeat([1, 0, 0], [10, 30, 160]), np.repeat([0, 1, 0], [10, 30, 160])
    one = clustered(gained, lost, np.ones(200, int))
    assert one.p_loss == pytest.approx(alone(200, 10, 30).p_loss, abs=1e-12)
    two = clustered(gained.reshape(20, 10).sum(axis=1), lost.reshape(20, 10).sum(axis=1), np.full(20, 10))
    assert two.p_loss is not None
    assert one.p_loss is not None
    assert two.p_loss > 2 * one.p_loss


@pytest.mark.parametrize("counts", [(0, 0), (3, 9), (20, 52), (60, 60), (10, 25)])
def test_rules_of_others_are_what_their_formulas_say_of_the_pairs(counts: tuple[int, int]) -> None:
    gained, lost = counts
    apart = np.repeat([1.0, -1.0, 0.0], [gained, lost, 1319 - gained - lost])
    seen = Seen(1319, np.array([[gained]]), np.array([[lost]]))
    spread = apart.std(ddof=1) / math.sqrt(1319)
    low, high = stats.t.interval(0.95, 1318, apart.mean(), spread) if spread else (0.0, 0.0)
    expected = FAIL if -high > MARGIN else PASS if -low <= MARGIN else UNDECIDED
    assert nel_gate(seen).item() == expected
    p = stats.binomtest(lost, gained + lost, alternative="greater").pvalue if gained + lost else 1.0
    proven = p < 0.05
    beyond = (lost - gained) / 1319 > MARGIN
    expected = FAIL if proven and beyond else PASS if not counts[1] else UNDECIDED
    assert nel_compare(seen).item() == expected


def test_clusters_count_in_nel_gate() -> None:
    rng = np.random.default_rng(3)
    seen = drawn(Cell(500, 0.1, MARGIN, True, 1), 20, rng)
    assert seen.clusters is not None
    gained, lost, sizes = seen.clusters
    for at, code in enumerate(nel_gate(seen)[:, 0].tolist()):
        apart = gained[at, 0] - lost[at, 0]
        mean = apart.sum() / 500
        error = math.sqrt(len(sizes) / (len(sizes) - 1) * float(((apart - mean * sizes) ** 2).sum())) / 500
        low, high = stats.norm.interval(0.95, -mean, error)
        assert code == (FAIL if low > MARGIN else PASS if high <= MARGIN else UNDECIDED)


def test_evalsig_wants_a_candidate_that_is_better() -> None:
    """Red for a model that did not change, once there are samples enough to know."""
    seen = Seen(10_000, np.array([[0], [100], [100], [400]]), np.array([[0], [100], [60], [100]]))
    assert evalsig(seen)[:, 0].tolist() == [FAIL, FAIL, FAIL, PASS]
    assert evalsig(Seen(200, np.array([[10]]), np.array([[10]]))).item() == UNDECIDED


def test_rules_of_two_scores() -> None:
    assert relative(100, np.array([80, 80]), np.array([76, 75])).tolist() == [PASS, FAIL]
    confint = pytest.importorskip("statsmodels.stats.proportion").proportion_confint
    low, high = confint(660, 1000, 0.05, "wilson")
    counts = np.array([math.floor(1000 * high), math.ceil(1000 * high), math.floor(1000 * (low + MARGIN))])
    found = wilson(1000, counts, np.full(3, 660))
    assert found.tolist() == [UNDECIDED, FAIL, PASS]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    cells = [
        Cell(n, differ, loss, False, 1)
        for n, differ in ((200, 0.02), (1319, 0.1))
        for loss in (0.0, MARGIN, 0.02)
    ]
    rows = [row for cell in cells for row in gates_cells.rows(cell, 1000, 7)]
    early = [gates_cells.stopped(Cell(10_000, 0.05, loss, False, 1), 50, 7) for loss in (0.0, 2 * MARGIN)]
    return {"seed": 7, "cells": rows, "stopping": early, "speed": {"gate": 6.0, "help": 0.1, "load": 0.0}}


def test_bars_say_what_is_missed_and_what_has_a_reason(found: dict[str, Any]) -> None:
    made = {bar.text[:20]: bar for bar in gates_bars.bars(found)}
    assert [bar.text for bar in made.values() if bar.missed] == [
        "10,000 samples of 100 metrics gated in under 5 s: 6.00 s"
    ]
    passes = made["an unchanged model p"]
    assert "200 pairs, 2 % differ" in passes.named[0]
    assert "nel gate" in passes.line


def test_a_rate_that_is_too_high_is_missed(found: dict[str, Any]) -> None:
    worse = [row | {"false_alarm": 0.03} if row["false_alarm"] is not None else row for row in found["cells"]]
    bar = gates_bars.bars(found | {"cells": worse})[0]
    assert len(bar.missed) == 2
    assert bar.line.startswith("MISSED")


def test_table_and_picture_hold_every_gate(found: dict[str, Any]) -> None:
    text = "\n".join(gates_bars.tables(found))
    drawing = ElementTree.fromstring("\n".join(picture(found["cells"])))
    words = [one.text for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
    for gate in {row["gate"] for row in found["cells"]}:
        assert text.count(f"| {gate} |") in (2, 6)
        assert words.count(gate) == 3
