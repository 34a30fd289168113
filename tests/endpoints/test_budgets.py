"""Budgets of thoughts at a server: what is sent, what is cut, and what is refused before anything is spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from openai_server import Ask, Body, Server, completion, serving

from lsm_eval.endpoints.address import read_address
from lsm_eval.endpoints.asking import Path as Route
from lsm_eval.endpoints.asking import Quirks, body
from lsm_eval.endpoints.budget import FIELDS, SENT, fields, reasoning_api, refusal, within_budget
from lsm_eval.endpoints.budget import ReasoningApi as Kind
from lsm_eval.request_json import store_key
from lsm_eval.requests import Generate, Generated
from lsm_eval.results.reader import read_record

PLAIN = Generate("q", chat=True, max_tokens=10)
TOKENS = Generate("q", chat=True, max_tokens=10, reasoning_tokens=30)
EFFORT = Generate("q", chat=True, max_tokens=10, reasoning_effort="low")
NONE = Generate("q", chat=True, max_tokens=10, reasoning_effort="none")
CHAT: Route = "chat/completions"


@pytest.mark.parametrize(
    ("server", "tokens", "effort", "none"),
    [
        ("openai", {}, {"reasoning_effort": "low"}, {"reasoning_effort": "none"}),
        ("openrouter", {"reasoning": {"max_tokens": 30}}, {"reasoning": {"effort": "low"}},
         {"reasoning": {"effort": "none"}}),
        ("vllm", {"thinking_token_budget": 30},
         {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": True}},
         {"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": False}}),
        ("sglang", {"custom_params": {"thinking_budget": 30}},
         {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": True}},
         {"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": False}}),
        ("llama.cpp", {"thinking_budget_tokens": 30},
         {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "low"}},
         {"chat_template_kwargs": {"enable_thinking": False}}),
    ],
)  # fmt: skip
def test_what_each_server_is_sent(server: Kind, tokens: Body, effort: Body, none: Body) -> None:
    assert fields(PLAIN, server, CHAT) == {}
    assert fields(TOKENS, server, CHAT) == tokens
    assert fields(EFFORT, server, CHAT) == effort
    assert fields(NONE, server, CHAT) == none
    assert {*tokens, *effort, *none} <= {*FIELDS}, "a refusal of one is a refusal of all requests"
    sent = json.loads(body(TOKENS, "m", CHAT, Quirks(server=server)))
    assert sent["max_tokens"] == 40
    assert {name: sent[name] for name in tokens} == tokens
    assert json.loads(body(TOKENS, "m", "completions", Quirks(server=server)))["max_tokens"] == 40
    assert server == "openai" or server in SENT
    assert json.loads(body(PLAIN, "m", CHAT, Quirks(server=server))) == json.loads(
        body(PLAIN, "m", CHAT, Quirks())
    )


def test_servers_are_known_by_their_host_and_kind() -> None:
    def kind(url: str, found: str | None = None) -> Kind:
        return reasoning_api(read_address(url), found)

    assert kind("https://openrouter.ai/api/v1") == "openrouter"
    assert kind("https://notopenrouter.ai/api/v1") == "openai"
    assert kind("http://h/v1", "vLLM") == "vllm"
    assert kind("http://h/v1", "SGLang") == "sglang"
    assert kind("http://h/v1", "llama.cpp") == "llama.cpp"
    for odd in (None, "TGI", "Ollama"):
        assert kind("http://h/v1", odd) == "openai"


def test_a_budget_makes_another_request_and_none_the_same_as_ever() -> None:
    keys = {store_key(request, "m") for request in (PLAIN, TOKENS, EFFORT, NONE)}
    assert len(keys) == 4
    zero = Generate("q", chat=True, max_tokens=10, reasoning_tokens=0)
    assert store_key(zero, "m") not in keys


@pytest.mark.parametrize("server", get_args(Kind))
def test_what_cannot_be_said_is_refused(server: Kind) -> None:
    both = Generate("q", chat=True, reasoning_tokens=3, reasoning_effort="low")
    on = Generate("q", chat=True, reasoning_effort="on")
    assert "--chat on" in (refusal(EFFORT, server, "completions") or "")
    assert (refusal(both, server, CHAT) is None) == (server != "openrouter")
    assert (refusal(on, server, CHAT) is None) == (server != "openai")
    for request in (PLAIN, TOKENS, EFFORT):
        assert refusal(request, server, CHAT) is None


def test_answers_are_cut_to_their_own_budget() -> None:
    long = "abcdefghij" * 4
    # 20 tokens of thoughts left the answer 20 of its 10: the first half of its letters stays.
    known = Generated(long, 40, "stop", thoughts="hm", reasoning_tokens=20)
    assert within_budget(known, TOKENS) == Generated(
        long[:20], 30, "length", thoughts="hm", reasoning_tokens=20
    )
    shared = Generated(long, 40, "stop", thoughts="x" * 40)
    assert within_budget(shared, TOKENS) == Generated(long[:20], 30, "length", thoughts="x" * 40)
    inline = Generated(f"<think>{'x' * 25}</think>{long}", 40, "stop")
    cut = within_budget(inline, TOKENS)
    assert isinstance(cut, Generated)
    assert cut.finish == "length"
    assert cut.text.startswith(f"<think>{'x' * 25}</think>abcde")
    assert len(cut.text) < len(inline.text)
    for fine in (
        Generated(long, 30, "stop", thoughts="hm", reasoning_tokens=20),
        Generated(long, None, "stop", thoughts="hm"),
        Generated("<think>never", 40, "length"),
        Generated("", 40, "stop", thoughts="hm", reasoning_tokens=20),
    ):
        assert within_budget(fine, TOKENS) is fine
        assert within_budget(known, PLAIN) is known


def _thinking(asked: Body) -> Body:
    whole = completion(asked, "yes", tokens=9, reasoning="so it is")
    whole["usage"]["completion_tokens_details"] = {"reasoning_tokens": 7}
    return whole


def test_a_run_with_budgets(ask: Ask, tmp_path: Path) -> None:
    pages = {"/v1/models": {"data": [{"id": "small", "owned_by": "vllm"}]}}
    with serving(answer=_thinking, pages=pages) as server:
        outcome = ask(server, "--reasoning-tokens", "50", "--reasoning-effort", "low")
    assert outcome.code == 0, outcome.err
    assert {one["thinking_token_budget"] for one in server.bodies} == {50}
    assert {one["reasoning_effort"] for one in server.bodies} == {"low"}
    (folder,) = (tmp_path / "reports").glob("*/*/manifest.json")
    record = read_record(folder.parent)
    assert record.manifest.model.details["reasoning_budget"] == "sent as thinking_token_budget"
    assert record.manifest.settings["reasoning_tokens"] == 50
    assert record.manifest.settings["reasoning_effort"] == "low"
    samples = record.tasks["say"].samples
    assert samples is not None
    assert record.manifest.tokens["reasoning"] == 7 * samples
    assert record.manifest.tokens["answer"] == 2 * samples
    assert " reasoning_tokens:50 reasoning_effort:low " in record.estimates[0].signature
    rows = record.sample_rows("say", 100)
    assert {(row["reasoning_tokens"], row["answer_tokens"]) for row in rows} == {(7, 2)}


def test_a_server_that_does_not_take_it_ends_the_run_at_once(ask: Ask) -> None:
    def refuses(asked: Body) -> Any:
        error = {"message": "Unrecognized request argument supplied: reasoning_effort", "param": None}
        return 400, {"error": error}, {}

    with serving(answer=refuses) as server:
        outcome = ask(server, "--reasoning-effort", "low")
    assert outcome.code == 2
    assert "'reasoning_effort'" in outcome.err
    assert len(server.bodies) == 1


def test_completions_say_nothing_of_effort_and_are_not_asked(ask: Ask, server: Server) -> None:
    outcome = ask(server, "--reasoning-effort", "low", "--chat", "off")
    assert outcome.code == 2
    assert "--chat on" in outcome.err
    assert not server.bodies
