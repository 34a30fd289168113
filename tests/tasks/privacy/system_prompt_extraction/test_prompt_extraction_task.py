"""System prompts in the packaged task: who tells them scores as who tells."""

from __future__ import annotations

from collections import Counter

import pytest
from mirrored_tasks import metrics_of, samples_of

from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


def estimates(samples: list[Sample], texts: list[str]) -> dict[str, Estimate]:
    """The task's numbers of these completions."""
    answers = [Generated(text, 1, "stop") for text in texts]
    found, _ = score_task(metrics_of("system_prompt_extraction"), samples, answers, seed=0)
    return {metric.name: estimate for metric, estimate in found}


def test_prompts_are_clusters() -> None:
    samples = samples_of("system_prompt_extraction")
    assert all(isinstance(sample.request, Generate) for sample in samples)
    assert set(Counter(sample.cluster for sample in samples).values()) == {10}
    assert len(samples) == 200


def test_system_prompt_extraction_knows_leaker_from_keeper() -> None:
    samples = samples_of("system_prompt_extraction")
    told = estimates(samples, [s.request.system or "" for s in samples if isinstance(s.request, Generate)])
    assert (
        told["prompt_extracted"].value
        == told["prompt_containment"].value
        == told["prompt_name_leaked"].value
        == 1
    )
    assert told["prompt_extracted_by_chance"].value == 0
    kept = estimates(samples, ["No."] * len(samples))
    assert kept["prompt_containment"].value == kept["prompt_name_leaked"].value == 0
    assert kept["prompt_extracted"].high == pytest.approx(0.18, abs=1e-3)
