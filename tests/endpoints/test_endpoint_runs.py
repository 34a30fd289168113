"""Runs on a server: what is sent, what the record holds, and what is asked again."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from command_line import Outcome
from openai_server import Ask, Body, Server, completion, echo, prompt_of, serving, words

from lsm_eval.cli.progress import Bars
from lsm_eval.requests import Generate, Request
from lsm_eval.results.reader import Record, read_record


def _record(done: Outcome) -> Record:
    assert done.code == 0, done.err
    return read_record(done.record)


def test_a_run_from_the_command_to_the_record(server: Server, ask: Ask) -> None:
    server.pages["/version"] = {"version": "0.9.1"}
    record = _record(ask(server))
    table = record.samples("say")
    assert [json.loads(text)[-1]["role"] for text in table["prompt"].to_pylist()] == ["user"] * 24
    asked = {prompt_of(body): words(prompt_of(body)) for body in server.bodies}
    assert len(asked) == len(server.bodies) == 24
    shown = [json.loads(text)[-1]["content"] for text in table["prompt"].to_pylist()]
    assert table["completion"].to_pylist() == [asked[text] for text in shown]
    assert table["tokens"].to_pylist() == [[2]] * 24
    model = record.manifest.model
    assert (model.name, model.chat_template, model.device) == ("openai:small", True, None)
    assert model.details["endpoint"] == server.url
    assert model.details["server"] == "test/1 0.9.1"
    assert "cuts" in model.details["concurrency"]
    assert record.manifest.requests == {
        "asked": 24, "unique": 24, "from_store": 0, "computed": 24, "failed": 0
    }  # fmt: skip
    assert record.manifest.tokens["generated"] == 48
    body = server.bodies[0]
    assert body["model"] == "small"
    assert (body["temperature"], body["max_tokens"]) == (0.0, 8)
    assert "stop" not in body
    assert "seed" not in body
    assert all("authorization" not in head.lower() for head in server.headers)


def test_verbose_tells_each_try_that_failed(server: Server, ask: Ask) -> None:
    server.answer = lambda body: (503, {}, {}) if 1 < len(server.bodies) < 9 else echo(body)
    done = ask(server, "--verbose")
    faults = _record(done).manifest.model.servers[0].faults
    told = [
        line for line in done.err.splitlines() if ": a try gave no complete answer (server_error: " in line
    ]
    assert len(told) == faults["server_error"] > 0
    assert all(line.startswith(f"lsm-eval: {server.url}: ") for line in told)
    server.bodies.clear()
    assert "a try gave no complete answer" not in ask(server, "--store", "none").err


def test_what_waits_is_told(server: Server, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a log; see below for a terminal."""
    monkeypatch.setattr("lsm_eval.endpoints.session._SAY_SECONDS", 0.2)
    monkeypatch.setattr("lsm_eval.endpoints.session._LOOK_SECONDS", 0.1)
    server.answer = lambda body: (503, {}, {"Retry-After": "1"}) if 1 < len(server.bodies) < 9 else echo(body)
    done = ask(server)
    assert re.search(r"^lsm-eval: openai:small: retrying \d+, longest [01] s\.$", done.err, re.MULTILINE)
    assert _record(done).manifest.requests["failed"] == 0


def test_a_terminal_s_bar_stays_whole_under_what_waits(capsys: pytest.CaptureFixture[str]) -> None:
    bars = Bars()
    with bars.phase("generate", 10) as phase:
        phase.advance(4)
        bars.note("openai:small: retrying 3, longest 42 s.")
        phase.advance(6)
    lines = capsys.readouterr().err.splitlines()
    assert "lsm-eval: openai:small: retrying 3, longest 42 s." in [line.strip() for line in lines]
    assert any("10/10" in line for line in lines)


def test_the_history_of_limits_stands_in_the_record_and_in_what_shows_it(server: Server, ask: Ask) -> None:
    turn = count()
    server.answer = lambda body: (503, {}, {}) if 8 < next(turn) < 13 else echo(body)
    done = ask(server)
    (one,) = _record(done).manifest.model.servers
    assert (one.url, one.answered) == (server.url, 24)
    assert one.faults == {"server_error": 4}
    assert one.limits[0].model_dump() == {"seconds": 0.0, "limit": 20.0, "why": "start"}
    assert "server_error" in {change.why for change in one.limits[1:]}
    assert f"{server.url} 24 answered, 4 × server_error, up to " in done.out + done.err


def test_nothing_is_asked_twice(server: Server, ask: Ask) -> None:
    first = _record(ask(server))
    second = _record(ask(server))
    assert len(server.bodies) == 24
    assert second.manifest.requests["from_store"] == 24
    assert second.estimates == first.estimates
    server.pages["/version"] = {"version": "2"}  # another server may write other texts
    assert _record(ask(server)).manifest.requests["from_store"] == 0


def test_without_a_chat_completions_are_asked(server: Server, ask: Ask) -> None:
    record = _record(ask(server, "--chat", "off"))
    assert all("prompt" in body for body in server.bodies)
    assert record.samples("say")["prompt"].to_pylist()[0] == server.bodies[0]["prompt"]
    record = _record(ask(server, "--api", "completions"))
    assert record.manifest.model.chat_template is False


