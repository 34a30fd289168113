"""A model against the field: areas, strengths and weaknesses, curves, the command."""

from __future__ import annotations

import shlex
import subprocess
from statistics import NormalDist

import numpy as np
import pytest
from records import estimate

from lsm_eval.leaderboard.model_view.areas import area_mean
from lsm_eval.leaderboard.model_view.command import shell_command
from lsm_eval.leaderboard.model_view.curves import profile_view
from lsm_eval.leaderboard.model_view.standing import bounded, peer_numbers, standings
from lsm_eval.results.profile_rows import CellRow, MeasuredRow, ProfileRow, SelfCheckRow, WorkloadRow
from lsm_eval.results.schema import EstimateRow


def row(name: str, value: float | None, half: float = 0.05, **other: object) -> EstimateRow:
    ends = {} if value is None else {"low": value - half, "high": value + half}
    return EstimateRow.model_validate({**estimate(name, value=value), **ends, **other})


def test_the_mean_of_an_area_turns_what_is_better_lower() -> None:
    rows = [
        row("a", 0.8, 0.03),
        row("b", 0.2, 0.04, higher_is_better=False),
        row("c", 40.0, 0.0, unit="points"),
    ]
    mean = area_mean("quality", rows)
    assert mean is not None
    assert mean.value == pytest.approx((0.8 + 0.8 + 0.4) / 3)
    assert mean.tasks == ("a", "b", "c")
    assert mean.turned == ("b",)
    # Distances to the ends add up as squares do: sqrt(3² + 4²) / 3 hundredths.
    assert mean.low == pytest.approx(mean.value - 0.05 / 3)
    assert mean.high == pytest.approx(mean.value + 0.05 / 3)


def test_unequal_ends_change_sides_where_lower_is_better() -> None:
    mean = area_mean("safety", [row("a", 0.2, low=0.19, high=0.25, higher_is_better=False)])
    assert mean is not None
    assert mean.low == pytest.approx(0.75)
    assert mean.high == pytest.approx(0.81)


def test_what_cannot_be_averaged_is_named_and_left_out() -> None:
    rows = [
        row("a", 0.8),
        row("wiki", 12.0, unit="perplexity"),
        row("odd", 0.5, higher_is_better=None),
        row("gone", None),
    ]
    mean = area_mean("quality", rows)
    assert mean is not None
    assert mean.tasks == ("a",)
    assert mean.without == ("wiki", "odd", "gone")
    assert area_mean("quality", rows[1:]) is None
    bare = area_mean("quality", [row("a", 0.8), row("b", 0.6, low=None, high=None)])
    assert bare is not None
    assert bare.value == pytest.approx(0.7)
    assert bare.low is None, "an interval of one task is none of the mean"


def test_better_and_worse_are_told_by_intervals_that_do_not_meet() -> None:
    others = peer_numbers([row("a", value, 0.02) for value in (0.5, 0.52, 0.54)])
    verdicts = [standings([(row("a", value, 0.02), others)])[0].verdict for value in (0.7, 0.55, 0.3)]
    assert verdicts == ["better", "not told apart", "worse"]
    (lower,) = standings([(row("a", 0.7, 0.02, higher_is_better=False), others)])
    assert lower.verdict == "worse"
    assert lower.median == pytest.approx(0.52)
    assert lower.low == pytest.approx(0.50)
    assert lower.high == pytest.approx(0.54)


def test_intervals_widen_with_the_number_of_verdicts() -> None:
    others = peer_numbers([row("a", 0.5, 0.02)] * 3)
    pair = (row("a", 0.545, 0.02), others)
    assert standings([pair])[0].verdict == "better"
    many = standings([pair] * 20)
    assert {one.verdict for one in many} == {"not told apart"}
    wider = NormalDist().inv_cdf(1 - 0.025 / 20) / NormalDist().inv_cdf(0.975)
    assert many[0].high == pytest.approx(0.5 + 0.02 * wider)


def test_there_is_no_verdict_without_a_field_or_an_interval() -> None:
    two = peer_numbers([row("a", 0.1, 0.01)] * 2)
    three = peer_numbers([row("a", 0.1, 0.01)] * 3)
    assert standings([(row("a", 0.9), two)]) == []
    assert standings([(row("a", 0.9, low=None, high=None), three)]) == []
    assert standings([(row("a", 0.9, higher_is_better=None), three)]) == []
    assert not bounded(row("a", None))
    assert len(standings([(row("a", 0.9), three)])) == 1


def test_equal_models_are_seldom_called_better_or_worse() -> None:
    """Six models of the same skill on forty tasks: a wrong verdict on fewer than one model in twenty, and by far."""
    draws = np.random.default_rng(5)
    wrong = 0
    for _ in range(60):
        n = 200
        found = draws.binomial(n, 0.6, size=(6, 40)) / n
        half = 1.96 * np.sqrt(found * (1 - found) / n)
        rows = [[row("a", float(found[m, t]), float(half[m, t])) for t in range(40)] for m in range(6)]
        pairs = [(rows[0][t], peer_numbers([rows[m][t] for m in range(1, 6)])) for t in range(40)]
        wrong += any(one.verdict != "not told apart" for one in standings(pairs))
    assert wrong <= 3


