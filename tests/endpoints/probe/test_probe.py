"""The probe at the start: what it finds out of servers of many kinds, and what follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, write_task
from dialects import Dialect
from openai_server import Ask, Body, Server, completion, serving
from probed_models import CHAT, PLAIN, QUICK, found_out, probed

from lsm_eval.endpoints.probe.questions import piece, stop_kept
from lsm_eval.errors import UserError
from lsm_eval.paths import cache_file
from lsm_eval.results.reader import read_record

FULL = ("structured_outputs", "guided_choice", "grammar", "regex", "response_format")


@pytest.mark.parametrize(
    ("dialect", "values"),
    [
        ({}, {"limit": "max_tokens", "temperature": "taken", "greedy": True, "seed": "kept", "stop": "cut"}),
        ({"limit": "max_completion_tokens"}, {"limit": "max_completion_tokens", "greedy": True}),
        ({"temperature": "refused"}, {"temperature": "refused", "greedy": None, "seed": "kept"}),
        (
            {"temperature": "refused", "limit": "max_completion_tokens"},
            {"temperature": "refused", "limit": "max_completion_tokens"},
        ),
        ({"greedy": False}, {"greedy": False}),
        ({"seed": "ignored"}, {"seed": "ignored", "greedy": True}),
        ({"seed": "refused"}, {"seed": "refused", "greedy": True}),
        ({"stop": "kept"}, {"stop": "kept"}),
        ({"stop": "ignored"}, {"stop": "ignored"}),
        ({"stop": "refused"}, {"stop": "refused"}),
        (
            {"thoughts": "reasoning_content"},
            {"thoughts": "reasoning_content", "stop": None, "stop_in_thoughts": True},
        ),
        ({"thoughts": "reasoning"}, {"thoughts": "reasoning", "stop_in_thoughts": True}),
        ({"thoughts": "inline"}, {"thoughts": "inline"}),
        ({"obeys": ("response_format",)}, {"constraint": "json_schema"}),
        ({"obeys": ("structured_outputs",)}, {"constraint": "structured_outputs"}),
        ({"obeys": ("guided_choice",)}, {"constraint": "guided_choice"}),
        ({"knows": ()}, {"constraint": None}),
    ],
)  # fmt: skip
def test_what_is_found_out(dialect: dict[str, Any], values: dict[str, Any], server: Server) -> None:
    found = found_out(server, Dialect(**dialect))
    assert {name: getattr(found, name) for name in values} == values


def test_token_ids_as_prompts(server: Server) -> None:
    assert found_out(server, Dialect(), PLAIN).token_ids is True
    (ids,) = [body for body in server.probes if isinstance(body["prompt"], list)]
    assert ids["max_tokens"] == 1


@pytest.mark.parametrize(
    ("change", "takes"),
    [
        ({"usage": {"prompt_tokens": 5}}, True),  # a beginning of text before them
        ({"usage": {"prompt_tokens": 17}}, False),  # read as a text of digits
        ({"usage": None}, None),
        ({"choices": [{"text": "x"}] * 4}, False),  # four prompts
    ],
)
def test_token_ids_that_are_taken_for_something_else(
    change: Body, takes: bool | None, server: Server
) -> None:
    dialect = Dialect()

    def answer(body: Body) -> Any:
        return dialect(body) | change if isinstance(body["prompt"], list) else dialect(body)

    assert found_out(server, answer, PLAIN).token_ids is takes


def test_token_ids_that_are_refused(server: Server) -> None:
    assert found_out(server, Dialect(ids=False), PLAIN).token_ids is False


@pytest.mark.parametrize(
    ("owner", "pages", "header", "kind", "version", "context"),
    [
        ("vllm", {"/version": {"version": "0.11.2"}}, "uvicorn", "vLLM", "0.11.2", 4096),
        ("sglang", {"/get_server_info": {"version": "0.5.4"}}, "uvicorn", "SGLang", "0.5.4", 4096),
        ("library", {"/api/version": {"version": "0.12.6"}}, "", "Ollama", "0.12.6", 4096),
        (
            "me",
            {"/info": {"model_id": "m", "version": "3.3.6", "max_total_tokens": 2048}},
            "",
            "TGI",
            "3.3.6",
            2048,
        ),
        ("llamacpp", {"/props": {"build_info": "b7000-1f2", "default_generation_settings": {"n_ctx": 512}}},
         "llama.cpp", "llama.cpp", "b7000-1f2", 512),
        ("openai", {}, "cloudflare", None, "", None),
        (["x"], {"/version": ["x"], "/info": "x"}, "x", None, "", None),
    ],
)  # fmt: skip
def test_kinds_of_servers(
    owner: Any,
    pages: dict[str, Any],
    header: str,
    kind: str | None,
    version: str,
    context: int | None,
    server: Server,
) -> None:
    row: Body = {"id": "small", "owned_by": owner}
    row |= {"max_model_len": 4096} if context == 4096 else {}
    server.pages = {"/v1/models": {"data": [{"id": "other"}, row]}, **pages}
    server.name = header
    server.probe = Dialect(obeys=FULL)
    model = probed(server)
    model.probe([CHAT])
    known = model._discovery.capabilities.findings
    assert known is not None
    assert (known.kind, known.version, known.context) == (kind, version, context)
    assert model.info.context == context
    first = {"vLLM": "structured_outputs", "SGLang": "regex", "llama.cpp": "grammar"}
    assert known.paths["chat/completions"].constraint == first.get(kind or "", "json_schema")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "rejects the key (status 401: no such thing)"),
        (402, "requires payment"),
        (403, "does not let this key ask 'small' (status 403: no such thing)"),
        (404, "is not there for the model 'small' (status 404: no such thing)"),
        (307, "redirects (status 307: no such thing)"),
    ],
)
@pytest.mark.parametrize("tasks", ["say", "choose"])
def test_the_first_answer_may_end_the_run(
    status: int, said: str, tasks: str, server: Server, ask: Ask
) -> None:
    server.probe = lambda body: (status, {"error": {"message": "no such thing"}}, {})
    sentence = ask(server, tasks=tasks)
    assert sentence.code == 2
    assert said in sentence.err.splitlines()[-1]
    assert (len(server.probes), len(server.bodies)) == (1, 0)


@pytest.mark.parametrize("tasks", ["say", "choose"])
def test_a_request_that_is_refused_for_itself_ends_nothing(tasks: str, server: Server, ask: Ask) -> None:
    server.probe = lambda body: (400, {"error": {"message": "too random for me"}}, {})
    assert ask(server, tasks=tasks).code == 0
    assert (len(server.probes), len(server.bodies)) == (1, 24)


def test_what_goes_wrong_is_tried_again(server: Server, told: list[str]) -> None:
    dialect, left = Dialect(), [429, 500, 503]

    def answer(body: Body) -> Any:
        return (left.pop(), {"error": "busy"}, {}) if left else dialect(body)

    server.probe = answer
    model = probed(server, told)
    model.probe([CHAT])
    assert left == []
    assert model._discovery.capabilities.findings is not None
    assert model._discovery.capabilities.findings.paths["chat/completions"].seed == "kept"
    assert f"{len(server.probes)} short requests" in told[-1], "each try is counted"


def test_a_server_that_never_answers_the_probe_is_asked_all_the_same(server: Server) -> None:
    server.probe = lambda body: (500, "no", {})
    model = probed(server)
    model.probe([CHAT])
    assert model.info.probed is None
    (batch,) = model.answer([CHAT])
    assert len(batch) == 1
    assert len(server.probes) == QUICK.tries


def test_it_is_asked_in_the_manner_that_was_found(server: Server, ask: Ask) -> None:
    server.probe = server.answer = Dialect(
        limit="max_completion_tokens", stop="refused", say=lambda p: "a\ncat"
    )
    record = read_record(ask(server, tasks="talk").record)
    assert all(set(body) == {"model", "messages", "max_completion_tokens", "temperature", "stream"}
               for body in server.bodies)  # fmt: skip
    assert record.samples("talk")["completion"].to_pylist() == ["a"] * 24, "cut here"


def test_no_temperature_is_sent_where_none_is_taken(server: Server, ask: Ask, tmp_path: Path) -> None:
    server.pages["/version"] = "1.0"
    server.probe = server.answer = Dialect(temperature="refused")
    done = ask(server)
    assert done.code == 0
    assert "no temperature is taken, so none is sent" in done.err
    assert len(server.bodies) == 24
    assert all("temperature" not in body for body in server.bodies)
    for name, draws in (("mild", {"n": 2, "temperature": 0.7}), ("plain", {"n": 2})):
        fields = {**GENERATE, "draws": draws, "metrics": [{"pass@k": {"of": "exact_match", "k": [1]}}]}
        write_task(tmp_path / "drawn", name, QUESTIONS[:2], **fields)
    plain = ask(server, tasks="plain", include=tmp_path / "drawn")
    assert plain.code == 0, plain.err
    assert {"seed", "top_p"} & set(server.bodies[-1]) == {"seed"}
    count = len(server.bodies)
    mild = read_record(ask(server, tasks="mild", include=tmp_path / "drawn").record)
    assert "cannot be sampled at 0.7" in mild.samples("mild")["failure_detail"][0].as_py()
    assert all("temperature" not in body for body in server.bodies[count:])
    # Texts that were drawn are not those of a server that takes temperature 0.
    server.pages["/version"] = {"version": "1.0"}
    for file in cache_file("probes").iterdir():
        file.unlink()
    server.probe = server.answer = Dialect()
    assert read_record(ask(server).record).manifest.requests["from_store"] == 0


def test_accepted_and_not_obeyed_is_no_constraint(server: Server) -> None:
    """As llama.cpp's completions do with `response_format`."""
    assert found_out(server, Dialect(obeys=())).constraint is None
    tried = [name for body in server.probes for name in ("response_format", "guided_choice") if name in body]
    assert tried == ["response_format", "guided_choice"]


