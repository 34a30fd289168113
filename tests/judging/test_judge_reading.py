"""From a question to a request, and from what came back to a judgement."""

from __future__ import annotations

import math

import pytest

from lsm_eval.judging.reading import Judgement, as_request, read
from lsm_eval.judging.rubric import Question
from lsm_eval.requests import Failure, Generate, Generated, Likelihood, Score, Scored

YES_NO = Question("r", "q", "Is it so?", ("yes", "no"), "Answer:", 0.01)
SCALE = Question("r", "q", "How much?", ("1", "2", "3", "4", "5"), "Answer:", 0.01)


def scored(*probabilities: float) -> Scored:
    number = len(probabilities)
    return Scored(
        tuple(math.log(p) if p else -math.inf for p in probabilities), (1,) * number, (False,) * number
    )


def test_requests() -> None:
    assert as_request(YES_NO, "likelihood", chat=False) == Score(
        "Is it so?\nAnswer:", (" yes", " no", " Yes", " No")
    )
    assert as_request(YES_NO, "likelihood", chat=True) == Score(
        "Is it so?", ("yes", "no", "Yes", "No"), chat=True
    )
    text = as_request(YES_NO, "text", chat=True)
    assert isinstance(text, Generate)
    assert (text.prompt, text.chat, text.temperature) == ("Is it so?", True, 0.0)
    number = as_request(SCALE, "likelihood", chat=False)
    assert isinstance(number, Score)
    assert number.continuations == (" 1", " 2", " 3", " 4", " 5")


@pytest.mark.parametrize(
    ("probabilities", "answer", "share"),
    [
        ((0.6, 0.2, 0.0, 0.0), "yes", 0.75),
        # The spellings of an answer count together: the likeliest single one is not the answer here.
        ((0.3, 0.4, 0.2, 0.05), "yes", 0.5 / 0.95),
        ((0.0, 0.0, 0.0, 0.5), "no", 1.0),
    ],
)
def test_the_likeliest_answer(probabilities: tuple[float, ...], answer: str, share: float) -> None:
    found = read(YES_NO, scored(*probabilities))
    assert found.answer == answer
    assert found.share == pytest.approx(share)


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (scored(0.25, 0.25, 0.0, 0.0), "tie"),
        (scored(0.004, 0.001, 0.0, 0.0), "improbable"),
        (scored(0.0, 0.0, 0.0, 0.0), "improbable"),
        (Scored((math.nan, -1.0, -1.0, -1.0), (1,) * 4, (False,) * 4), "nan"),
        (Failure("too_long", "9 tokens"), "too_long"),
        (Failure("nan", ""), "nan"),
        (Failure("unsupported", ""), "unsupported"),
        (Likelihood(-1.0, 1), "unsupported"),
    ],
)
def test_could_not_judge(response: Scored | Failure | Likelihood, why: str) -> None:
    assert read(YES_NO, response) == Judgement(None, why)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", "yes"),
        (" Yes.", "yes"),
        ("\n**No**\nbecause", "no"),
        ('"no".', "no"),
        ("yes, because", None),
        ("I think yes", None),
        ("yes no", None),
        ("", None),
        ("maybe", None),
        ("1", None),
    ],
)
def test_a_written_answer_is_one_allowed_answer_and_nothing_else(text: str, answer: str | None) -> None:
    found = read(YES_NO, Generated(text, 3, "stop"))
    assert (found.answer, found.why) == (answer, None if answer else "unread")


@pytest.mark.parametrize(
    ("text", "answer"), [("4", "4"), ("4.", "4"), ("4.5", None), ("6", None), ("4/5", None)]
)
def test_a_written_number(text: str, answer: str | None) -> None:
    assert read(SCALE, Generated(text, 1, "stop")).answer == answer
