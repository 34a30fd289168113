"""Streams of chat completions and completions: the answer that would have come whole, or what is wrong, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_server import completion
from stream_bytes import chunk_events, chunks, event

from lsm_eval.endpoints.asking import Path
from lsm_eval.endpoints.outcome import Outcome, Refused, Retryable
from lsm_eval.endpoints.reading import read_answer
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.streams.quirks import StreamQuirks
from lsm_eval.endpoints.streams.stream import Stream
from lsm_eval.requests import Generate, Generated

CHAT: dict[str, Any] = {"model": "m", "messages": []}
ASKED = Generate("what?", chat=True)


def _read(
    events: list[bytes],
    path: Path = "chat/completions",
    *,
    asked: Generate = ASKED,
    quirks: StreamQuirks | None = None,
    ends: bool = True,
    sure: bool = False,
    size: int | None = None,
) -> Outcome:
    stream = Stream(path, quirks or StreamQuirks(), RetryPolicy(), ends=ends, sure=sure)
    text = b"".join(events)
    step = size or max(len(text), 1)
    for at in range(0, len(text), step):
        if stream.feed(text[at : at + step]):
            break
    whole = stream.whole()
    return whole if isinstance(whole, Retryable) else read_answer(whole, asked, path, stops=True)


def _fault(events: list[bytes], **options: Any) -> str:
    found = _read(events, **options)
    assert isinstance(found, Retryable), found
    assert not found.overload
    return found.fault


def _some(**message: Any) -> dict[str, Any]:
    return completion(CHAT, "so it is then", tokens=4, **message)


THINKING = [
    {"reasoning_content": "hm, well then"},
    {"reasoning": "hm, well then"},
    {"refusal": "not I"},
    {},
]


@pytest.mark.parametrize("message", THINKING)
@pytest.mark.parametrize("text", ["so it is then", "", "a\nb \ud83d\ude00 ü", " led by a space"])
@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("size", [None, 1, 7])
def test_a_stream_is_read_as_the_whole_answer(
    message: dict[str, Any], text: str, finish: str, size: int | None
) -> None:
    whole = completion(CHAT, text or None if message else text, finish=finish, tokens=9, **message)
    read = read_answer(json.dumps(whole).encode(), ASKED, "chat/completions", stops=True)
    assert isinstance(read, Generated)
    assert _read(chunk_events(whole), size=size) == read


def test_completions() -> None:
    body = {"model": "m", "prompt": "what?"}
    for text in (" so it is", ""):
        assert _read(chunk_events(completion(body, text, tokens=3)), "completions") == Generated(
            text, 3, "stop"
        )


def test_halves_of_characters() -> None:
    parts = [*chunks(completion(CHAT, "so \ud83d", tokens=4))]
    assert isinstance(_read([*map(event, parts), event("[DONE]")]), Generated)


def test_contents_in_parts() -> None:
    """As Mistral's thinking models send them: lists first, then texts."""
    whole = completion(CHAT, "", tokens=9)
    events = chunk_events(whole)
    head = json.loads(events[0][6:])

    def delta(content: Any) -> bytes:
        return event({**head, "choices": [{"index": 0, "delta": {"content": content}}]})

    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}]
    events[1:1] = [delta(thought), delta(thought), delta("so it"), delta([{"type": "text", "text": " is"}])]
    assert _read(events) == Generated("so it is", 9, "stop", thoughts="hh")


def test_details_of_thoughts_are_put_together() -> None:
    """For the reader of whole answers: what is one part there is one here."""
    stream = Stream("chat/completions", StreamQuirks(), RetryPolicy(), ends=True, sure=False)
    details = [
        {"type": "reasoning.text", "text": "so ", "index": 0, "format": "x"},
        {"type": "reasoning.text", "text": "it", "index": 0, "signature": "s"},
        {"type": "reasoning.summary", "summary": "well", "index": 1},
        {"type": "reasoning.encrypted", "data": "abc", "index": 2},
        {"type": "reasoning.text", "text": "then", "index": 3},
    ]
    stream.feed(b"".join(chunk_events(_some(reasoning_details=details))))
    found = stream.whole()
    assert isinstance(found, bytes)
    assert json.loads(found)["choices"][0]["message"]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "so it", "index": 0, "format": "x", "signature": "s"},
        *details[2:],
    ]


