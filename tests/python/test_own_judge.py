"""A judge that is an object, beside a model that is named or an object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, call, write_task
from own_models import Echo, Lengths, Says

import lsm_eval
from lsm_eval import Prompt

ROWS: list[dict[str, Any]] = [{"question": f"what is {n} of the cat", "answer": "yes"} for n in range(5)]


class Judge(Says):
    """Says yes to everything, and who it is."""

    name = "judge"
    fingerprint = "always yes"

    def __init__(self, answer: Any = "yes") -> None:
        super().__init__(answer)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Folder of a task that wants a judge."""
    fields = {**GENERATE, "target": "{{ answer }}", "metrics": ["judged_refusal"]}
    write_task(tmp_path / "tasks", "talk", ROWS, **fields)
    return tmp_path / "tasks"


def test_it_judges(talk: Path) -> None:
    judge = Judge()
    record = lsm_eval.run("talk", "builtin:says_no", judge=judge, include=talk)
    asked = [prompt for prompts in judge.asked for prompt in prompts]
    assert asked
    assert all(isinstance(prompt, Prompt) for prompt in asked)
    row = record.manifest.judge
    assert row is not None
    assert row.model.name == "judge"
    (metric,) = record.estimates["metric"]
    assert metric == "judged_refusal"
    assert record.estimates["n"].tolist() == [5]
    (word,) = record.manifest.command
    assert word.startswith("lsm_eval.run(tasks=['talk'], model='builtin:says_no', ")
    assert "judge=<Judge judge>" in word
    assert call("record", "check", record.path).code == 0


def test_what_it_said_is_kept_by_its_fingerprint(talk: Path) -> None:
    lsm_eval.run("talk", Lengths(), judge=Judge(), include=talk)
    again, model = Judge(), Lengths()
    lsm_eval.run("talk", model, judge=again, include=talk)
    assert not again.asked
    assert not model.asked


def test_nothing_is_kept_where_it_does_not_say_who_it_is(talk: Path, own_cache: Path) -> None:
    for _ in range(2):
        judge = Says("yes")
        lsm_eval.run("talk", "builtin:says_no", judge=judge, include=talk)
        assert judge.asked
    assert not (own_cache / "responses").exists()
    with pytest.raises(
        lsm_eval.UserError, match="store='kept' keeps answers by the model's fingerprint, and echo has none"
    ):
        lsm_eval.run("talk", "builtin:says_no", judge=Says("yes"), include=talk, store="kept")


def test_one_that_tells_likelihoods_is_read_by_them(talk: Path) -> None:
    class Likes(Lengths):
        name = "likes"

        def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, bool]]:
            super().loglikelihood(pairs)
            return [(-0.1 if "yes" in text.lower() else -9.0, False) for _, text in pairs]

    judge = Likes()
    lsm_eval.run("talk", "builtin:says_no", judge=judge, include=talk)
    assert judge.pairs
    assert not judge.asked


@pytest.mark.parametrize(
    ("judge", "keywords", "said"),
    [
        (Judge, {}, "the judge is the class Judge: give one of its objects, such as Judge()."),
        (5, {}, "the judge is a int, which has no method generate(): name a model by a text, or give an object that is asked as docs/python.md says."),
        (Judge(), {"judge_device": "cpu"}, "judge_device='cpu' says how a judge is run that is named by a text, and this one is an object: leave it out."),
        (Judge(), {"judge_base_url": "http://localhost:1"},
         "judge_base_url=('http://localhost:1',) says how a judge is run that is named by a text, and this one is an object: leave it out."),
    ],
)  # fmt: skip
def test_mistakes(judge: Any, keywords: dict[str, Any], said: str, talk: Path) -> None:
    with pytest.raises(lsm_eval.UserError) as caught:
        lsm_eval.run("talk", Echo(), judge=judge, include=talk, **keywords)
    assert str(caught.value) == said


@pytest.mark.parametrize("fingerprints", [(None, None), ("a", "b")])
def test_another_object_of_the_models_name_judges(
    talk: Path, fingerprints: tuple[str | None, str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    model, judge = Says("I will."), Says("yes")
    for one, fingerprint in zip((model, judge), fingerprints, strict=True):
        if fingerprint is not None:
            one.fingerprint = fingerprint  # type: ignore[attr-defined]
    record = lsm_eval.run("talk", model, judge=judge, include=talk)
    assert judge.asked
    row = record.manifest.judge
    assert row is not None
    assert not row.same_model
    assert "judges its own answers" not in capsys.readouterr().err


def test_an_object_that_judges_its_own_answers(talk: Path) -> None:
    both = Says("yes")
    row = lsm_eval.run("talk", both, judge=both, include=talk).manifest.judge
    assert row is not None
    assert row.same_model
