"""How long what a probe found out is kept, and when it is asked anew."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import call
from dialects import Dialect
from openai_server import Ask, Server, echo, serving
from probed_models import CHAT, PLAIN, probed

from lsm_eval.endpoints.probe import findings
from lsm_eval.endpoints.probe.findings import Findings, PathFindings
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.reader import read_record


def test_the_next_run_asks_nothing(server: Server, ask: Ask, own_cache: Path) -> None:
    server.pages["/version"] = {"version": "1.0"}
    server.probe = Dialect()
    first = ask(server)
    count = len(server.probes)
    assert 5 <= count <= 10
    assert f"openai:small: {count} short requests found out how the server behaves" in first.err
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
    probed(server).probe([CHAT])
    count = len(server.probes)
    probed(server).probe([CHAT])
    assert len(server.probes) == count
    at = time.time()
    monkeypatch.setattr(time, "time", lambda: at + 86_401)
    probed(server).probe([CHAT])
    assert len(server.probes) == 2 * count


def test_another_probe_asks_anew(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.pages["/version"] = "1.0"
    probed(server).probe([CHAT])
    count = len(server.probes)
    monkeypatch.setattr(findings, "VERSION", 2)
    probed(server).probe([CHAT])
    assert len(server.probes) == 2 * count


def test_a_second_path_is_asked_what_the_first_cannot_tell(server: Server) -> None:
    server.probe = Dialect()
    model = probed(server)
    model.probe([CHAT])
    count = len(server.probes)
    model.probe([CHAT, PLAIN])
    assert 3 <= len(server.probes) - count <= 6
    assert model._discovery.capabilities.findings is not None
    plain = model._discovery.capabilities.findings.paths["completions"]
    assert (plain.seed, plain.greedy, plain.token_ids) == ("kept", True, True)
    again = probed(server)
    again.probe([CHAT, PLAIN])
    assert len(server.probes) == count + model._discovery.capabilities.findings.requests - count


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


def test_what_was_not_found_out_is_not_kept(server: Server) -> None:
    dialect = Dialect()
    server.probe = lambda body: (500, "no", {}) if body.get("seed") else dialect(body)
    model = probed(server)
    model.probe([CHAT])
    assert model._discovery.capabilities.findings is not None
    found = model._discovery.capabilities.findings.paths["chat/completions"]
    assert (found.seed, found.greedy, found.stop) == (None, True, "cut")
    count = len(server.probes)
    probed(server).probe([CHAT])
    assert len(server.probes) == 2 * count


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
    model = probed(server)
    assert model._discovery.capabilities.scoring(model._discovery.server) is None
    model._discovery.capabilities.keep_scoring(model._discovery.server, {"route": "echo", "proved": True})
    model.probe([CHAT])
    assert (model.info.probed or {})["scoring"] == {"route": "echo", "proved": True}
    again = probed(server)
    assert again._discovery.capabilities.scoring(again._discovery.server) == {"route": "echo", "proved": True}


def test_records_without_a_probe_are_as_they_were() -> None:
    row = ModelRow(name="m", fingerprint="f")
    assert "probed" not in row.model_dump()
    assert ModelRow.model_validate({"name": "m", "fingerprint": "f"}).probed is None


@pytest.fixture
def silent() -> Iterator[Server]:
    """A server that tells its version and resets every other connection."""
    with serving(probe=echo) as found:
        yield found


def test_a_cache_that_cannot_be_written_is_no_fault(silent: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSM_EVAL_CACHE", "/dev/null/none")
    probed(silent).probe([CHAT])
    count = len(silent.probes)
    probed(silent).probe([CHAT])
    assert len(silent.probes) == 2 * count