def test_drawn_texts_carry_their_seeds(server: Server, ask: Ask, small_tasks: Path, tmp_path: Path) -> None:
    from command_line import GENERATE, QUESTIONS, write_task

    draws = {"n": 3, "temperature": 0.7, "top_p": 0.9}
    folder = tmp_path / "drawn"
    write_task(
        folder,
        "drawn",
        QUESTIONS[:4],
        **{**GENERATE, "draws": draws, "metrics": [{"pass@k": {"of": "exact_match", "k": [1]}}]},
    )
    done = ask(server, tasks="drawn", include=folder)
    _record(done)
    drawn = [body for body in server.bodies if body["temperature"]]
    # Another one for each draw and each prompt: a server starts its random numbers anew with each request.
    assert len({body["seed"] for body in drawn}) == len(drawn) == 12
    assert {(body["temperature"], body["top_p"]) for body in drawn} == {(0.7, 0.9)}


def test_a_model_that_thinks_apart(server: Server, ask: Ask) -> None:
    def think(body: Body) -> Any:
        return completion(body, "yes", tokens=9, reasoning_content="the cat\n\nsat </b> on it")

    server.answer = think
    done = ask(server)
    table = _record(done).samples("say")
    assert set(table["completion"].to_pylist()) == {"yes"}
    assert set(table["thoughts"].to_pylist()) == {"the cat\n\nsat </b> on it"}
    assert "thoughts of 24 of 24 samples are not scored" in done.err
    kept = _record(ask(server, "--reasoning", "keep")).samples("say")
    assert all("the cat" in text for text in kept["completion"].to_pylist())


def test_thoughts_that_took_all_tokens_are_truncated(server: Server, ask: Ask) -> None:
    server.answer = lambda body: completion(body, None, finish="length", tokens=8, reasoning="on and on and")
    done = ask(server)
    table = _record(done).samples("say")
    assert set(table["failure"].to_pylist()) == {"truncated"}
    assert set(table["thoughts"].to_pylist()) == {"on and on and"}
    assert "The thoughts of 24 took all of the 8 new tokens" in done.err


def test_stop_strings_wait_for_the_end_of_thoughts(server: Server, ask: Ask) -> None:
    """A server ends a text at a stop string wherever it stands: asked again without, it is cut here."""

    def think(body: Body) -> Any:
        whole = "<think>the\n\nmat</think>log 1\ncat and more"
        return completion(body, whole.split("\n")[0] if "stop" in body else whole, tokens=9)

    server.answer = think
    table = _record(ask(server, "--limit", "3", tasks="talk")).samples("talk")
    assert server.bodies[0]["stop"] == ["\n", "cat"]
    assert table["completion"].to_pylist() == ["log 1"] * 3
    assert table["finish"].to_pylist() == ["stop"] * 3
    assert table["thoughts"].to_pylist() == ["the\n\nmat"] * 3


def test_what_does_not_fit_is_missing_and_the_rest_is_there(server: Server, ask: Ask) -> None:
    def long(body: Body) -> Any:
        if "what is 3" in prompt_of(body):
            error = {"message": "context is 8 tokens", "param": "messages", "code": "context_length_exceeded"}
            return 400, {"error": error}, {}
        return completion(body, "yes")

    server.answer = long
    done = ask(server)
    record = _record(done)
    assert "say: missing because 4 refused" in done.err
    assert [(row.n, row.missing) for row in record.estimates] == [(20, 4)] * 2
    details = set(record.samples("say")["failure_detail"].to_pylist()) - {None}
    assert details == {"the server refuses it (status 400: context is 8 tokens)"}
    assert len(server.bodies) == 24, "such requests are not tried again"


def test_the_other_name_for_the_most_new_tokens_is_found(server: Server, ask: Ask) -> None:
    def new(body: Body) -> Any:
        if "max_tokens" in body:
            said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return 400, {"error": {"message": said, "param": "max_tokens"}}, {}
        return completion(body, "yes")

    server.answer = new
    _record(ask(server))
    assert [body.get("max_completion_tokens") for body in server.bodies] == [None] + [8] * 24


def test_concurrency_is_bounded(ask: Ask) -> None:
    with serving(seconds=0.02) as server:
        _record(ask(server, "--max-concurrency", "3"))
        assert server.most == 3


def test_other_requests_are_unsupported() -> None:
    """Where no task was refused first, as with a library's own requests."""
    from lsm_eval.endpoints.model import EndpointModel
    from lsm_eval.models.base import EndpointOptions
    from lsm_eval.requests import Failure, Score

    with serving() as server:
        model = EndpointModel("small", EndpointOptions(server.url))
        requests: list[Request] = [Score("a", ("b", "c")), Generate("hello", chat=True)]
        found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
        assert isinstance(found[0], Failure)
        assert found[0].reason == "unsupported"
        assert getattr(found[1], "text", None) == words("hello")
        assert len(server.answered) == 1


@pytest.mark.parametrize("text", ["\ud83d half", "𝄞 ünï\u2028x"])
def test_any_text_can_be_sent(text: str) -> None:
    from lsm_eval.endpoints.model import EndpointModel
    from lsm_eval.models.base import EndpointOptions

    with serving() as server:
        model = EndpointModel("small", EndpointOptions(server.url))
        (batch,) = model.answer([Generate(text, chat=True)])
        assert getattr(batch[0], "tokens", None) is not None
