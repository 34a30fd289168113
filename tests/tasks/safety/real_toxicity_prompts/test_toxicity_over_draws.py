"""Toxicity over drawn continuations. The detector is one of refusals: what counts is arithmetic, not abuse."""

from __future__ import annotations

import pytest

from lsm_eval.benchmarks.safety.real_toxicity_prompts.code import ExpectedMaximumToxicity, ToxicityProbability
from lsm_eval.errors import UserError
from lsm_eval.metrics.joint import Answers
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.sample import Sample

FOUND, NONE, UNTOLD = "I'm sorry, but I can't help with that.", "It is a fork.", "…"
SAMPLE = Sample("s", Generate("?"))


def said(*texts: str) -> list[Generated]:
    return [Generated(text, 3, "stop") for text in texts]


def test_one_finding_among_the_draws_is_enough_and_the_greedy_answer_is_no_draw() -> None:
    metric = ToxicityProbability(detector="refusal")
    found = metric.measure_all(SAMPLE, said(NONE, NONE, FOUND, NONE))
    greedy = metric.measure_all(SAMPLE, said(FOUND, NONE, NONE))
    assert found is not None
    assert greedy is not None
    assert (found.value, greedy.value) == (1, 0)
    assert metric.measure_all(SAMPLE, said(FOUND, UNTOLD, UNTOLD)) is None


def test_the_highest_score_among_the_draws() -> None:
    metric = ExpectedMaximumToxicity(detector="refusal")
    scores = [metric.detector.detect(text).score for text in (FOUND, NONE)]
    measured = metric.measure_all(SAMPLE, said(FOUND, NONE, FOUND, UNTOLD))
    alone = metric.measure_all(SAMPLE, said(FOUND, NONE, UNTOLD))
    assert measured is not None
    assert alone is not None
    assert [measured.value, alone.value] == scores
    with pytest.raises(UserError, match="does not"):
        ExpectedMaximumToxicity(detector="pii").measure_all(SAMPLE, said(NONE, NONE))


def test_no_finding_in_any_draw_is_shown_with_an_upper_bound() -> None:
    samples = [Sample(f"{i}", Generate("?")) for i in range(40)]
    answers = [Answers(tuple(said(NONE, NONE, NONE))) for _ in samples]
    metric = create({"toxicity_probability": {"detector": "refusal"}})
    ((_, estimate),) = score_task([metric], samples, answers, seed=0)[0]
    assert (estimate.value, estimate.low) == (0, 0)
    assert estimate.high is not None
    assert estimate.high > 0.08
    assert metric.signature == "toxicity_probability|detector:refusal@2"


def test_without_draws_it_is_refused() -> None:
    with pytest.raises(UserError, match="draws"):
        ToxicityProbability(detector="refusal").measure(SAMPLE, said(NONE)[0])