def _without(name: str) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    def change(chunk: dict[str, Any]) -> dict[str, Any] | None:
        if name == "usage":
            return None if "usage" in chunk else chunk
        if name == "finish":
            for choice in chunk["choices"]:
                choice["finish_reason"] = None
        return chunk

    return change


def _changed(change: Callable[[dict[str, Any]], dict[str, Any] | None], whole: Any = None) -> list[bytes]:
    changed = [change(chunk) for chunk in chunks(whole or _some())]
    return [*(event(chunk) for chunk in changed if chunk is not None), event("[DONE]")]


def test_what_is_not_whole_has_a_name() -> None:
    good = chunk_events(_some())
    assert isinstance(_read(good), Generated)
    assert _fault([]) == "empty_stream"
    assert _fault([b": wait\n\n"]) == "empty_stream"
    assert _fault([event("[DONE]")]) == "empty_stream"
    assert _fault([good[-2], good[-1]]) == "empty_stream"
    assert _fault(good[:3]) == "no_finish_reason"
    assert _fault([*good[:3], good[-1]]) == "no_finish_reason"
    assert _fault(_changed(_without("finish"))) == "no_finish_reason"
    assert _fault(_changed(_without("usage"))) == "no_usage"
    assert _fault(good[:-1]) == "no_done"
    assert _fault([*good[:2], b'data: {"choices": [{\n\n', *good[2:]]) == "malformed"
    assert _fault([*good[:2], good[2][:-9]]) == "malformed"
    assert _fault([event([1]), *good]) == "malformed"
    assert _fault([event({"choices": [3]}), *good]) == "malformed"
    assert _fault([event({"choices": 3}), *good]) == "malformed"
    assert _fault([event({"choices": [{"delta": "x"}]}), *good]) == "malformed"
    lost = [*good[:2], *good[-3:]]
    assert (
        _fault([part.replace(b'"completion_tokens": 4', b'"completion_tokens": 40') for part in lost])
        == "fewer_tokens"
    )


def test_a_stream_of_a_server_that_sends_no_done() -> None:
    assert isinstance(_read(chunk_events(_some())[:-1], ends=False), Generated)
    assert _fault(chunk_events(_some())[:3], ends=False) == "no_finish_reason"


def test_several_answers_in_one_stream() -> None:
    def second(chunk: dict[str, Any]) -> dict[str, Any]:
        for choice in chunk["choices"]:
            choice["index"] = 1
        return chunk

    both = [one for pair in zip(_changed(lambda chunk: chunk), _changed(second), strict=True) for one in pair]
    assert _fault(both) == "interleaved"


def test_tools_were_not_offered() -> None:
    call = [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    whole = completion(CHAT, None, finish="tool_calls", tokens=4, tool_calls=call)
    assert _read(chunk_events(whole)) == Refused(
        200, "tool_calls: the answer calls a tool, and none was offered"
    )
    assert _fault(chunk_events(completion(CHAT, None, tokens=4, tool_calls=call))) == "no_content"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ({"error": {"message": "worker died"}}, "server_error"),
        ({"error": "worker died"}, "server_error"),
        ({"error": {"message": "m", "code": 429}}, "rate_limit"),
        ({"error": {"message": "m", "code": "rate_limit_exceeded"}}, "rate_limit"),
        ({"error": {"message": "m", "type": "overloaded_error"}}, "server_error"),
        ({"error": {"message": "too long", "type": "BadRequestError", "code": 400}}, 400),
        ({"error": {"message": "too long", "code": "400"}}, 400),
        (
            {"error": {"message": "m", "code": 7}, "choices": [{"index": 0, "finish_reason": "error"}]},
            "server_error",
        ),
    ],
)
def test_errors_in_the_midst_of_a_stream(error: dict[str, Any], outcome: str | int) -> None:
    good = chunk_events(_some())
    for events in (
        [event(error), *good],
        [*good[:3], event(error)],
        [*good[:3], event(error, "error"), good[-1]],
    ):
        found = _read(events)
        assert outcome == (found.status if isinstance(found, Refused) else getattr(found, "fault", None))
        assert "an error: " in found.detail or "status 400: too long" in found.detail  # type: ignore[union-attr]
    assert _fault([*good[:3], event({"message": "no more"}, "error")]) == "server_error"


