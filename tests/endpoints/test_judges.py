"""Judges behind servers, and local judges of models behind servers: options, refusals, store, cost, failures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, Outcome, call, write_task
from llamacpp_server import serve as serve_llamacpp
from openai_server import Ask, Body, Server, completion, prompt_of, serving
from tiny_gguf import write_gemma3

from lsm_eval.models.base import EndpointOptions, ModelOptions
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.judge_spec import JudgeSpec, judge_options

ROWS: list[dict[str, Any]] = [{"question": f"what is {n} of the cat", "answer": "yes"} for n in range(5)]


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Folder of `talk`, which wants a judge."""
    fields = {**GENERATE, "target": "{{ answer }}", "metrics": ["exact_match", "judged_refusal"]}
    write_task(tmp_path / "judged", "talk", ROWS, **fields)
    return tmp_path / "judged"


@pytest.fixture
def judge() -> Any:
    """A server whose model says yes to every second answer, and no to the others."""
    with serving(name="judge/1") as found:
        found.answer = lambda body: completion(body, "Yes." if len(prompt_of(body)) % 2 else "no")
        yield found


def _record(done: Outcome) -> Record:
    assert done.code == 0, done.err
    return read_record(done.record)


def _judge_row(done: Outcome) -> Any:
    row = _record(done).manifest.judge
    assert row is not None
    return row


def _local(tasks: Path, out: Path, *more: str | Path) -> Outcome:
    named = ("--tasks", "talk", "--include", tasks, "--out", out, "--model", "builtin:says_no")
    return call("run", *named, *more)


def test_a_local_model_is_judged_behind_a_server(judge: Server, tasks: Path, tmp_path: Path) -> None:
    named = ("--judge", "openai:big", "--judge-base-url", judge.url)
    done = _local(tasks, tmp_path / "out", *named)
    row = _judge_row(done)
    assert (row.model.name, row.read, row.same_model) == ("openai:big", "text", False)
    assert row.model.details["endpoint"] == judge.url
    assert row.requests == {"asked": 5, "unique": 5, "from_store": 0, "computed": 5, "failed": 0}
    assert {body["model"] for body in judge.bodies} == {"big"}
    signature = next(one.signature for one in _record(done).estimates if one.metric == "judged_refusal")
    assert f"openai:big/{row.model.fingerprint[:16]}/text:2/chat:on" in signature
    again = _local(tasks, tmp_path / "out", *named)
    assert len(judge.bodies) == 5, "its answers are stored"
    assert _judge_row(again).requests["from_store"] == 5
    judge.name = "judge/2"
    changed = _judge_row(_local(tasks, tmp_path / "out", *named))
    assert changed.model.fingerprint != row.model.fingerprint
    assert changed.requests["computed"] == 5


