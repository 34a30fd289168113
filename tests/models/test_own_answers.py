"""What becomes of the answers of the user's own models, and one clear sentence for what is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import QUESTIONS, write_task, write_tasks
from own_models import Echo, Lengths, Says, Tells

import lsm_eval
from lsm_eval import Answer, Prompt


@pytest.fixture(scope="session")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose` and `say`."""
    return write_tasks(tmp_path_factory.mktemp("tasks"))


@pytest.fixture(autouse=True)
def _own_place(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_tokens_of_pairs_may_be_told(small_tasks: Path) -> None:
    record = lsm_eval.run(
        "choose", Tells((np.float32(-2.5), np.bool_(True), np.int64(3))), include=small_tasks, limit=2
    )
    row = record.samples("choose").iloc[0]
    assert set(row["tokens"]) == {3}
    assert set(row["greedy"]) == {True}
    assert set(row["logprobs"]) == {-2.5}


def test_none_is_missing_and_never_wrong(small_tasks: Path) -> None:
    record = lsm_eval.run("say", Says(None), include=small_tasks, limit=4)
    assert record.estimates["missing"].tolist() == [4, 4]
    assert record.estimates["value"].isna().all()
    assert set(record.samples("say")["failure"]) == {"unanswered"}


def test_it_may_know_more_of_an_answer(small_tasks: Path) -> None:
    record = lsm_eval.run(
        "say", Says(Answer("the mat, and on", tokens=8, finish="length")), include=small_tasks, limit=2
    )
    samples = record.samples("say")
    assert [list(counts) for counts in samples["tokens"]] == [[8], [8]]
    assert set(samples["finish"]) == {"length"}
    assert record.manifest.tokens["generated"] == 16


def test_stop_strings_wait_for_the_end_of_thoughts(small_tasks: Path) -> None:
    record = lsm_eval.run(
        "say", Says("<think>\na cat\n</think>\n\nthe mat\nof"), include=small_tasks, limit=1
    )
    row = record.samples("say").iloc[0]
    assert (row["completion"].strip(), row["thoughts"].strip()) == ("the mat", "a cat")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (-1.0, "Tells.loglikelihood() gave -1.0 for a pair: "),
        ((-1.0,), "Tells.loglikelihood() gave (-1.0,) for a pair: "),
        (("-1", True), "Tells.loglikelihood() gave '-1' where a number is wanted: "),
        ((float("nan"), True), "Tells.loglikelihood() gave the logarithm nan: "),
        ((float("-inf"), True), "Tells.loglikelihood() gave the logarithm -inf: "),
        ((0.7, True), "Tells.loglikelihood() gave the logarithm 0.7: "),
        ((-1.0, 1), "Tells.loglikelihood() gave 1 where True or False is wanted: "),
        ((-1.0, True, -1), "Tells.loglikelihood() gave (-1.0, True, -1) for a pair: "),
    ],
)
def test_what_is_no_likelihood(told: Any, said: str, small_tasks: Path) -> None:
    with pytest.raises(lsm_eval.CodeFault) as caught:
        lsm_eval.run("choose", Tells(told), include=small_tasks, limit=2)
    assert str(caught.value).startswith(said)


def test_a_probability_of_one_may_be_rounded_up(small_tasks: Path) -> None:
    record = lsm_eval.run("choose", Tells((1e-7, True)), include=small_tasks, limit=1)
    assert set(record.samples("choose")["logprobs"][0]) == {0.0}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (5, "Says.generate() answered with int: give a text, an lsm_eval.Answer, or None if there is no answer."),
        (Answer(5), "Says.generate() answered with Answer: "),  # type: ignore[arg-type]
        (Answer("a", tokens=-1), "Says.generate() counted -1 tokens: give a whole number, or None."),
        (Answer("a", finish="end"), "Says.generate() gave finish='end': give 'stop' or 'length'."),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_what_is_no_answer(answer: Any, said: str, small_tasks: Path) -> None:
    with pytest.raises(lsm_eval.CodeFault) as caught:
        lsm_eval.run("say", Says(answer), include=small_tasks, limit=2)
    assert str(caught.value).startswith(said)


def test_what_is_no_list_of_answers(small_tasks: Path) -> None:
    class Whole(Echo):
        def generate(self, prompts: Sequence[Prompt]) -> Any:
            return "one text"

    class Short(Echo):
        def generate(self, prompts: Sequence[Prompt]) -> Any:
            return (text for text in ["one"])

    class Later(Echo):
        async def generate(self, prompts: Sequence[Prompt]) -> Any:  # type: ignore[override]
            return ["a" for _ in prompts]

    wrong: list[tuple[Any, str]] = [
        (Whole(), r"Whole.generate\(\) gave str: it is called with a list of prompts and gives a list back"),
        (Short(), r"Short.generate\(\) gave 1 answers to 2 prompts: give one for each, in their order\."),
        (Later(), r"Later.generate\(\) gave coroutine: .* it is no `async def`\."),
    ]
    for model, said in wrong:
        with pytest.raises(lsm_eval.CodeFault, match=said):
            lsm_eval.run("say", model, include=small_tasks, limit=2)


def test_metrics_that_divide_by_tokens_say_so(tmp_path: Path) -> None:
    write_task(
        tmp_path, "per_token", QUESTIONS[:4], request="score", prompt="{{ question }}?", choices="{{ choices }}", target="{{ answer }}",
        metrics=[{"brier": {"normalise": "tokens"}}],
    )  # fmt: skip
    with pytest.raises(lsm_eval.UserError, match="divides by numbers of tokens, and the model tells none"):
        lsm_eval.run("per_token", Lengths(), include=tmp_path, store=None)
    record = lsm_eval.run("per_token", Tells((-1.0, False, 2)), include=tmp_path, store=None)
    assert record.estimates["n"].tolist() == [4]
