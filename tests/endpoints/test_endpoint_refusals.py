"""What cannot be asked is said in one sentence, before anything is spent; keys are in no text."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import call
from openai_server import Ask, Body, Server, echo, serving

KEY = "sesame-0123456789-open"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "openai:m"], "needs the address of its server: add --base-url URL"),
        (["--model", "openai:", "--base-url", "http://localhost/v1"], "names no model"),
        (["--model", "openai:m", "--base-url", "localhost:80"], "--base-url is no address of a server"),
        (["--model", "openai:m", "--base-url", "http://[bad/v1"], "--base-url is no URL"),
        (["--model", "openai:m", "--base-url", "http://a b/v1"], "holds a space"),
        (["--model", "openai:m", "--base-url", "http://h/v1/chat/completions"], "give the address above it"),
        (["--model", "openai:m", "--base-url", f"http://me:{KEY}@h/v1"], "holds a user or a password"),
        (["--model", "openai:m", "--base-url", f"http://h/v1?key={KEY}"], "something after ? or #"),
        (["--model", "openai:m", "--base-url", "http://h/v1", "--base-url", "http://h/v1/"], "given twice"),
        (["--model", "openai:m", "--base-url", "http://h/v1", "--device", "cpu"], "--device has no meaning"),
        (["--model", "openai:m", "--base-url", "http://h/v1", "--offline"], "--offline asks no network"),
        (["--model", "openai:m", "--base-url", "http://h/v1", "--api-key-env", "NO_SUCH"], "no such variable"),
        (["--model", "openai:m", "--base-url", "http://h/v1", "--api-key-file", "/no"], "cannot be read"),
        (["--model", "builtin:says_no", "--judge", "openai:x"], "add --judge-base-url URL"),
        (["--model", "builtin:says_no", "--base-url", "http://h/v1"], "have no meaning for the model"),
        (["--model", "builtin:says_no", "--max-concurrency", "3"], "go with --base-url"),
    ],
)  # fmt: skip
def test_one_sentence(options: list[str], said: str, small_tasks: Path, tmp_path: Path) -> None:
    done = call("run", "--tasks", "say", "--include", small_tasks, "--out", tmp_path, *options)
    sentence = done.sentence()
    assert said in sentence
    assert KEY not in sentence


@pytest.mark.parametrize("tasks", ["choose", "read", "choose,read"])
def test_likelihoods_are_refused_where_the_server_tells_none(tasks: str, server: Server, ask: Ask) -> None:
    sentence = ask(server, "--choices", "likelihood", tasks=tasks).sentence()
    assert "is behind an endpoint that has no /tokenize" in sentence
    assert "--tokenizer ID|DIR" in sentence
    assert "leave out tasks that score given choices" in sentence
    assert len(server.bodies) <= 2


def test_tasks_that_can_be_asked_are(server: Server, ask: Ask) -> None:
    done = ask(server, tasks="read,say")
    assert done.code == 2
    assert "read is left out: openai:small is behind an endpoint" in done.err
    assert len(server.answered) == 24
    probed = len(server.probes)
    strict = ask(server, "--strict", "--store", "none", tasks="read,choose").sentence()
    assert strict.startswith("read: openai:small is behind an endpoint")
    assert (len(server.answered), len(server.probes)) == (24, probed)


def test_texts_are_not_cut(server: Server, ask: Ask) -> None:
    assert (
        "--overflow truncate has no meaning for generated texts"
        in ask(server, "--overflow", "truncate").sentence()
    )
    assert server.headers == []


def test_chats_only(server: Server, ask: Ask) -> None:
    assert "use --chat on, or another --api" in ask(server, "--api", "chat", "--chat", "off").sentence()
    assert "needs a chat template" in ask(server, "--api", "completions", "--chat", "on").sentence()
    assert server.headers == []


def test_a_dry_run_asks_nothing(server: Server, ask: Ask) -> None:
    done = ask(server, "--dry-run")
    assert done.code == 0, done.err
    assert server.headers == []


def test_nobody_there(ask: Ask) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = Server(url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        assert f"no server answers at {server.url}" in ask(server).sentence()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "rejects the key (status 401: no such thing)"),
        (403, "does not let this key ask 'small' (status 403: no such thing)"),
        (404, "is not there for the model 'small' (status 404: no such thing)"),
        (307, "redirects (status 307: no such thing)"),
    ],
)
def test_the_first_answer_may_end_the_run(status: int, said: str, server: Server, ask: Ask) -> None:
    server.answer = lambda body: (status, {"error": {"message": "no such thing"}}, {})
    done = ask(server)
    assert said in done.err.splitlines()[-1]
    assert done.code == 2
    assert len(server.bodies) == 1


def test_a_field_that_no_request_can_do_without(server: Server, ask: Ask) -> None:
    error = {"message": "only the default (1) value is supported", "param": "temperature"}
    server.answer = lambda body: (400, {"error": error}, {})
    assert "does not take 'temperature'" in ask(server).err
    assert len(server.bodies) == 2, "once more without it"


def test_a_key_is_sent_and_stands_nowhere(
    ask: Ask, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", KEY)
    (tmp_path / "key").write_text(f"{KEY}\n")
    with serving(key=KEY) as server:
        server.answer = lambda body: (400, {"error": {"message": f"you sent {KEY}"}}, {})
        first = ask(server, "--api-key-env", "OTHER_KEY")
        second = ask(server, "--api-key-file", tmp_path / "key")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        third = ask(server)
        assert (first.code, second.code, third.code) == (0, 0, 0), first.err
        assert "say: missing because 24 refused" in first.err
        monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}x")
        refused = ask(server)
        assert "rejects the key (status 401" in refused.err.splitlines()[-1]
    shown = first.out + first.err + second.out + second.err + third.out + third.err + refused.err
    (tmp_path / "key").unlink()
    files = [path for folder in (tmp_path, own_cache) for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in shown
    from lsm_eval.results.reader import read_record

    (detail,) = set(read_record(first.record).samples("say")["failure_detail"].to_pylist())
    assert detail == "the server refuses it (status 400: you sent ***)"


def test_it_is_a_package_of_its_own() -> None:
    """Without aiohttp everything else works, and a sentence says what to do."""
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from lsm_eval.cli import main\n"
        "main(['run', '--tasks', 'quickstart', '--model', 'openai:m', '--base-url', 'http://localhost/v1', '--dry-run'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "needs the package aiohttp: pip install 'lsm-eval[endpoints]'" in done.stderr


def test_a_server_of_chats_only_is_asked_as_its_sentence_says(server: Server, ask: Ask) -> None:
    def chats_only(body: Body) -> Any:
        return echo(body) if "messages" in body else (404, {"error": "no completions"}, {})

    server.answer = server.probe = chats_only
    assert "or ask with --chat on." in ask(server, "--chat", "off").err
    assert ask(server, "--chat", "on").code == 0
