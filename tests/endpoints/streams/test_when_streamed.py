"""When answers are asked for in parts, and of which servers that is not asked twice."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from openai_server import Ask, Body, completion, prompt_of, serving, words
from streamed import QUICK, questions_to, texts_of

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.streams.quirks import LONG, StreamQuirks
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Generate


def test_when_streams_are_asked_for() -> None:
    quirks = StreamQuirks()
    assert not quirks.wanted("auto", 10**6), "nothing stands between, on this machine"
    assert quirks.wanted("on", 1)
    assert not quirks.wanted("off", 10**6)
    quirks.long = LONG
    assert [quirks.wanted("auto", most) for most in (LONG - 1, LONG)] == [False, True]
    quirks.lost(3, 64)
    assert not quirks.wanted("auto", 64)
    quirks.lost(60, 2048)
    assert [quirks.wanted("auto", most) for most in (2047, 2048)] == [False, True]
    quirks.gives = "whole"
    assert not quirks.wanted("auto", 10**6)
    quirks.gives = "streams"
    assert quirks.wanted("auto", 1)


def test_long_answers_of_other_machines_are_streams() -> None:
    for url, long in (("http://localhost/v1", False), ("http://10.0.0.1/v1", True)):
        model = EndpointModel("small", EndpointOptions(url))
        assert model._sites[0].quirks.streaming.wanted("auto", LONG) is long


@pytest.mark.parametrize("status", [504, 0])
def test_a_whole_answer_that_is_cut_off_comes_as_a_stream_next(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsm_eval.endpoints.streams.quirks._SILENT_SECONDS", 0.1)

    def answer(body: Body) -> Any:
        if not body["stream"] and body["max_tokens"] > 100:
            time.sleep(0.15)
            return status, b"<html>Gateway Time-out</html>", {}
        return completion(body, words(prompt_of(body)))

    with serving(answer=answer) as server:
        model = EndpointModel("small", EndpointOptions(server.url, max_concurrency=1), QUICK)
        requests = [Generate(str(at), chat=True, max_tokens=8 if at % 2 else 256) for at in range(1, 7)]
        found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
        assert texts_of([found[at] for at in range(6)]) == [words(str(at)) for at in range(1, 7)]
        long = [body["stream"] for body in server.bodies if body["max_tokens"] == 256]
        assert long == [False, True, True, True]
        assert not any(body["stream"] for body in server.bodies if body["max_tokens"] == 8)


def _refusing(said: str, param: str | None, when: Callable[[Body], bool]) -> Callable[[Body], Any]:
    def answer(body: Body) -> Any:
        if when(body):
            return 400, {"error": {"message": said, "param": param}}, {}
        return completion(body, words(prompt_of(body)))

    return answer


def test_a_server_that_takes_no_options_of_streams() -> None:
    said = "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options')}]"
    with serving(answer=_refusing(said, None, lambda body: "stream_options" in body)) as server:
        found = questions_to(server, *"abc")
        assert texts_of(found) == [words(text) for text in "abc"]
        assert len(server.bodies) == 5, (
            "without them it does not count, and the first request is asked once more for that"
        )


@pytest.mark.parametrize(
    ("said", "param", "streamed"),
    [
        ("Your organization must be verified to stream this model.", "stream", True),
        ("streaming is not supported for this model", None, True),
        (
            "This model only support stream mode, please enable the stream parameter to access the model.",
            None,
            False,
        ),
        ("parameter.enable_thinking must be set to false for non-streaming calls", "stream", False),
    ],
)
def test_a_server_that_gives_one_kind_of_answer(said: str, param: str | None, streamed: bool) -> None:
    with serving(answer=_refusing(said, param, lambda body: body["stream"] is streamed)) as server:
        model = EndpointModel("small", EndpointOptions(server.url), QUICK)
        model._sites[0].quirks.streaming.long = 256 if streamed else 10**6
        requests = [Generate(text, chat=True) for text in "abc"]
        found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
        assert texts_of([found[at] for at in range(3)]) == [words(text) for text in "abc"]
        assert [body["stream"] for body in server.bodies] == [
            streamed,
            not streamed,
            not streamed,
            not streamed,
        ]


def test_what_was_asked_for_is_not_changed(ask: Ask) -> None:
    said = "Your organization must be verified to stream this model."
    with serving(answer=_refusing(said, "stream", lambda body: body["stream"])) as server:
        done = ask(server, "--stream", "on")
    assert "does not take 'stream' as it is sent" in done.err
    assert done.code == 2


def test_many_requests_that_are_refused_together_are_all_sent_again() -> None:
    """Each of them finds that another one has changed the way already."""
    asked: list[Body] = []

    def answer(body: Body) -> Any:
        asked.append(body)
        if len(asked) > 1 and body["stream"]:
            return 400, {"error": {"message": "no", "param": "stream"}}, {}
        return completion(body, words(prompt_of(body)))

    with serving(answer=answer, seconds=0.05) as server:
        model = EndpointModel("small", EndpointOptions(server.url), QUICK)
        model._sites[0].quirks.streaming.long = 1
        requests = [Generate(str(at), chat=True) for at in range(30)]
        found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    assert texts_of([found[at] for at in range(30)]) == [words(str(at)) for at in range(30)]


def test_the_option_goes_with_a_server(tmp_path: Any, small_tasks: Any) -> None:
    from command_line import call

    done = call("run", "--tasks", "say", "--include", small_tasks, "--out", tmp_path, "--model", "builtin:says_no",
                "--stream", "on")  # fmt: skip
    assert re.search(r"--stream\b.* go with --base-url", done.sentence())
