"""The probe at the start: what it finds out of servers of many kinds, what follows from it, and how long it is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, call, write_task
from dialects import Dialect
from openai_server import Ask, Body, Server, completion, echo, serving

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.patience import Patience
from lsm_eval.endpoints.probe import findings
from lsm_eval.endpoints.probe.findings import Findings, PathFindings
from lsm_eval.endpoints.probe.questions import piece, stop_kept
from lsm_eval.errors import UserError
from lsm_eval.models.base import EndpointOptions
from lsm_eval.paths import cache_file
from lsm_eval.requests import Generate
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.reader import read_record

QUICK = Patience(first_wait=0.001, longest_wait=0.01)
CHAT, PLAIN = Generate("x", chat=True), Generate("x")
FULL = ("structured_outputs", "guided_choice", "grammar", "regex", "response_format")


@pytest.fixture
def told() -> list[str]:
    """What models of this test say."""
    return []


def _model(server: Server, told: list[str] | None = None, **options: Any) -> EndpointModel:
    note = (lambda text: None) if told is None else told.append
    return EndpointModel("small", EndpointOptions(server.url, **options), QUICK, note)


def _found(server: Server, dialect: Any, request: Generate = CHAT) -> PathFindings:
    server.probe = dialect
    model = _model(server)
    model.probe([request])
    known = model._known.learned.findings
    assert known is not None
    (found,) = known.paths.values()
    assert known.requests == len(server.probes) <= 11
    return found


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
    found = _found(server, Dialect(**dialect))
    assert {name: getattr(found, name) for name in values} == values


def test_token_ids_as_prompts(server: Server) -> None:
    assert _found(server, Dialect(), PLAIN).token_ids is True
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

    assert _found(server, answer, PLAIN).token_ids is takes


def test_token_ids_that_are_refused(server: Server) -> None:
    assert _found(server, Dialect(ids=False), PLAIN).token_ids is False


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
    model = _model(server)
    model.probe([CHAT])
    known = model._known.learned.findings
    assert known is not None
    assert (known.kind, known.version, known.context) == (kind, version, context)
    assert model.info.context == context
    first = {"vLLM": "structured_outputs", "SGLang": "regex", "llama.cpp": "grammar"}
    assert known.paths["chat/completions"].constraint == first.get(kind or "", "json_schema")


def test_the_next_run_asks_nothing(server: Server, ask: Ask, own_cache: Path) -> None:
    server.pages["/version"] = {"version": "1.0"}
    server.probe = Dialect()
    first = ask(server)
    count = len(server.probes)
    assert 5 <= count <= 10
    assert f"openai:small: {count} short requests found out how the server is to be asked" in first.err
    second = ask(server)
    assert (second.code, len(server.probes)) == (0, count)
    assert "short requests" not in second.err
    rows = [read_record(one.record).manifest.model for one in (first, second)]
    assert rows[0].probed == rows[1].probed
    probed = rows[0].probed or {}
    assert probed["requests"] == count
    assert probed["paths"]["chat/completions"]["stop"] == "cut"
    assert (
        rows[0]
        .details["probe of chat/completions"]
        .startswith("max_tokens, temperature 0 repeats, seed kept")
    )
    server.pages["/version"] = {"version": "1.1"}
    ask(server)
    assert len(server.probes) == 2 * count
    (folder,) = own_cache.glob("probes")
    for file in folder.iterdir():
        file.write_text(file.read_text().replace('"max_tokens"', '"no such field"'))
    assert ask(server).code == 0
    assert len(server.probes) == 3 * count, "what is kept and broken is found out anew"


def test_a_server_without_a_version_is_asked_after_a_day(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.probe = Dialect()
    _model(server).probe([CHAT])
    count = len(server.probes)
    _model(server).probe([CHAT])
    assert len(server.probes) == count
    at = time.time()
    monkeypatch.setattr(time, "time", lambda: at + 86_401)
    _model(server).probe([CHAT])
    assert len(server.probes) == 2 * count


def test_another_probe_asks_anew(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.pages["/version"] = "1.0"
    _model(server).probe([CHAT])
    count = len(server.probes)
    monkeypatch.setattr(findings, "VERSION", 2)
    _model(server).probe([CHAT])
    assert len(server.probes) == 2 * count


def test_a_second_path_is_asked_what_the_first_cannot_tell(server: Server) -> None:
    server.probe = Dialect()
    model = _model(server)
    model.probe([CHAT])
    count = len(server.probes)
    model.probe([CHAT, PLAIN])
    assert 3 <= len(server.probes) - count <= 6
    assert model._known.learned.findings is not None
    plain = model._known.learned.findings.paths["completions"]
    assert (plain.seed, plain.greedy, plain.token_ids) == ("kept", True, True)
    again = _model(server)
    again.probe([CHAT, PLAIN])
    assert len(server.probes) == count + model._known.learned.findings.requests - count


@pytest.mark.parametrize(
    "command", [["run", "--dry-run", "--tasks", "choose,say"], ["show", "task", "choose"]]
)
def test_what_asks_nothing_probes_nothing(command: list[str], server: Server, small_tasks: Path) -> None:
    done = call(*command, "--include", small_tasks, "--model", "openai:small", "--base-url", server.url)
    assert done.code == 0, done.err
    assert server.bodies == server.probes == []
    assert all(head.startswith("GET ") for head in server.headers), (
        "its pages tell whether it was asked before"
    )
    gone = call(
        *command, "--include", small_tasks, "--model", "openai:small", "--base-url", "http://127.0.0.1:9/v1"
    )
    assert gone.code == 0, gone.err
    assert "no server answers" not in gone.err


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not take the key (status 401: no such thing)"),
        (402, "wants to be paid first"),
        (403, "does not let this key ask 'small' (status 403: no such thing)"),
        (404, "is not there for the model 'small' (status 404: no such thing)"),
        (307, "sends elsewhere (status 307: no such thing)"),
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
    model = _model(server, told)
    model.probe([CHAT])
    assert left == []
    assert model._known.learned.findings is not None
    assert model._known.learned.findings.paths["chat/completions"].seed == "kept"
    assert f"{len(server.probes)} short requests" in told[-1], "each try is counted"


def test_what_was_not_found_out_is_not_kept(server: Server) -> None:
    dialect = Dialect()
    server.probe = lambda body: (500, "no", {}) if body.get("seed") else dialect(body)
    model = _model(server)
    model.probe([CHAT])
    assert model._known.learned.findings is not None
    found = model._known.learned.findings.paths["chat/completions"]
    assert (found.seed, found.greedy, found.stop) == (None, True, "cut")
    count = len(server.probes)
    _model(server).probe([CHAT])
    assert len(server.probes) == 2 * count


def test_a_server_that_never_answers_the_probe_is_asked_all_the_same(server: Server) -> None:
    server.probe = lambda body: (500, "no", {})
    model = _model(server)
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
    assert "cannot be drawn at 0.7" in mild.samples("mild")["failure_detail"][0].as_py()
    assert all("temperature" not in body for body in server.bodies[count:])
    # Texts that were drawn are not those of a server that takes temperature 0.
    server.pages["/version"] = {"version": "1.0"}
    for file in cache_file("probes").iterdir():
        file.unlink()
    server.probe = server.answer = Dialect()
    assert read_record(ask(server).record).manifest.requests["from_store"] == 0


def test_accepted_and_not_obeyed_is_no_constraint(server: Server) -> None:
    """As llama.cpp's completions do with `response_format`."""
    assert _found(server, Dialect(obeys=())).constraint is None
    tried = [name for body in server.probes for name in ("response_format", "guided_choice") if name in body]
    assert tried == ["response_format", "guided_choice"]