def test_the_command_is_what_a_shell_reads_and_holds_no_secret() -> None:
    words = [
        "lsm-eval",
        "run",
        "--model",
        "hf:a b",
        "--name",
        "it's; rm -rf $HOME `x`",
        "--set",
        "x\ny\x1b[0m",
        "--t",
        "é 模型",
    ]
    command = shell_command(words)
    assert "\n" not in command
    assert "\x1b" not in command
    printed = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True)
    assert printed.stdout.decode().split("\0")[:-1] == words
    secret = shell_command(["lsm-eval", "--url", "https://me:pw@host/?key=abcdef", "hf_abcdefghijklmnopqrst"])
    assert "pw@" not in secret
    assert "abcdef" not in secret
    assert len(shlex.split(secret)) == 4


def measured(metric: str, value: float | None, unit: str, **other: object) -> MeasuredRow:
    return MeasuredRow.model_validate({"metric": metric, "unit": unit, "higher_is_better": unit != "s", "value": value, "method": "t(repeats)", "n": 9, **other})  # fmt: skip


def cell(concurrency: int, rate: float, latency: float, **other: object) -> CellRow:
    metrics = [
        measured("output_tokens_per_second", rate, "tokens/s", low=rate - 1, high=rate + 1),
        measured("ttft_p50", latency, "s", low=latency * 0.9, high=latency * 1.1),
        measured("ttft_p99", latency * 2, "s", enough=False),
    ]
    return CellRow.model_validate(
        {"name": f"c{concurrency}", "title": f"{concurrency} at once", "conditions": {"loop": "closed", "concurrency": concurrency, "prompt_tokens": 128}, "metrics": metrics, **other}
    )  # fmt: skip


def profile(*cells: CellRow, **other: object) -> ProfileRow:
    workload = WorkloadRow(name="random tokens", sha256="ab" * 32)
    return ProfileRow.model_validate(
        {"kind": "serving", "version": 1, "formulas": "vllm", "workload": workload, "asked": {}, "cache": "cold", "machine": "a CPU", "cells": list(cells), **other}
    )  # fmt: skip


def test_curves_go_along_what_was_swept_and_leave_out_what_the_client_was() -> None:
    bound = SelfCheckRow(client_bound=True, reasons=["the event loop came late"])
    view = profile_view(profile(cell(8, 80.0, 0.4), cell(1, 20.0, 0.1), cell(64, 90.0, 3.0, check=bound)))
    assert [curve.latency for curve in view.curves] == ["ttft_p50", "ttft_p99"]
    first = view.curves[0]
    assert first.throughput == "output_tokens_per_second"
    assert first.swept == "concurrency"
    (line,) = first.chart.series
    assert [mark.text for mark in line] == ["1", "8"]
    assert line[0].x < line[1].x
    assert line[0].y > line[1].y, "a longer wait stands higher, and SVG counts from above"
    assert line[0].low is not None
    assert line[0].left is not None
    assert all(mark.faint for mark in view.curves[1].chart.series[0]), "too few for a p99"
    assert view.kept_out == 1
    assert view.cells[2].why_not == ("the event loop came late",)


def test_a_line_for_each_workload() -> None:
    long = cell(1, 10.0, 0.5)
    long = long.model_copy(update={"name": "long", "conditions": {**long.conditions, "prompt_tokens": 2048}})
    view = profile_view(profile(cell(1, 20.0, 0.1), cell(8, 80.0, 0.4), long))
    assert view.curves[0].names == ("prompt_tokens 128", "prompt_tokens 2048")
    assert [len(line) for line in view.curves[0].chart.series] == [2, 1]


def test_a_profile_that_was_stopped_has_no_curve_and_all_its_numbers() -> None:
    view = profile_view(profile(cell(1, 20.0, 0.1), stopped="out of memory"))
    assert view.curves == ()
    assert len(view.cells[0].numbers) == 3
    missing = CellRow(name="x", title="x", conditions={}, metrics=[], missing="too little memory")
    assert profile_view(profile(missing)).curves == ()


def test_each_phase_has_its_own_throughput_and_each_loop_its_own_line() -> None:
    def made(metric: str, **conditions: object) -> CellRow:
        name = "_".join(map(str, conditions.values()))
        metrics = [measured(metric, 9.0, "tokens/s"), measured("latency", 1.0, "s")]
        return CellRow(name=name, title=name, conditions=conditions, metrics=metrics)

    offline = [made("input_tokens_per_second", phase="prefill", batch=size) for size in (1, 2)]
    offline += [made("output_tokens_per_second", phase="decode", batch=size) for size in (1, 2)]
    view = profile_view(profile(*offline))
    assert [(curve.phase, curve.throughput, curve.swept) for curve in view.curves] == [
        ("prefill", "input_tokens_per_second", "batch"),
        ("decode", "output_tokens_per_second", "batch"),
    ]
    assert [mark.text for mark in view.curves[0].chart.series[0]] == ["1", "2"], "one batch a point"
    served = [
        made("output_tokens_per_second", phase="serving", loop="closed", concurrency=size) for size in (1, 2)
    ]
    served += [
        made("output_tokens_per_second", phase="serving", loop="open", rate=rate) for rate in (0.5, 1.5)
    ]
    (curve,) = profile_view(profile(*served)).curves
    assert curve.names == ("loop closed", "loop open")
    assert [[mark.text for mark in line] for line in curve.chart.series] == [["1", "2"], ["0.5", "1.5"]]
    assert curve.swept == "concurrency, rate"
    (alone,) = profile_view(profile(served[3])).curves
    assert alone.swept == "rate", "what stands at the point is what its axis says"
