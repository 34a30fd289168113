"""The Responses API: what is sent, and answers that are whole or have a name for what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from openai_server import Ask, Body, Server, completion, prompt_of, words
from stream_bytes import event, response, response_stream

from lsm_eval.endpoints.asking import Quirks, body, shown
from lsm_eval.endpoints.outcome import Outcome, Refused, Retryable
from lsm_eval.endpoints.reading import read_answer
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.streams.quirks import StreamQuirks
from lsm_eval.endpoints.streams.stream import Stream
from lsm_eval.reasoning.answered import answered
from lsm_eval.requests import Failure, Generate, Generated
from lsm_eval.results.reader import read_record

CHAT: Body = {"model": "m", "messages": []}
ASKED = Generate("what?", chat=True)


def _whole(whole: Any, asked: Generate = ASKED) -> Outcome:
    return read_answer(json.dumps(whole).encode(), asked, "responses", stops=False)


def _events(events: list[bytes]) -> Outcome:
    stream = Stream("responses", StreamQuirks(), RetryPolicy(), ends=True, sure=False)
    for part in events:
        if stream.feed(part):
            break
    whole = stream.whole()
    return whole if isinstance(whole, Retryable) else read_answer(whole, ASKED, "responses", stops=False)


def _made(text: str | None = "yes", **message: Any) -> Body:
    return response(completion(CHAT, text, **{"tokens": 9, **message}))


def _message(text: str, **fields: Any) -> Body:
    return {"type": "message", "id": "m", "content": [{"type": "output_text", "text": text}], **fields}


def test_what_is_sent() -> None:
    asked = Generate("q", stop=("a",), system="be brief", chat=True, max_tokens=5, seed=3)
    sent = json.loads(body(asked, "m", "responses", Quirks("max_completion_tokens")))
    assert sent == {
        "model": "m",
        "instructions": "be brief",
        "input": [{"role": "user", "content": "q"}],
        "max_output_tokens": 5,
        "store": False,
        "temperature": 0.0,
        "stream": False,
    }
    drawn = json.loads(
        body(Generate("q", chat=True, temperature=0.5, seed=3), "m", "responses", Quirks(), stream=True)
    )
    assert (drawn["temperature"], drawn["top_p"], drawn["stream"]) == (0.5, 1.0, True)
    assert not {"seed", "stop", "instructions", "stream_options"} & drawn.keys()
    assert json.loads(shown(asked, "responses"))[0] == {"role": "system", "content": "be brief"}


@pytest.mark.parametrize(
    ("whole", "answer"),
    [
        (_made(), Generated("yes", 9, "stop")),
        (_made(finish="length"), Generated("yes", 9, "length")),
        (_made(reasoning="hm"), Generated("yes", 9, "stop", thoughts="hm")),
        (_made(None, refusal="not I"), Generated("not I", 9, "stop")),
        (_made(""), Generated("", 9, "stop")),
        ({**_made(), "output": [_message("ye"), _message("s")]}, Generated("yes", 9, "stop")),
        (
            {**_made(), "output": [_message("I look", phase="commentary"), _message("yes", phase="final_answer")]},
            Generated("yes", 9, "stop", thoughts="I look"),
        ),
        ({**_made(), "output": [_message("I look", phase="commentary")]}, Generated("I look", 9, "stop")),
        (
            {**_made(), "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]},
                {"type": "reasoning", "summary": [], "content": None},
                {"type": "web_search_call", "status": "completed"},
                _message("yes"),
            ]},
            Generated("yes", 9, "stop", thoughts="a\n\nb"),
        ),
    ],
)  # fmt: skip
def test_whole_answers_streamed_or_not(whole: Body, answer: Generated) -> None:
    # Its usage says that there are none, which beside thoughts says that nobody counted.
    answer = replace(answer, reasoning_tokens=None if answer.thoughts else 0)
    assert _whole(whole) == answer
    for item in whole["output"]:
        item.setdefault("id", "i")
    assert _events(response_stream({**whole, "output": [*whole["output"]]})) == answer


def test_thoughts_that_took_all_tokens() -> None:
    """Shown in full, as a summary, or not at all."""
    usage = {"output_tokens": 64, "output_tokens_details": {"reasoning_tokens": 64}}
    unseen = {**_made(finish="length"), "usage": usage, "output": [{"type": "reasoning", "summary": []}]}
    for whole in (_made(None, finish="length", reasoning="on and on"), unseen):
        written = _whole(whole)
        assert isinstance(written, Generated)
        found = answered(written, "auto", opened=False)
        assert isinstance(found, Failure)
        assert found.reason == "truncated"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"status": "in_progress"}, "no_finish_reason"),
        ({"status": "queued"}, "no_finish_reason"),
        ({"status": None}, "no_finish_reason"),
        ({"status": "cancelled"}, "aborted"),
        ({"status": "incomplete", "incomplete_details": None}, "aborted"),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "aborted"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, 200),
        ({"status": "failed", "error": {"code": "server_error", "message": "m"}}, "server_error"),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "m"}}, "rate_limit"),
        ({"status": "failed", "error": {"code": "invalid_prompt", "message": "m"}}, 400),
        ({"status": "failed"}, "aborted"),
        ({"output": []}, "no_content"),
        ({"output": None}, "no_choices"),
        ({"output": [{"type": "reasoning", "summary": []}]}, "no_content"),
        ({"output": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, 200),
        ({"output": 3}, "malformed"),
        ({"output": ["yes"]}, "malformed"),
        ({"output": [{"type": "message", "content": 3}]}, "malformed"),
        ({"output": [{"type": "message", "content": [{"type": "output_text"}]}]}, "malformed"),
        (
            {"output": [{"type": "reasoning", "summary": [{"type": "summary_text"}]}, _message("yes")]},
            "malformed",
        ),
        ({"usage": None}, "no_usage"),
        ({"usage": {"input_tokens": 3}}, "no_usage"),
        ({"usage": {"output_tokens": 90}}, "fewer_tokens"),
    ],
)
def test_what_is_not_whole_has_a_name(change: Body, outcome: str | int) -> None:
    whole = {**_made(), **change}
    found = _whole(whole)
    assert outcome == (found.status if isinstance(found, Refused) else getattr(found, "fault", None)), found


def test_streams_that_are_not_whole() -> None:
    good = response_stream(_made(reasoning="hm"))
    assert isinstance(_events(good), Generated)

    def fault(events: list[bytes]) -> str:
        found = _events(events)
        assert isinstance(found, Retryable), found
        return found.fault

    assert fault([]) == "empty_stream"
    assert fault([event("[DONE]")]) == "empty_stream"
    for end in range(1, len(good)):
        assert fault(good[:end]) == "no_finish_reason"
        assert fault([*good[:end], event("[DONE]")]) == "no_finish_reason"
        for at in (end - 1, end):  # a part that comes twice stands in the last one once
            assert _events([*good[:end], good[at], *good[end:]]) == _events(good)
    assert fault([*good[:3], b"data: {\n\n"]) == "malformed"
    assert fault([*good[:3], event({"type": "response.completed"})]) == "malformed"
    error = {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "sequence_number": 3}
    assert fault([*good[:3], event(error, "error")]) == "rate_limit"
    assert fault([event({"error": {"message": "m"}})]) == "server_error"
    failed = {**_made(), "status": "failed", "error": {"code": "server_error", "message": "m"}}
    assert fault([*good[:3], event({"type": "response.failed", "response": failed})]) == "server_error"


def test_a_last_event_without_the_items_that_came_before() -> None:
    whole = _made(reasoning="hm")
    events = response_stream(whole)
    last = {"type": "response.completed", "response": {**whole, "output": []}}
    assert _events([*events[:-1], event(last)]) == _whole(whole)
    assert _events([event({**json.loads(part.partition(b"data: ")[2]), "type": None}, part.split(b"\n")[0][7:].decode())
                    for part in events]) == _whole(whole)  # fmt: skip


def test_a_server_that_calls_every_answer_complete() -> None:
    """As llama.cpp's: it has no field for why one is not, and its answers may have all the tokens that they might."""
    whole = _made()
    del whole["incomplete_details"]
    assert _whole(whole, Generate("what?", chat=True, max_tokens=9)) == Generated(
        "yes", 9, "length", reasoning_tokens=0
    )
    assert _whole(whole, Generate("what?", chat=True, max_tokens=10)) == Generated(
        "yes", 9, "stop", reasoning_tokens=0
    )
    assert _whole(_made(), Generate("what?", chat=True, max_tokens=9)) == Generated(
        "yes", 9, "stop", reasoning_tokens=0
    )