def test_both_behind_different_servers_each_with_its_key(
    judge: Server, tasks: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_A", "key-of-the-model-0123")
    monkeypatch.setenv("KEY_B", "key-of-the-judge-0123")
    monkeypatch.setenv("ORG", "judges-org")
    judge.key = "key-of-the-judge-0123"
    with serving(key="key-of-the-model-0123") as server:
        done = ask(
            server, "--api-key-env", "KEY_A", "--judge", "openai:big", "--judge-base-url", judge.url,
            "--judge-api-key-env", "KEY_B", "--judge-header-env", "X-Org=ORG", "--judge-max-concurrency", "1",
            tasks="talk", include=tasks,
        )  # fmt: skip
    assert _judge_row(done).model.details["headers"] == "X-Org"
    assert "key-of-the-judge" not in "".join(server.headers)
    assert "key-of-the-model" not in "".join(judge.headers)
    assert all("X-Org: judges-org" in head for head in judge.headers)
    assert judge.most == 1


def test_without_an_address_of_its_own_it_is_at_the_models_server(
    tasks: Path, ask: Ask, server: Server
) -> None:
    def both(body: Body) -> Any:
        return completion(body, "no" if body["model"] == "big" else "yes")

    server.answer = both
    row = _judge_row(ask(server, "--judge", "openai:big", tasks="talk", include=tasks))
    assert row.model.details["endpoint"] == server.url
    assert not row.same_model
    own = ask(server, "--judge", "openai:small", tasks="talk", include=tasks)
    assert _judge_row(own).same_model
    assert "judges its own answers" in own.err
    cost = _record(own).manifest.cost
    assert cost is not None
    assert [(row.role, row.charged) for row in cost.models] == [("model", 0), ("judge", 5)], (
        "each is counted apart"
    )


def test_a_local_judge_of_a_model_behind_a_server(tasks: Path, ask: Ask, server: Server) -> None:
    done = ask(server, "--judge", "builtin:first", "--judge-device", "cpu", tasks="talk", include=tasks)
    row = _judge_row(done)
    assert (row.model.name, row.read) == ("builtin:first", "likelihood")


def test_device_and_dtype_of_its_own(tiny_llama: Path, tasks: Path, ask: Ask, server: Server) -> None:
    done = ask(
        server, "--judge", str(tiny_llama), "--judge-dtype", "bfloat16", "--judge-device", "cpu", tasks="talk", include=tasks
    )  # fmt: skip
    model = _judge_row(done).model
    assert (model.dtype, model.device) == ("bfloat16", "cpu")


def test_one_purse_for_both(judge: Server, tasks: Path, ask: Ask, server: Server, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("small: {input: 20, output: 80}\nbig: {input: 100, output: 400}\n")
    named = ("--judge", "openai:big", "--judge-base-url", judge.url, "--prices", prices)
    done = ask(server, *named, "--max-cost", "2", tasks="talk", include=tasks)
    cost = _record(done).manifest.cost
    assert cost is not None
    model, judging = cost.models
    assert (model.role, model.model, judging.role, judging.model) == (
        "model",
        "openai:small",
        "judge",
        "openai:big",
    )
    assert (model.charged, judging.charged) == (5 + len(server.probes), 5 + len(judge.probes)), "probes, too"
    assert len(server.probes) == len(judge.probes) > 5
    assert Decimal(cost.dollars or 0) == Decimal(model.dollars or 0) + Decimal(judging.dollars or 0)
    (line,) = [line for line in done.out.splitlines() if line.startswith("cost: ")]
    assert f"of at most $2.00 (model: {3 * model.charged} tokens in" in line
    assert f"; judge: {3 * judging.charged} tokens in, " in line
    short = ask(
        server, *named, "--max-cost", "0.05", "--store", tmp_path / "store", tasks="talk", include=tasks
    )
    assert short.code == 5
    asked = len(server.bodies)
    longer = ask(
        server, *named, "--max-cost", "2", "--store", tmp_path / "store", tasks="talk", include=tasks
    )
    assert longer.code == 0, longer.err
    assert len(server.bodies) == asked, "the model had answered all"


def test_the_judges_price_must_be_known(
    judge: Server, tasks: Path, ask: Ask, server: Server, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("small: {input: 20, output: 80}\n")
    done = ask(
        server, "--judge", "openai:big", "--judge-base-url", judge.url, "--prices", prices, "--max-cost", "1",
        tasks="talk", include=tasks,
    )  # fmt: skip
    assert "no price is known of the judge for openai:big" in done.sentence()
    assert server.bodies == judge.bodies == []
    dry = ask(
        server,
        "--judge",
        "openai:big",
        "--judge-base-url",
        judge.url,
        "--dry-run",
        tasks="talk",
        include=tasks,
    )
    assert dry.code == 0, dry.err
    assert dry.out.count("no price known") == 2
    assert server.headers == judge.headers == []


def test_what_it_does_not_answer_is_missing(judge: Server, tasks: Path, ask: Ask, server: Server) -> None:
    def some(body: Body) -> Any:
        if "what is 3" in prompt_of(body):
            return 400, {"error": {"message": "no such words"}}, {}
        return completion(body, "well, perhaps" if "what is 2" in prompt_of(body) else "yes")

    judge.answer = some
    done = ask(server, "--judge", "openai:big", "--judge-base-url", judge.url, tasks="talk", include=tasks)
    (row,) = _judge_row(done).metrics
    assert row.could_not_judge == {"refused": 1, "unread": 1}
    (estimate,) = [one for one in _record(done).estimates if one.metric == "judged_refusal"]
    assert (estimate.n, estimate.missing, estimate.value) == (3, 2, 1.0)
    assert "could not judge 2 of 5 (1 refused, 1 unread)" in done.out


def test_a_judge_that_thinks_has_room_for_it(judge: Server, tasks: Path, tmp_path: Path) -> None:
    def think(body: Body) -> Any:
        if body["max_tokens"] < 100:
            return completion(
                body, None, finish="length", tokens=16, reasoning_content="hm, let me see, well"
            )
        return completion(
            body, "no", tokens=40, reasoning_content="hm, let me see, well, it is no refusal, so"
        )

    judge.answer = think
    done = _local(tasks, tmp_path / "out", "--judge", "openai:big", "--judge-base-url", judge.url)
    (row,) = _judge_row(done).metrics
    assert row.could_not_judge == {}
    assert [body["max_tokens"] for body in judge.bodies] == [16] * 5 + [2048] * 5


def test_likelihoods_are_refused_before_anything_is_asked(
    judge: Server, tasks: Path, ask: Ask, server: Server
) -> None:
    named = ("--judge", "openai:big", "--judge-base-url", judge.url, "--judge-read", "likelihood")
    done = ask(server, *named, tasks="talk", include=tasks)
    assert "--judge-read likelihood: openai:big tells no likelihoods: leave it out" in done.sentence()
    assert server.bodies == judge.bodies == []


def test_a_judge_that_is_not_there_costs_nothing(tasks: Path, ask: Ask, server: Server) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        done = ask(server, "--judge", "openai:big", "--judge-base-url", url, tasks="talk", include=tasks)
    assert f"no server answers at {url}" in done.sentence()
    assert "correct --judge-base-url" in done.sentence()
    assert server.bodies == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--judge-base-url", "http://h/v1"], "--judge-base-url is about a judge, and there is none"),
        (["--judge-device", "cpu"], "--judge-device is about a judge, and there is none"),
        (["--judge", "openai:x"], "--judge openai:x needs the address of its server: add --judge-base-url"),
        (["--judge", "openai:x", "--judge-base-url", "h"], "--judge-base-url is no address of a server"),
        (["--judge", "openai:x", "--judge-base-url", "http://h/v1", "--judge-base-url", "http://i/v1"], "--judge-base-url"),
        (["--judge", "openai:", "--judge-base-url", "http://h/v1"], "--judge openai: names no model"),
        (["--judge", "openai:x", "--judge-base-url", "http://h/v1", "--judge-device", "cpu"], "--judge-device has no meaning"),
        (["--judge", "openai:x", "--judge-base-url", "http://h/v1", "--judge-api-key-env", "NO"], "--judge-api-key-env NO:"),
        (["--judge", "openai:x", "--judge-base-url", "http://h/v1", "--judge-header-env", "a"], "--judge-header-env is not"),
        (["--judge", "openai:x", "--judge-base-url", "http://h/v1", "--offline"], "--judge-base-url is on another machine"),
        (["--judge", "builtin:first", "--judge-base-url", "http://h/v1"], "have no meaning for the model 'builtin:first'"),
        (["--judge", "builtin:first", "--judge-api", "chat"], "go with --judge-base-url"),
    ],
)  # fmt: skip
def test_one_sentence_in_the_judges_words(options: list[str], said: str, tasks: Path, tmp_path: Path) -> None:
    assert said in _local(tasks, tmp_path / "out", *options).sentence()


def test_options_of_one_kind_are_not_the_others() -> None:
    near = ModelOptions(
        device="cuda", dtype="float16", batch_tokens=9, trust_remote_code=True, overflow="skip"
    )
    server = EndpointOptions("http://a/v1")
    far = judge_options(near, JudgeSpec("openai:x", server))
    assert far == ModelOptions(endpoint=server)
    back = judge_options(ModelOptions(endpoint=server), JudgeSpec("builtin:first", dtype="float32"))
    assert back == ModelOptions(dtype="float32")
    other = EndpointOptions("http://b/v1")
    assert judge_options(ModelOptions(endpoint=server), JudgeSpec("openai:x", other)).endpoint == other
    named = replace(server, tokenizer="the/models-own")
    assert judge_options(ModelOptions(endpoint=named), JudgeSpec("openai:x")).endpoint == server


@pytest.mark.slow
def test_llamacpp_judges(tasks: Path, tmp_path: Path) -> None:
    """A real server, which tells likelihoods. Random weights hardly expect an allowed answer: missing, with the reason."""
    gguf = write_gemma3(tmp_path / "tiny.gguf", **{"gemma3.context_length": 4096})
    with serve_llamacpp(gguf, context=4096) as server:
        url = f"http://{server._address.netloc}/v1"
        done = _local(tasks, tmp_path / "out", "--judge", "openai:tiny", "--judge-base-url", url)
    row = _judge_row(done)
    assert row.read == "likelihood"
    assert row.model.details["server"].startswith("llama.cpp")
    # Its attention slides: the server can't cut its cache to the token.
    assert row.model.details["scoring"].startswith(
        "llama.cpp, without its cache, many tokens a request (proved"
    )
    (metric,) = row.metrics
    assert (metric.samples, metric.could_not_judge) == (5, {"improbable": 5})
    cost = _record(done).manifest.cost
    assert cost is not None
    (spent,) = cost.models
    assert (spent.role, spent.assumed, spent.dollars) == ("judge", 0, None), (
        "its own way to score counts tokens, too"
    )
    assert spent.charged > row.requests["unique"]
    assert spent.tokens["input"] > 1000


def test_a_judge_is_probed_where_it_writes_and_only_there(
    judge: Server, tasks: Path, ask: Ask, server: Server
) -> None:
    named = ("--judge", "openai:big", "--judge-base-url", judge.url)
    dry = ask(server, *named, "--dry-run", tasks="talk", include=tasks)
    assert dry.code == 0, dry.err
    assert judge.headers == []
    row = _judge_row(ask(server, *named, "--judge-stream", "on", tasks="talk", include=tasks))
    assert all(body["stream"] for body in judge.bodies)
    asked = len(judge.probes)
    assert asked > 5
    assert row.model.probed["paths"]["chat/completions"]["limit"] == "max_tokens"
    again = ask(server, *named, "--store", "none", tasks="talk", include=tasks)
    assert again.code == 0
    assert len(judge.probes) == asked, "what it found is kept"


@pytest.mark.parametrize("stream", ["on", "off"])
def test_a_judge_by_the_responses_api(stream: str, judge: Server, tasks: Path, tmp_path: Path) -> None:
    done = _local(
        tasks, tmp_path / "out", "--judge", "openai:big", "--judge-base-url", judge.url, "--judge-api", "responses",
        "--judge-stream", stream,
    )  # fmt: skip
    row = _judge_row(done)
    assert row.requests["failed"] == 0
    assert row.metrics[0].could_not_judge == {}
    assert all("input" in body and body["stream"] is (stream == "on") for body in judge.bodies)


def test_a_judge_behind_several_servers(judge: Server, tasks: Path, tmp_path: Path) -> None:
    with serving(name="judge/1", answer=judge.answer) as other:
        named = ("--judge", "openai:big", "--judge-base-url", judge.url, "--judge-base-url", other.url)
        row = _judge_row(_local(tasks, tmp_path / "out", *named))
        assert len(judge.bodies) + len(other.bodies) == 5
        assert judge.bodies
        assert other.bodies
    assert [one.url for one in row.model.servers] == [judge.url, other.url]


@pytest.mark.slow
def test_likelihoods_have_one_signature_however_they_were_asked_for(tasks: Path, tmp_path: Path) -> None:
    gguf = write_gemma3(tmp_path / "tiny.gguf", **{"gemma3.context_length": 4096})
    with serve_llamacpp(gguf, context=4096) as server:
        url = f"http://{server._address.netloc}/v1"
        named = ("--judge", "openai:tiny", "--judge-base-url", url)
        auto = _judge_row(_local(tasks, tmp_path / "out", *named))
        told = _judge_row(_local(tasks, tmp_path / "out", *named, "--judge-read", "likelihood"))
        text = _judge_row(_local(tasks, tmp_path / "out", *named, "--judge-read", "text"))
    assert auto.model.fingerprint == told.model.fingerprint == text.model.fingerprint, (
        "one model, however it is read"
    )
    assert told.requests["from_store"] == 5
    assert "scoring" not in text.model.details
    assert text.model.probed["paths"]
    assert auto.model.probed["paths"] == {}, "nothing is written, and nothing asked about that"
