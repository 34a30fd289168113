"""Further headers from the environment: sent with every request, and to be seen nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from openai_server import Ask, Server, serving

from lsm_eval.endpoints.headers import read_headers
from lsm_eval.endpoints.key import Key, read_secrets
from lsm_eval.errors import UserError
from lsm_eval.results.reader import read_record

SECRET = 'azure/Secret "quoted" 0123456789abcdef'


def test_a_header_is_sent_and_stands_nowhere(
    ask: Ask, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_KEY", SECRET)
    monkeypatch.setenv("MY_ORG", "acme-research")
    with serving() as server:
        server.answer = lambda body: (400, {"error": {"message": f"you sent {SECRET}, of acme-research"}}, {})
        server.pages["/version"] = {"version": f"1 of {SECRET}"}
        done = ask(server, "--header-env", "api-key=AZURE_KEY", "--header-env", "X-Org=MY_ORG")
    assert done.code == 0, done.err
    assert all(f"api-key: {SECRET}" in head and "X-Org: acme-research" in head for head in server.headers)
    assert len(server.headers) > 24
    record = read_record(done.record)
    assert record.manifest.model.details["headers"] == "api-key, X-Org"
    (detail,) = set(record.samples("say")["failure_detail"].to_pylist())
    assert detail == "the server refuses it (status 400: you sent ***, of ***)"
    files = [path for folder in (tmp_path, own_cache) for path in folder.rglob("*") if path.is_file()]
    assert files
    for form in (SECRET, SECRET.replace('"', '\\"'), "acme-research"):
        assert [path for path in files if form.encode() in path.read_bytes()] == []
        assert form not in done.out + done.err


def test_an_answer_that_repeats_it_is_cleaned(
    server: Server, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openai_server import completion

    monkeypatch.setenv("AZURE_KEY", SECRET)
    server.answer = lambda body: completion(body, f"it is {SECRET}!", tokens=9)
    done = ask(server, "--header-env", "api-key=AZURE_KEY", "--limit", "2")
    assert set(read_record(done.record).samples("say")["completion"].to_pylist()) == {"it is ***!"}


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
def test_authorization_takes_the_keys_place(
    name: str, server: Server, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdefghij")
    monkeypatch.setenv("BASIC", "Basic dXNlcjpwYXNzd29yZDEyMw==")
    done = ask(server, "--header-env", f"{name}=BASIC", "--limit", "2", "--api-key-env", "OPENAI_API_KEY")
    assert done.code == 0, done.err
    assert f"--header-env {name} replaces the key." in done.err
    assert all(f"{name}: Basic dXNlcjpwYXNzd29yZDEyMw==" in head for head in server.headers)
    assert all(head.lower().count("authorization") == 1 for head in server.headers)


def test_the_word_behind_a_scheme_is_hidden_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASIC", "Basic dXNlcjpwYXNzd29yZDEyMw==")
    key = read_secrets(None, None, ["Authorization=BASIC"])
    assert key.secret is None
    assert key.hidden("no such user: dXNlcjpwYXNzd29yZDEyMw==") == "no such user: ***"
    assert "dXNl" not in repr(key)


def test_a_short_value_is_no_secret() -> None:
    key = Key(None, {"X-Version": "1", "X-Org": "acme"})
    assert key.hidden("version 1.1 of acme") == "version 1.1 of ***"
    assert key.taken_out(b"acme 1", said=True) == b"acme 1"
    assert key.taken_out(b"acme 1", said=False) == b"*** 1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["api-key"], "--header-env is not NAME=VARIABLE"),
        (["api-key="], "--header-env api-key is not NAME=VARIABLE"),
        (["=A_KEY"], "--header-env is not NAME=VARIABLE"),
        (["api key=A_KEY"], "--header-env is not NAME=VARIABLE"),
        (["käy=A_KEY"], "--header-env is not NAME=VARIABLE"),
        (["a\r\nb=A_KEY"], "--header-env is not NAME=VARIABLE"),
        (["api-key=sk-my-very-secret"], "its variable is not set"),
        (["api-key=EMPTY_KEY"], "or is empty"),
        (["api-key=BROKEN_KEY"], "holds a line break"),
        (["api-key=FOREIGN_KEY"], "a character that no header may have"),
        (["Content-Type=A_KEY"], "lsm-eval sets this header itself"),
        (["content-length=A_KEY"], "lsm-eval sets this header itself"),
        (["HOST=A_KEY"], "lsm-eval sets this header itself"),
        (["a=A_KEY", "A=A_KEY"], "is given twice"),
    ],
)
def test_what_is_no_header(given: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "abcdefgh-value")
    monkeypatch.setenv("EMPTY_KEY", "  ")
    monkeypatch.setenv("BROKEN_KEY", "abc\r\nX-Other: def")
    monkeypatch.setenv("FOREIGN_KEY", "schlüssel")
    with pytest.raises(UserError) as error:
        read_headers(given)
    assert said in str(error.value)
    assert all(one not in str(error.value) for one in ("secret", "abcdefgh", "X-Other", "schl"))


def test_it_goes_with_a_server(small_tasks: Path, tmp_path: Path) -> None:
    from command_line import call

    done = call(
        "run", "--tasks", "say", "--include", small_tasks, "--out", tmp_path, "--model", "builtin:says_no",
        "--header-env", "a=HOME",
    )  # fmt: skip
    assert "--header-env, --max-concurrency, --stream and --tokenizer go with --base-url" in done.sentence()


def test_it_is_told_where_it_goes_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    from lsm_eval.endpoints.model import EndpointModel
    from lsm_eval.models.base import EndpointOptions

    monkeypatch.setenv("AZURE_KEY", SECRET)
    notes: list[str] = []
    EndpointModel("m", EndpointOptions("http://h/v1", header_env=("api-key=AZURE_KEY",)), note=notes.append)
    assert notes == ["the key goes to http://h/v1 unencrypted: use https:// if the server has it."]
