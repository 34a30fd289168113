"""Answers of servers, whole and not: never a text in place of one."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_server import completion

from lsm_eval.endpoints.asking import Path, Quirks, body, shown
from lsm_eval.endpoints.outcome import Refused, Retryable
from lsm_eval.endpoints.reading import read_answer, read_fault, retry_after
from lsm_eval.reasoning.answered import answered
from lsm_eval.request_json import dump_answer, load_answer
from lsm_eval.requests import Failure, Generate, Generated

CHAT: dict[str, Any] = {"model": "m", "messages": []}
ASKED = Generate("what?", chat=True)


def _read(whole: Any, asked: Generate = ASKED, path: Path = "chat/completions", stops: bool = True) -> Any:
    return read_answer(json.dumps(whole).encode(), asked, path, stops=stops)


def test_whole_answers() -> None:
    assert _read(completion(CHAT, "yes", tokens=3)) == Generated("yes", 3, "stop")
    assert _read(completion(CHAT, "yes, b", tokens=3, finish="length")) == Generated("yes, b", 3, "length")
    assert _read(completion(CHAT, "", tokens=1)) == Generated("", 1, "stop")
    assert _read(completion({"model": "m", "prompt": ""}, " yes"), path="completions") == Generated(
        " yes", 1, "stop"
    )
    assert _read(completion(CHAT, "no", finish="eos_token")).finish == "stop"
    assert _read(completion(CHAT, None, refusal="I won't.")) == Generated("I won't.", 1, "stop")


@pytest.mark.parametrize(
    ("whole", "fault"),
    [
        ({"choices": []}, "no_choices"),
        ({"object": "chat.completion"}, "no_choices"),
        ({"error": {"message": "worker died"}}, "server_error"),
        ([], "malformed"),
        ("yes", "malformed"),
        ({"choices": ["yes"]}, "malformed"),
        ({"choices": [{"finish_reason": "stop", "message": "yes"}], "usage": {}}, "malformed"),
        (completion(CHAT, None), "no_content"),
        ({**completion(CHAT, "yes"), "usage": None}, "no_usage"),
        ({**completion(CHAT, "yes"), "usage": {"completion_tokens": "3"}}, "no_usage"),
        (completion(CHAT, "yes", finish=None), "no_finish_reason"),
        (completion(CHAT, "yes", finish="abort"), "aborted"),
        ({**completion(CHAT, "yes"), "choices": [{"finish_reason": {}, "message": {}}]}, "malformed"),
        (completion(CHAT, "yes", tokens=40), "fewer_tokens"),
        (completion(CHAT, ""), None),
        (completion(CHAT, ["yes"], tokens=1), "malformed"),  # type: ignore[arg-type]
        (completion(CHAT, [{"type": "image"}], tokens=1), "malformed"),  # type: ignore[arg-type]
        (completion(CHAT, [{"type": "text"}], tokens=1), "malformed"),  # type: ignore[arg-type]
        (completion(CHAT, "yes", tokens=10**30), "no_usage"),
        (completion(CHAT, "yes", finish=""), "no_finish_reason"),
        (completion(CHAT, "yes", reasoning_content={"a": 1}), "malformed"),
    ],
)  # fmt: skip
def test_classes_of_what_is_not_whole(whole: Any, fault: str | None) -> None:
    if fault is None:
        assert isinstance(_read(whole), Generated)
        return
    found = _read(whole)
    assert isinstance(found, Retryable)
    assert found.fault == fault
    assert not found.overload


def test_a_content_in_parts() -> None:
    def parts(*content: Any) -> Any:
        return _read(completion(CHAT, list(content), tokens=2))  # type: ignore[arg-type]

    text = {"type": "text", "text": "yes"}
    assert parts(text) == Generated("yes", 2, "stop")
    assert parts(text, {"type": "output_text", "text": ", b"}) != parts(text)
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert parts(thought, text) == Generated("yes", 2, "stop", thoughts="hm")
    assert parts({"type": "thinking", "thinking": "hm"}, text).thoughts == "hm"
    assert parts().text == ""


def test_a_server_that_counts_no_tokens() -> None:
    whole = completion(CHAT, "yes")
    del whole["usage"]
    content = json.dumps(whole).encode()
    written = read_answer(content, ASKED, "chat/completions", stops=True, counts=False)
    assert written == Generated("yes", None, "stop")
    assert load_answer(dump_answer(written)) == written
    thinking = json.dumps({**completion(CHAT, "<think>hm", finish="length"), "usage": None}).encode()
    found = answered(
        read_answer(thinking, ASKED, "chat/completions", stops=True, counts=False),  # type: ignore[arg-type]
        "auto",
        opened=False,
    )
    assert isinstance(found, Failure)
    assert "None" not in found.detail


@pytest.mark.parametrize("reason", ["eos", "stop_sequence", "end_turn", "STOP"])
def test_ways_to_say_that_it_ends(reason: str) -> None:
    assert _read(completion(CHAT, "yes", finish=reason)) == Generated("yes", 1, "stop")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("stop"),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "text",
                    "usage",
                    "finish_reason",
                    "completion_tokens",
                    "reasoning",
                    "error",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON, st.sampled_from([200, 400, 429, 500]))
def test_nothing_that_a_server_sends_breaks_it(whole: Any, status: int) -> None:
    content = json.dumps(whole).encode()
    for asked in (ASKED, Generate("q", stop=("\n",))):
        for path in get_args(Path):
            found = read_answer(content, asked, path, stops=True)
            assert isinstance(found, Generated | Retryable | Refused)
    assert isinstance(read_fault(status, content, None), Retryable | Refused)


def test_endless_nesting_is_no_json() -> None:
    content = b"[" * 100_000
    assert getattr(read_answer(content, ASKED, "completions", stops=True), "fault", None) == "malformed"
    assert isinstance(read_fault(500, content, None), Retryable)


def test_a_refusal_is_an_answer() -> None:
    for text in (None, ""):
        assert _read(completion(CHAT, text, refusal="I won't.")) == Generated("I won't.", 1, "stop")


def test_what_no_further_try_would_change() -> None:
    assert _read(completion(CHAT, "", finish="content_filter")) == Refused(
        200, "content_filter: the server withheld the answer"
    )
    assert isinstance(_read(completion(CHAT, None, finish="tool_calls")), Refused)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize(
    ("text", "thoughts"),
    [
        ("yes", "hm"),
        ("yes", "so\n\nthe tag </think> closes, and <think> opens"),
        ("write <think> and </think> around it", "easy"),
        ("a\n</think>\n", "one too many?"),
        ("so <answer>4</answer>", "2 + 2"),
        ("  indented", "x"),
    ],
)
def test_thoughts_apart_come_back_as_they_were(name: str, text: str, thoughts: str) -> None:
    written = _read(completion(CHAT, text, tokens=9, **{name: thoughts}))
    found = answered(written, "auto", opened=False)
    assert isinstance(found, Generated)
    assert (found.text, found.thoughts) == (text, thoughts)


def test_halves_of_characters_can_be_stored() -> None:
    written = _read(completion(CHAT, "yes", tokens=4, reasoning="so \ud83d"))
    assert load_answer(dump_answer(written)) == Generated("yes", 4, "stop", thoughts="so \ufffd")
    assert "\ufffd" in read_fault(500, b'{"error": "\\ud83d"}', None).detail  # type: ignore[union-attr]


def test_thoughts_can_be_kept() -> None:
    written = _read(completion(CHAT, "yes", tokens=4, reasoning="hm"))
    found = answered(written, "keep", opened=False)
    assert found == Generated("<think>\nhm\n</think>\n\nyes", 4, "stop", thoughts="")


@pytest.mark.parametrize("text", [None, ""])
def test_thoughts_without_an_answer(text: str | None) -> None:
    written = _read(completion(CHAT, text, tokens=4, finish="length", reasoning="and so on"))
    found = answered(written, "auto", opened=False)
    assert isinstance(found, Failure)
    assert found.reason == "truncated"
    assert found.written is not None
    assert found.written.thoughts == "and so on"


def test_thoughts_that_are_counted_and_not_shown() -> None:
    whole = completion(CHAT, "yes", tokens=900)
    whole["usage"]["completion_tokens_details"] = {"reasoning_tokens": 896}
    assert _read(whole) == Generated("yes", 900, "stop", reasoning_tokens=896)
    whole = completion(CHAT, "", tokens=900, finish="length")
    whole["usage"]["completion_tokens_details"] = {"reasoning_tokens": 900}
    found = answered(_read(whole), "auto", opened=False)
    assert isinstance(found, Failure)
    assert found.reason == "truncated"


def test_stop_strings_are_cut_here_too() -> None:
    asked = Generate("what?", stop=("\n", "END"), chat=True)
    assert _read(completion(CHAT, "yes\nno", tokens=3), asked) == Generated("yes", 3, "stop")
    assert _read(completion(CHAT, "yesEND", tokens=3, finish="length"), asked) == Generated("yes", 3, "stop")
    thinking = completion(CHAT, "yes\nno", tokens=9, reasoning="a\nb")
    assert _read(thinking, asked) == Generated("yes", 9, "stop", thoughts="a\nb")
    inside = completion(CHAT, "<think>a", tokens=3)
    assert _read(inside, asked).fault == "stopped_early"
    assert isinstance(_read(inside, asked, stops=False), Generated)
    assert _read(completion(CHAT, None, tokens=3, reasoning="a"), asked).fault == "stopped_early"


def test_statuses() -> None:
    error = b'{"error": {"message": "slow  down", "param": "stop"}}'
    assert read_fault(429, error, 3.0) == Retryable("rate_limit", "status 429: slow down", 3.0, overload=True)
    for status in (408, 409, 500, 502, 504):
        assert read_fault(status, b"<html>", None) == Retryable("server_error", f"status {status}: <html>")
    assert getattr(read_fault(503, b"", None), "overload", None)
    assert getattr(read_fault(529, b"", None), "overload", None)
    for status in (400, 401, 403, 404, 422):
        assert read_fault(status, error, None) == Refused(status, f"status {status}: slow down", "stop")
    assert read_fault(400, b'{"detail": [{"loc": "x"}]}', None).detail.startswith("status 400: ")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("89", 89.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", None),
        ("soon", None),
        ("-3", None),
        ("nan", None),
        ("1e99", None),
    ],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, now=60.0) == seconds


def test_what_is_sent() -> None:
    asked = Generate("q", stop=("a", "", "b", "c", "d", "e"), system="be brief", chat=True, max_tokens=5)
    sent = json.loads(body(asked, "m", "chat/completions", Quirks()))
    assert sent == {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "q"}],
        "max_tokens": 5,
        "temperature": 0.0,
        "stop": ["a", "b", "c", "d"],
        "stream": False,
    }
    plain = json.loads(body(asked, "m", "completions", Quirks("max_completion_tokens"), stops=False))
    assert plain == {
        "model": "m",
        "prompt": "be brief\n\nq",
        "max_tokens": 5,
        "temperature": 0.0,
        "stream": False,
    }
    assert shown(asked, "completions") == "be brief\n\nq"
    assert json.loads(shown(asked, "auto")) == sent["messages"]