def test_a_thinking_model_has_room_to_think_before_a_choice(server: Server) -> None:
    dialect = Dialect(thoughts="reasoning_content")

    def answer(body: Body) -> Any:
        if "structured_outputs" in body:
            return completion(body, "green-4", reasoning_content="hm", tokens=300)
        return dialect(body)

    assert _found(server, answer).constraint == "structured_outputs"
    assert {body["max_tokens"] for body in server.probes} == {16, 1024}


def test_thoughts_that_are_counted_and_not_shown(server: Server) -> None:
    def answer(body: Body) -> Any:
        if body["max_tokens"] == 1024:
            return completion(body, '{"answer": "blue-7"}')
        made = completion(body, "", finish="length", tokens=16)
        made["usage"]["completion_tokens_details"] = {"reasoning_tokens": 16}
        return made

    found = _found(server, answer)
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
    model = _model(server)
    model.probe([CHAT])
    known = model._known.learned.findings
    if known is not None:
        found = known.paths["chat/completions"]
        assert (found.greedy, found.seed, found.stop, found.constraint) == (None, None, None, None)


def test_findings_are_read_as_they_were_written() -> None:
    found = Findings(
        "vLLM",
        "uvicorn 1",
        "1",
        4096,
        "{}",
        {"completions": PathFindings(token_ids=True)},
        {"x": [1]},
        7,
        1.5,
    )
    text = json.dumps(found.as_json())
    assert findings.from_json(text) == found
    for changed in (
        text.replace('"cut"', '"no"'), text.replace('"max_tokens"', '"x"'), text.replace('"probe": 1', '"probe": 0'),
        text.replace("completions", "complete"), text[:-4], "[]", "3", "null", text.replace("1.5", '"late"'),
        text.replace('"constraint": null', '"constraint": "pray"'), "[" * 100_000,
    ):  # fmt: skip
        assert changed == text or findings.from_json(changed) is None


def test_a_place_for_what_scoring_finds_out(server: Server) -> None:
    server.pages["/version"] = "1.0"
    model = _model(server)
    assert model._known.learned.scoring(model._known.server) is None
    model._known.learned.keep_scoring(model._known.server, {"route": "echo", "proved": True})
    model.probe([CHAT])
    assert (model.info.probed or {})["scoring"] == {"route": "echo", "proved": True}
    again = _model(server)
    assert again._known.learned.scoring(again._known.server) == {"route": "echo", "proved": True}


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


def test_records_without_a_probe_are_as_they_were() -> None:
    row = ModelRow(name="m", fingerprint="f")
    assert "probed" not in row.model_dump()
    assert ModelRow.model_validate({"name": "m", "fingerprint": "f"}).probed is None


def test_no_probe_where_nothing_is_there(told: list[str]) -> None:
    with serving() as gone:
        pass
    with pytest.raises(UserError, match="no server answers at"):
        _model(gone, told).probe([CHAT])


@pytest.fixture
def silent() -> Iterator[Server]:
    """A server that tells its version and resets every other connection."""
    with serving(probe=echo) as found:
        yield found


def test_a_cache_that_cannot_be_written_is_no_fault(silent: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSM_EVAL_CACHE", "/dev/null/none")
    _model(silent).probe([CHAT])
    count = len(silent.probes)
    _model(silent).probe([CHAT])
    assert len(silent.probes) == 2 * count