def test_a_stream_without_a_word_that_ended_as_it_should() -> None:
    whole = {**_made("", tokens=1), "output": []}
    assert _events(response_stream(whole)) == Generated("", 1, "stop", reasoning_tokens=0)
    assert (
        getattr(_events(response_stream({**whole, "usage": {"output_tokens": 40}})), "fault", None)
        == "fewer_tokens"
    )


@pytest.mark.parametrize("stream", ["off", "on"])
def test_a_run(stream: str, server: Server, ask: Ask) -> None:
    """Stop strings are not sent, and cut here."""
    server.answer = lambda body: completion(
        body, f"{words(prompt_of(body))}\ncat", tokens=9, reasoning="a\ncat"
    )
    done = ask(server, "--api", "responses", "--stream", stream, tasks="talk")
    assert done.code == 0, done.err
    assert all("stop" not in body and body["stream"] == (stream == "on") for body in server.bodies)
    assert all(head.startswith("POST /v1/responses ") for head in server.headers if head.startswith("POST"))
    table = read_record(done.record).samples("talk")
    assert table["completion"].to_pylist() == [
        words(json.loads(text)[-1]["content"]) for text in table["prompt"].to_pylist()
    ]
    assert set(table["thoughts"].to_pylist()) == {"a\ncat"}
    asked = len(server.bodies)
    ask(server, "--api", "responses", tasks="talk")
    assert len(server.bodies) == asked, "how an answer comes has no part in what it is"
    other = ask(server, "--api", "chat", tasks="talk")
    assert len(server.bodies) == 2 * asked, "another API is asked anew"
    assert read_record(other.record).manifest.model.details["api"] == "chat"


def test_only_chats_are_asked(server: Server, ask: Ask) -> None:
    assert (
        "asked in chats only (--api responses)"
        in ask(server, "--api", "responses", "--chat", "off").sentence()
    )
    assert server.bodies == []


def test_a_server_without_it(server: Server, ask: Ask) -> None:
    server.answer = lambda body: (404, {"detail": "Not Found"}, {})
    assert "ask with --api chat" in ask(server, "--api", "responses").err


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_model_that_takes_no_temperature(api: str, server: Server, ask: Ask) -> None:
    def only_one(body: Body) -> Any:
        if "temperature" in body:
            said = "Unsupported parameter: 'temperature' is not supported with this model."
            return 400, {"error": {"message": said, "param": "temperature"}}, {}
        return completion(body, "yes")

    server.answer = only_one
    done = ask(server, "--api", api)
    assert done.err.count("openai:small takes no temperature 0") == 1
    record = read_record(done.record)
    assert record.manifest.requests["failed"] == 0
    assert record.manifest.model.details["temperature"] == "the server's own: it takes no 0"
    assert len(server.bodies) == 25
