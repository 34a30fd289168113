"""Answers that ran out of tokens: counted apart, with bounds, and never silently wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from command_line import GENERATE, Outcome, call, write_task

from lsm_eval.metrics.safety.toxicity import ExpectedMaximumToxicity
from lsm_eval.metrics.text import ExactMatch
from lsm_eval.requests import Failure, Generate, Generated
from lsm_eval.results.reader import read_record
from lsm_eval.results.schema import TaskRow
from lsm_eval.runner.cut_off import cut_off
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


def _said(text: str, finish: Literal["stop", "length"] = "stop") -> Generated:
    return Generated(text, 3, finish)


INSIDE = Failure("truncated", "its thoughts had not ended", Generated("", 3, "length", thoughts="hm"))


def _row(metric: Any, responses: list[Any], weights: list[float] | None = None) -> Any:
    weights = weights or [1.0] * len(responses)
    samples = [Sample(str(at), Generate("q"), ("yes",), weight=weight) for at, weight in enumerate(weights)]
    measurements = [
        {metric.name: None if isinstance(r, Failure) else metric.measure(s, r)}
        for s, r in zip(samples, responses, strict=True)
    ]
    estimate: Any = Estimate
    return cut_off(samples, responses, [(metric, estimate)], measurements)


def test_bounds_hold_whatever_the_answers_would_have_been() -> None:
    metric = ExactMatch()
    # Cut: one that is right as it is, one that is wrong, one that never began.
    row = _row(
        metric,
        [_said("yes"), _said("no"), _said("yes", "length"), _said("I", "length"), INSIDE, _said("yes")],
    )
    assert (row.samples, row.in_thoughts) == (3, 1)
    (bound,) = row.bounds
    assert bound.metric == "exact_match"
    assert bound.all_wrong == pytest.approx(2 / 6)
    assert bound.left_out == pytest.approx(2 / 3)


def test_other_failures_are_none_of_them() -> None:
    row = _row(ExactMatch(), [_said("yes"), Failure("refused", "no"), _said("I", "length")])
    assert (row.samples, row.in_thoughts) == (1, 0)
    assert row.bounds[0].all_wrong == pytest.approx(1 / 2)


def test_who_stops_inside_thoughts_by_itself_is_missing_and_not_cut_off() -> None:
    stopped = Failure("truncated", "it stopped inside its thoughts", Generated("", 3, "stop", thoughts="hm"))
    assert _row(ExactMatch(), [_said("yes"), stopped]) is None


def test_weights_count() -> None:
    row = _row(ExactMatch(), [_said("yes"), _said("I", "length")], [1.0, 3.0])
    assert row.bounds[0].all_wrong == pytest.approx(1 / 4)
    assert row.bounds[0].left_out == 1.0


def test_nothing_left_is_no_zero() -> None:
    row = _row(ExactMatch(), [_said("I", "length")])
    assert row.bounds[0].all_wrong == 0.0
    assert row.bounds[0].left_out is None


def test_where_none_is_cut_off_or_a_length_is_by_design_there_is_no_row() -> None:
    assert _row(ExactMatch(), [_said("yes"), _said("no")]) is None
    assert not getattr(ExpectedMaximumToxicity, "grades", False)


def _run(model: Path, tmp_path: Path, metrics: list[Any]) -> tuple[Outcome, TaskRow, str]:
    rows = [{"question": f"the cat {at}", "answer": "yes"} for at in range(4)]
    fields = {**GENERATE, "target": "{{ answer }}", "metrics": metrics, "stop": [], "max_tokens": 3}
    write_task(tmp_path / "tasks", "tell", rows, **fields)
    outcome = call(
        "run", "--tasks", "tell", "--include", tmp_path / "tasks", "--model", str(model), "--out", tmp_path / "r",
    )  # fmt: skip
    (manifest,) = (tmp_path / "r").glob("*/*/manifest.json")
    return outcome, read_record(manifest.parent).tasks["tell"], manifest.read_text()


def test_a_run_warns_and_records(tiny_llama: Path, tmp_path: Path) -> None:
    outcome, row, _ = _run(tiny_llama, tmp_path, ["exact_match"])
    assert "tell: warning: 4 of 4 answers ran out of tokens (100.0 %): exact_match 0.0 %" in outcome.err
    assert "--max-tokens" in outcome.err
    assert row.cut_off is not None
    assert (row.cut_off.samples, row.cut_off.bounds[0].left_out) == (4, None)


def test_texts_of_a_length_by_design_are_not_counted(tiny_llama: Path, tmp_path: Path) -> None:
    outcome, row, written = _run(tiny_llama, tmp_path, ["rouge1"])
    assert "ran out of tokens" not in outcome.err
    assert row.cut_off is None
    assert "cut_off" not in written, "such records are as they always were"
