"""How the choices of a task are listed where the letter of one is wanted."""

from __future__ import annotations

import pytest

from lsm_eval.errors import UserError
from lsm_eval.reading.chosen_option import chosen
from lsm_eval.requests import Score
from lsm_eval.runner.written_choices.wording import listed

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")


def test_choices_are_listed_under_letters_in_an_order_of_their_own() -> None:
    score = Score("Which one?", (" the mat", " a log", " yes"))
    found = [listed(score, " ", chat=True, draw=f"0/{at}/0") for at in range(60)]
    request, shown = found[0]
    lines = [f"{label}. {text}" for label, text in zip("ABC", shown.texts, strict=True)]
    assert request.prompt == (
        "Which one?\n\nThe text above goes on with one of these:\n"
        + "\n".join(lines)
        + "\n\nReply with the letter of the one that fits best, and nothing else."
    )
    assert (request.chat, request.choices, request.temperature) == (True, (), 0.0)
    assert [("the mat", "a log", "yes")[place] for place in shown.places] == list(shown.texts)
    first = sum(shown.places[0] == 0 for _, shown in found)
    assert 10 <= first <= 30, "the first choice, which may always be the right one, stands anywhere"
    assert listed(score, " ", chat=True, draw="0/0/0") == found[0]
    plain, _ = listed(score, " ", chat=False, draw="0/0/0")
    assert plain.prompt.endswith("C. " + shown.texts[2] + "\nThe letter of the one that fits best:")
    assert (plain.stop, plain.chat) == (("\n\n",), False)


def test_letters_of_the_tasks_own_stay() -> None:
    score = Score("Q?\nA. x\nB. y\nAnswer:", (" A", " B"))
    request, shown = listed(score, " ", chat=False, draw="0")
    assert request.prompt == score.context
    assert (shown.labels, shown.texts, shown.places, shown.own) == (("A", "B"), ("x", "y"), (0, 1), True)
    chat, _ = listed(score, " ", chat=True, draw="0")
    assert chat.prompt == f"{score.context}\n\nReply with A or B, and nothing else."
    assert listed(Score("问：A：甲 B：乙\n答：", ("A", "B")), "", chat=False, draw="0")[1].texts == ("A", "B")
    shots = Score("Q\nA. u\nB. v\nAnswer: A\n\nQ\nA. the mat\nB. a log\nAnswer:", (" A", " B"))
    own = listed(shots, " ", chat=False, draw="0")[1]
    said = {
        "B. a log": 1,
        " B": 1,
        "the mat": 0,
        "The answer is (A).": 0,
        "**B**\n": 1,
        "A or B": None,
        "": None,
        "u": None,
    }
    assert {text: chosen(text, own.texts, labels=own.labels) for text in said} == said
    assert listed(Score("A or B?", (" A", " B")), " ", chat=False, draw="0")[0].prompt.count("The text above")


def test_more_choices_than_letters_have_numbers_of_equal_length() -> None:
    _, shown = listed(Score("Q?", tuple(f" c{at}" for at in range(77))), " ", chat=True, draw="0")
    assert (shown.labels[0], shown.labels[-1]) == ("01", "77")
    assert sorted(shown.places) == list(range(77))


@pytest.mark.parametrize(
    ("score", "why"),
    [
        (Score("Q?", (" a",)), "one choice only"),
        (Score("", ("She is here", "He is here")), "whole texts"),
        (Score(" \n", (" a", " b")), "whole texts"),
    ],
)
def test_what_cannot_be_listed(score: Score, why: str) -> None:
    with pytest.raises(UserError, match=why):
        listed(score, " ", chat=True, draw="0")
