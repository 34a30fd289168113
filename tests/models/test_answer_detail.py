"""Answers that tell of each token, or of the text that was generated: asked for, resumed, and refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError
from tiny_models import save_encoder_model

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.request_json import dump_answer, load_answer
from lsm_eval.requests import (
    Failure,
    Generate,
    Generated,
    Likelihood,
    Perplexity,
    Request,
    Response,
    Score,
    Scored,
)
from lsm_eval.tasks.schema import Task

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ("the cat sat on the mat", "nothing at all", "the cat sat on the log and the dog", "yes or no " * 20)


def answers(folder: Path, requests: Sequence[Request], known: Sequence[int] = ()) -> dict[int, Response]:
    model = create(str(folder), ModelOptions(device="cpu"))
    return {i: response for batch in model.answer(requests, known) for i, response in batch.items()}


def test_detail_is_answered_beside_everything_else(tiny_llama: Path) -> None:
    requests: list[Request] = [Perplexity(text, detail=True) for text in TEXTS]
    requests += [Perplexity(TEXTS[0]), Perplexity("", detail=True), Score("the cat", (" sat", " log"))]
    requests += [Generate(text[:20], max_tokens=5, detail=True) for text in TEXTS]
    found = answers(tiny_llama, requests)
    assert sorted(found) == list(range(len(requests)))
    detailed, plain, empty = found[0], found[4], found[5]
    assert isinstance(detailed, Likelihood)
    assert isinstance(plain, Likelihood)
    assert isinstance(found[6], Scored)
    assert len(detailed.each) == len(detailed.means) == len(detailed.deviations) == detailed.tokens
    assert detailed.logprob == pytest.approx(plain.logprob, abs=1e-3)
    assert empty == Likelihood(0.0, 0)
    assert load_answer(dump_answer(detailed)) == detailed
    for number in range(7, 11):
        text = found[number]
        assert isinstance(text, Generated)
        assert text.text == "" or (text.logprob is not None and text.logprob < 0)
        assert load_answer(dump_answer(text)) == text


def test_a_resumed_run_gives_the_same(tiny_llama: Path) -> None:
    requests: list[Request] = [Perplexity(text, detail=True) for text in TEXTS]
    whole = answers(tiny_llama, requests)
    assert answers(tiny_llama, requests, known=[0, 2]) == {i: whole[i] for i in (1, 3)}


def test_other_families_refuse(tmp_path: Path) -> None:
    folder = save_encoder_model(tmp_path / "t5", "t5")
    found = answers(
        folder, [Perplexity("the cat", detail=True), Generate("the cat", max_tokens=3, detail=True)]
    )
    for response in found.values():
        assert isinstance(response, Failure)
        assert response.reason == "unsupported"
    assert isinstance(answers(folder, [Generate("the cat", max_tokens=3)])[0], Generated)


def test_choices_have_no_detail() -> None:
    with pytest.raises(ValidationError, match="takes no detail"):
        Task.model_validate(
            {
                "task": "t",
                "version": 1,
                "title": "T",
                "area": "privacy",
                "dataset": {"file": "t.jsonl", "columns": ["q"]},
                "request": "score",
                "prompt": "{{ q }}",
                "choices": ["a", "b"],
                "detail": True,
                "metrics": ["acc"],
                "licence": "CC0-1.0",
                "source": "made here",
            }
        )
