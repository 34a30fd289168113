"""XSum and DialogSum, grounded: prompts shared with the tasks of summarisation, and what people's own summaries score."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirrored_tasks import metrics_of, samples_of

from lsm_eval.requests import Generated
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate


@pytest.mark.parametrize(("task", "other"), [("xsum_grounded", "xsum"), ("dialogsum_grounded", "dialogsum")])
def test_prompts_are_those_of_the_summarisation_task(task: str, other: str, hub_mirror: Path) -> None:
    """So that a run of both asks a model only once."""
    samples, summarised = samples_of(task, hub_mirror), samples_of(other, hub_mirror)
    assert {s.request for s in samples} == {s.request for s in summarised}
    assert len({s.id for s in samples}) == len(samples)


def of_references(task: str, hub_mirror: Path) -> dict[str, Estimate]:
    """The task's metrics of its reference summaries."""
    samples = samples_of(task, hub_mirror)
    answers = [Generated(str(sample.target[0]), 9, "stop") for sample in samples]
    found, _ = score_task(metrics_of(task), samples, answers, seed=0)
    return {metric.name: estimate for metric, estimate in found}


@pytest.mark.slow
def test_reference_summaries_are_no_more_grounded_than_people_say(hub_mirror: Path) -> None:
    """XSum's references say more than their articles (a majority of annotators marks a span in 86 % of them), and
    DialogSum's rephrase: the figures of docs/groundedness.md."""
    found = of_references("xsum_grounded", hub_mirror)
    assert found["ungrounded_rate"].value == pytest.approx(0.732, abs=5e-4)
    assert found["ungrounded_rate"].n == 999, "one article is empty"
    assert "is above the card's sensitivity" in found["ungrounded_corrected"].method
    assert of_references("dialogsum_grounded", hub_mirror)["ungrounded_rate"].value == pytest.approx(
        0.459, abs=5e-4
    )
    assert len(samples_of("dialogsum_grounded", hub_mirror)) == 500
