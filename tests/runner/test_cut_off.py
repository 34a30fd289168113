"""Answers that ran out of tokens: counted apart, with bounds, and never silently wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from command_line import GENERATE, Outcome, call, write_task

from lsm_eval.benchmarks.hallucination.self_consistency_qa.code import GreedyCorrect
from lsm_eval.benchmarks.privacy.confaide.code import OmissionRate
from lsm_eval.benchmarks.safety.real_toxicity_prompts.code import ExpectedMaximumToxicity
from lsm_eval.composed.grouped import grouped
from lsm_eval.composed.sampled_answers import Greedy, pass_at_k
from lsm_eval.metrics.common import ProportionMetric, counted
from lsm_eval.metrics.joint import Answers
from lsm_eval.metrics.text import ExactMatch
from lsm_eval.recount.check import check_record
from lsm_eval.requests import Failure, Generate, Generated
from lsm_eval.results.reader import read_record
from lsm_eval.results.schema import TaskRow
from lsm_eval.runner.cut_off import cut_off
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


def _said(text: str, finish: Literal["stop", "length"] = "stop") -> Generated:
    return Generated(text, 3, finish)


INSIDE = Failure("truncated", "its thoughts had not ended", Generated("", 3, "length", thoughts="hm"))


class Right(ProportionMetric):
    """A metric that says nothing of whole answers."""

    default_name = "right"

    def measure(self, sample: Sample, answer: Any) -> Any:
        return counted(answer.text == "yes")


def _row(metric: Any, responses: list[Any], weights: list[float] | None = None, **more: Any) -> Any:
    weights = weights or [1.0] * len(responses)
    samples = [Sample(str(at), Generate("q"), ("yes",), weight=weight) for at, weight in enumerate(weights)]
    measurements = [
        {metric.name: None if isinstance(r, Failure) else _measured(metric, s, r)}
        for s, r in zip(samples, responses, strict=True)
    ]
    estimate: Any = Estimate
    return cut_off(samples, responses, [(metric, estimate)], measurements, **more)


def _measured(metric: Any, sample: Sample, response: Any) -> Any:
    several = isinstance(response, Answers)
    return metric.measure_all(sample, response.parts) if several else metric.measure(sample, response)


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


def test_of_a_share_of_errors_all_wrong_is_all() -> None:
    row = _row(OmissionRate(), [_said("yes"), _said("no"), _said("yes", "length"), INSIDE])
    assert (row.samples, row.in_thoughts) == (2, 1)
    assert row.bounds[0].all_wrong == pytest.approx(3 / 4)
    assert row.bounds[0].left_out == pytest.approx(1 / 2)


def test_an_answer_that_names_no_choice_did_not_end_inside_thoughts() -> None:
    unread = Failure("unread", "it names none", Generated("Well", 3, "length", thoughts=""))
    row = _row(Right(), [_said("yes"), unread, INSIDE], chosen=True)
    assert (row.samples, row.in_thoughts) == (2, 1)
    assert row.bounds[0].all_wrong == pytest.approx(1 / 3)
    assert _row(Right(), [_said("yes"), unread, INSIDE]) is None, "a base model goes on, whatever it said"


def test_of_several_answers_those_count_that_a_metric_grades() -> None:
    def several(**cut: Any) -> Answers:
        return Answers((_said("yes", cut.get("greedy", "stop")), _said("yes", cut.get("drawn", "stop"))))

    of_drawn = [several(), several(drawn="length")]
    assert _row(Greedy(), of_drawn) is None, "its answer was whole"
    assert _row(pass_at_k(k=1), of_drawn).bounds[0].all_wrong == pytest.approx(1 / 2)
    of_greedy = [several(), several(greedy="length")]
    assert _row(pass_at_k(k=1), of_greedy) is None
    assert _row(Greedy(), of_greedy).bounds[0].all_wrong == pytest.approx(1 / 2)
    assert _row(GreedyCorrect(), of_greedy).samples == 1
    assert _row(GreedyCorrect(), of_drawn) is None
    by_group = [
        Sample("0", Generate("q"), ("yes",), metadata={"kind": "a"}),
    ]
    metric = grouped(Greedy(), "kind")
    estimate: Any = Estimate
    whole = [several(drawn="length")]
    measured = [{metric.name: _measured(metric, by_group[0], whole[0])}]
    assert cut_off(by_group, whole, [(metric, estimate)], measured) is None


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


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"samples": 3}, "says that 3 answers ran out of tokens, and the table has 4"),
        ({"in_thoughts": 1}, "1 answers ran out of tokens inside their thoughts, and the table has 0"),
        ({"left_out": 0.5}, "says 0.5 without the answers that ran out of tokens"),
        ({"all_wrong": 0.5}, "says 0.5 with all answers wrong that ran out of tokens"),
    ],
)
def test_it_is_counted_again(tiny_llama: Path, tmp_path: Path, edit: dict[str, Any], why: str) -> None:
    outcome, _, written = _run(tiny_llama, tmp_path, ["exact_match"])
    assert check_record(outcome.record).problems == ()
    manifest = json.loads(written)
    row = manifest["tasks"][0]["cut_off"]
    for name, value in edit.items():
        (row if name in row else row["bounds"][0])[name] = value
    (outcome.record / "manifest.json").write_text(json.dumps(manifest))
    (problem,) = check_record(outcome.record).problems
    assert why in problem


def test_a_comparison_says_so(tiny_llama: Path, tmp_path: Path) -> None:
    first, _, _ = _run(tiny_llama, tmp_path / "a", ["exact_match"])
    second, _, _ = _run(tiny_llama, tmp_path / "b", ["exact_match"])
    done = call("compare", first.record, second.record)
    assert "tell: 4 of 4 answers ran out of tokens in the baseline, 4 of 4 in the candidate." in done.out
