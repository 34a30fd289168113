"""Thoughts that a server tells apart, and their tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai_server import completion

from lsm_eval.endpoints.reading import read_answer
from lsm_eval.reasoning.answered import answered
from lsm_eval.request_json import dump_answer, load_answer
from lsm_eval.requests import Failure, Generate, Generated

CHAT: dict[str, Any] = {"model": "m", "messages": []}
ASKED = Generate("what?", chat=True)
TEXT = {"type": "reasoning.text", "text": "so 2", "signature": None, "index": 0}
SUMMARY = {"type": "reasoning.summary", "summary": "adding"}
ENCRYPTED = {"type": "reasoning.encrypted", "data": "eJ..."}


def _read(whole: Any) -> Any:
    return read_answer(json.dumps(whole).encode(), ASKED, "chat/completions", stops=True)


def _counted(text: str | None, spent: int | None, place: str = "completion", **more: Any) -> Any:
    whole = completion(CHAT, text, tokens=9, **more)
    if place == "usage":
        whole["usage"]["reasoning_tokens"] = spent
    else:
        whole["usage"][f"{place}_tokens_details"] = {"reasoning_tokens": spent}
    return _read(whole)


@pytest.mark.parametrize(
    ("details", "thoughts"),
    [
        ([TEXT], "so 2"),
        ([TEXT, {**TEXT, "text": " + 2"}], "so 2 + 2"),
        ([SUMMARY], "adding"),
        ([SUMMARY, {**SUMMARY, "summary": "done"}], "adding\n\ndone"),
        ([SUMMARY, TEXT, ENCRYPTED], "so 2"),
        ([ENCRYPTED], None),
        ([{"type": "reasoning.later", "text": "x"}, "odd", None], None),
        ({"type": "reasoning.text"}, None),
        ([{"type": "reasoning.text", "text": 3}], None),
    ],
)
def test_reasoning_details(details: Any, thoughts: str | None) -> None:
    written = _read(completion(CHAT, "4", tokens=9, reasoning_details=details))
    assert written == Generated("4", 9, "stop", thoughts=thoughts)
    assert load_answer(dump_answer(written)) == written


def test_what_stands_in_two_fields_is_taken_once() -> None:
    written = _read(completion(CHAT, "4", tokens=9, reasoning="so 2 + 2", reasoning_details=[TEXT]))
    assert written.thoughts == "so 2 + 2"
    assert answered(written, "keep", opened=False).text == "<think>\nso 2 + 2\n</think>\n\n4"  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", None])
def test_encrypted_thoughts_that_took_all_tokens(text: str | None) -> None:
    written = _read(completion(CHAT, text, tokens=9, finish="length", reasoning_details=[ENCRYPTED]))
    found = answered(written, "auto", opened=False)
    assert isinstance(found, Failure)
    assert found.reason == "truncated"
    assert found.written is not None
    assert found.written.reasoning_tokens == 9


def test_encrypted_thoughts_that_nobody_counts_make_no_answer_too_short() -> None:
    assert isinstance(_read(completion(CHAT, "4", tokens=900, reasoning_details=[ENCRYPTED])), Generated)
    assert _read(completion(CHAT, "4", tokens=900)).fault == "fewer_tokens"


def test_parts_of_a_content() -> None:
    def parts(*content: Any) -> Any:
        return _read(completion(CHAT, list(content), tokens=4))  # type: ignore[arg-type]

    answer = {"type": "text", "text": "4"}
    for thought in (
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "reasoning", "text": "hm"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "thinking", "thinking": "hm", "signature": "x"},
    ):
        assert parts(thought, answer) == Generated("4", 4, "stop", thoughts="hm"), thought
    assert parts({"type": "redacted_thinking", "data": "x"}, answer) == Generated("4", 4, "stop")
    assert parts({"type": "thinking", "thinking": [{"type": "image"}]}, answer).fault == "malformed"


def test_tags_inside_the_content_beside_thoughts_apart() -> None:
    written = _read(completion(CHAT, "<think>more</think>\n4", tokens=9, reasoning="first"))
    found = answered(written, "auto", opened=False)
    assert isinstance(found, Generated)
    assert (found.text, found.thoughts) == ("4", "first\n\nmore")
    written = _read(completion(CHAT, "<think>more", tokens=9, finish="length", reasoning="first"))
    cut = answered(written, "auto", opened=False)
    assert isinstance(cut, Failure)
    assert cut.written is not None
    assert cut.written.thoughts == "first\n\nmore"


@pytest.mark.parametrize("place", ["completion", "output", "usage"])
def test_tokens_of_thoughts_stand_apart(place: str) -> None:
    assert _counted("4", 7, place, reasoning="so 2 + 2").reasoning_tokens == 7
    assert _counted("4", 7, place).reasoning_tokens == 7, "those that are not shown, too"
    assert _counted("4", 0, place).reasoning_tokens == 0
    assert _counted("4", 0, place, reasoning="so 2 + 2").reasoning_tokens is None, "who did not count says 0"
    assert _counted("4", None, place, reasoning="so 2 + 2").reasoning_tokens is None
    assert _counted("4", 10, place).reasoning_tokens is None, "more than there are"
    assert _counted("4", True, place).reasoning_tokens is None
    inside = answered(_counted("<think>so</think>4", 0, place), "auto", opened=False)
    assert isinstance(inside, Generated)
    assert inside.reasoning_tokens is None