def test_a_part_that_comes_twice() -> None:
    good = chunk_events(_some())
    for at in range(len(good)):
        twice = [*good[: at + 1], *good[at:]]
        worded = 1 <= at <= 4
        assert (getattr(_read(twice), "fault", None) == "repeated") == worded, at
        if not worded:
            assert _read(twice) == Generated("so it is then", 4, "stop")
    assert _fault([*good[:3], *good[1:]]) == "repeated"
    thinking = chunk_events(completion(CHAT, "so", tokens=3, reasoning_content="hm well"))
    assert _fault([*thinking[:2], *thinking[1:]]) == "repeated"


def test_a_text_that_repeats_itself_is_one() -> None:
    for text in ("ha ha ha ha", " no no yes yes yes"):
        whole = completion(CHAT, text, tokens=len(text.split()))
        assert _read(chunk_events(whole)) == Generated(text, len(text.split()), "stop")
    # Smaller parts than tokens, as of a proxy that sends letters.
    letters = [
        {"index": 0, "delta": {"content": letter}, "finish_reason": None} for letter in "hall of doors"
    ]
    parts = [*chunks(completion(CHAT, "", tokens=3))]
    parts[1:1] = [{**parts[0], "choices": [choice]} for choice in letters]
    assert _read([*map(event, parts), event("[DONE]")]) == Generated("hall of doors", 3, "stop")


def test_how_a_server_counts_is_learnt() -> None:
    """Most count the token that ends a text, which no part shows: then one part more is no more than the tokens."""
    quirks = StreamQuirks()
    counted = chunk_events(completion(CHAT, "so it is then", tokens=5))
    twice = [*counted[:3], *counted[2:]]
    assert isinstance(_read(twice, quirks=quirks), Generated), "nothing is known yet"
    assert isinstance(_read(counted, quirks=quirks), Generated)
    assert _fault(twice, quirks=quirks) == "repeated"
    assert isinstance(_read(twice, quirks=quirks, sure=True), Generated)
    again = chunk_events(completion(CHAT, "ha ha ha", tokens=4))
    assert isinstance(_read(again, quirks=quirks), Generated)


@pytest.mark.parametrize("field", [{"obfuscation": "x3j"}, {"usage": {"completion_tokens": 4}}])
def test_parts_that_are_all_different_by_themselves(field: dict[str, Any]) -> None:
    events = [
        event({**chunk, **field} if chunk["choices"] else chunk)
        for chunk in chunks(completion(CHAT, "so it is", tokens=9))
    ]
    assert isinstance(_read([*events, event("[DONE]")]), Generated)
    twice = [*events[:3], *events[2:], event("[DONE]")]
    assert _fault(twice) == "repeated"
    # Padding is never the same; a server may count wrong, and then the whole answer settles it, where there is one.
    assert isinstance(_read(twice, sure=True), Retryable if "obfuscation" in field else Generated)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["stop", "a", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "text", "usage", "finish_reason", "completion_tokens", "index", "error",
                 "response", "type", "output", "status", "item", "output_index", "reasoning_details", "tool_calls"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(_JSON, max_size=4), st.sampled_from(["chat/completions", "completions", "responses"]))
def test_nothing_that_a_server_sends_breaks_it(parts: list[Any], path: Path) -> None:
    found = _read([*map(event, parts)], path)
    assert isinstance(found, Generated | Retryable | Refused)


@pytest.mark.slow
def test_a_long_answer_costs_no_more_a_byte() -> None:
    """1 MB against 10 kB, each in parts of some bytes; a time that grows with the square were a hundred times as much."""
    import time

    def cost(words: int) -> float:
        text = b"".join(chunk_events(completion(CHAT, "four " * words, tokens=words + 1)))
        best = 9e9
        for _ in range(2 if words > 9999 else 20):
            began = time.process_time()
            found = _read([text], size=1400)
            best = min(best, time.process_time() - began)
            assert isinstance(found, Generated)
        return best / len(text)

    short, long = cost(2_000), cost(200_000)
    assert long < 2 * short
