"""A server that repeats the key wherever it can: whatever the API, it stands in nothing that is written or said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai_server import Ask, Body, completion, prompt_of, serving
from stream_bytes import streamed

from lsm_eval.endpoints.key import Key
from lsm_eval.results.reader import read_record

KEY = "Ab+cD/eF==0123456789xyZ"
HEADER = 'gateway "Q" of\\acme-Research'
FORMS = (KEY, KEY.lower(), KEY.upper(), json.dumps(HEADER)[1:-1], HEADER, "acme-research")


def _foreign(content: bytes) -> bytes:
    """As servers in .NET and PHP write JSON."""
    return content.replace(b"+", b"\\u002B").replace(b"/", b"\\/").replace(b"=", b"\\u003d")


def _three(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(0, len(text), 3)]


@pytest.mark.parametrize("stream", ["on", "off"])
@pytest.mark.parametrize("api", ["chat", "completions", "responses"])
def test_it_stands_nowhere(
    api: str, stream: str, ask: Ask, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    monkeypatch.setenv("A_HEADER", HEADER)
    monkeypatch.setattr("stream_bytes.pieces", _three)
    asked: list[str] = []

    def tell(body: Body) -> Any:
        asked.append(prompt_of(body))
        kind = len(asked) % 6
        if kind == 1:
            said = {
                "error": {"message": f"you, {KEY.upper()} with {HEADER}, {'x' * 180} {KEY}", "param": KEY}
            }
            return 400, _foreign(json.dumps(said).encode()), {"Retry-After": KEY, "X-Request-Id": KEY}
        if kind == 2 and asked.count(asked[-1]) < 3:
            return 500, f"<html>{HEADER} {KEY.lower()}".encode(), {"Retry-After": "0"}
        thoughts = {} if api == "completions" else {"reasoning_content": f"my key is {KEY}, {HEADER}"}
        whole = completion(body, f"it is {KEY} and {HEADER}!", tokens=30, **thoughts)
        if kind == 3:
            choice = {"finish_reason": f"{'y' * 30}{KEY}"}
            whole = whole if "output" in whole else {**whole, "choices": [{**whole["choices"][0], **choice}]}
        whole["system_fingerprint"] = KEY
        if body.get("stream"):
            return [_foreign(one) for one in streamed(body, whole)]
        return _foreign(json.dumps(whole).encode())

    with serving(name=f"proxy/{KEY.lower()}") as server:
        server.answer = server.probe = tell
        server.pages["/version"] = {"version": f"1 of {KEY}"}
        server.pages["/v1/models"] = {"data": [{"id": "small", "root": f"/{KEY}/{HEADER}", "owned_by": KEY}]}
        server.posts["/tokenize"] = lambda body: {"tokens": [1], "error": KEY}
        done = ask(
            server, "--api-key-env", "A_KEY", "--header-env", "X-Gate=A_HEADER", "--api", api, "--stream", stream,
            "--chat", "off" if api == "completions" else "on", "--limit", "12",
        )  # fmt: skip
    assert done.code == 0, done.err
    assert all(f"Bearer {KEY}" in head for head in server.headers)
    table = read_record(done.record).samples("say")
    assert "it is *** and ***!" in table["completion"].to_pylist()
    shown = str(table.to_pylist()).replace("\\\\", "\\")
    files = [path for folder in (tmp_path, own_cache) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    for form in FORMS:
        assert [path for path in files if form.encode() in path.read_bytes()] == [], form
        assert form not in done.out + done.err + shown, form


@pytest.mark.parametrize(
    "text", [KEY, json.dumps(KEY), KEY.replace("/", "\\/"), "".join(f"\\u{ord(one):04X}" for one in KEY)]
)
def test_whatever_json_writes_of_it(text: str) -> None:
    key = Key(KEY)
    assert KEY not in str(json.loads(key.taken_out(f'["{text.strip(chr(34))}"]'.encode(), said=True)))
    other = f'["a \\" \\\\ \\/ \\u002b {KEY[:-1]}"]'.encode()
    assert key.taken_out(other, said=True) == other, "what is not the key stays as it is, to the byte"
    assert key.taken_out(f"Bearer {KEY.upper()}".encode(), said=False) == b"Bearer ***"