def test_a_thinking_model_has_room_to_think_before_a_choice(server: Server) -> None:
    dialect = Dialect(thoughts="reasoning_content")

    def answer(body: Body) -> Any:
        if "structured_outputs" in body:
            return completion(body, "green-4", reasoning_content="hm", tokens=300)
        return dialect(body)

    assert found_out(server, answer).constraint == "structured_outputs"
    assert {body["max_tokens"] for body in server.probes} == {16, 1024}


def test_thoughts_that_are_counted_and_not_shown(server: Server) -> None:
    def answer(body: Body) -> Any:
        if body["max_tokens"] == 1024:
            return completion(body, '{"answer": "blue-7"}')
        made = completion(body, "", finish="length", tokens=16)
        made["usage"]["completion_tokens_details"] = {"reasoning_tokens": 16}
        return made

    found = found_out(server, answer)
    assert (found.thoughts, found.constraint, found.greedy, found.stop) == (
        "hidden",
        "json_schema",
        None,
        None,
    )


@pytest.mark.parametrize(
    "content",
    [
        [], "x", {}, {"choices": []}, {"choices": [1]}, {"choices": [{"message": None}]},
        {"choices": [{"message": {"content": [1]}}]}, {"choices": {"a": 1}}, {"choices": [{"message": {"content": 3}}]},
    ],
)  # fmt: skip
def test_answers_of_no_shape_tell_nothing(content: Any, server: Server) -> None:
    server.probe = lambda body: content
    model = probed(server)
    model.probe([CHAT])
    known = model._discovery.capabilities.findings
    if known is not None:
        found = known.paths["chat/completions"]
        assert (found.greedy, found.seed, found.stop, found.constraint) == (None, None, None, None)


def test_where_a_text_is_stopped() -> None:
    assert piece("ab cd ef") == "ef"
    assert piece("ab") == "ab"
    assert piece("\ufffd \ufffd") is None
    assert piece("") is None
    assert stop_kept("ab cd ef", "ab ", "cd") == "cut"
    assert stop_kept("ab cd ef", "ab", "cd") == "cut", "white space at the end is often taken off"
    assert stop_kept("ab cd ef", "ab cd", "cd") == "kept"
    assert stop_kept("ab cd ef", "ab cd ef", "cd") == "ignored"
    assert stop_kept("ab cd ef", "another text", "cd") is None


def test_no_probe_where_nothing_is_there(told: list[str]) -> None:
    with serving() as gone:
        pass
    with pytest.raises(UserError, match="no server answers at"):
        probed(gone, told).probe([CHAT])
