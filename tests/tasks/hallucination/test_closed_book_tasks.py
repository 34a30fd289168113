"""Closed-book questions (NQ-open, TriviaQA, Chinese SimpleQA): data as pinned, prompts as meant, a row without a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirrored_tasks import row, samples_of, table_of

from lsm_eval.requests import Generate
from lsm_eval.tasks.registry import Registry, load_task

ROWS = {"nq_open": 3610, "trivia_qa": 7993, "simpleqa_zh": 3000}
SHOTS = 5


@pytest.mark.parametrize("name", ROWS)
def test_the_data_are_as_pinned_and_render(name: str, hub_mirror: Path) -> None:
    rows = table_of(name, hub_mirror)
    assert len(rows.rows) == len(set(rows.ids)) == ROWS[name]
    for sample in samples_of(name, hub_mirror, limit=30, shots=SHOTS):
        assert sample.target
        assert all(str(part).strip() for part in sample.target)


@pytest.mark.parametrize("name", ROWS)
def test_examples_are_no_questions_of_the_set_and_one_abstains(name: str, hub_mirror: Path) -> None:
    fewshot = load_task(Registry().tasks[name]).task.fewshot
    asked = {given["question"].lower().strip("?？") for given in table_of(name, hub_mirror).rows}
    shown = [example["question"].lower().strip("?？") for example in fewshot.examples]
    assert not asked & set(shown)
    assert fewshot.shots == len(shown) == SHOTS
    sample = samples_of(name, hub_mirror, limit=1, shots=SHOTS)[0]
    assert isinstance(sample.request, Generate)
    assert sample.request.prompt.count("\n\n") == SHOTS + 1
    examples = sample.request.prompt.split("\n\n", 1)[1]
    assert sum(word in examples for word in ("I don't know", "我不知道")) == 1


@pytest.mark.parametrize("name", ROWS)
def test_says_no_abstains_and_scores_nothing(name: str, hub_mirror: Path) -> None:
    samples = samples_of(name, hub_mirror, limit=100, shots=SHOTS)
    found = {metric: estimate.value for metric, estimate in row(name, "says_no", samples).items()}
    assert found.pop("qa_abstained") == 1.0
    assert found.pop("qa_correct_attempted") is None
    assert set(found.values()) == {0.0}
