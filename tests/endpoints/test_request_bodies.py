"""The body of a request is the same JSON whether its fixed parts were encoded before or not."""

from __future__ import annotations

import json

import pytest

from lsm_eval.endpoints.asking import Path, Quirks, body
from lsm_eval.request_json import HOLE
from lsm_eval.requests import Generate

PROMPTS = ["What is 7 × 7?", 'He said "no"\\\n\t\x00', "", "\ud83d\ude00 \ud800", f"{HOLE}{HOLE}", "\u2028😀"]


def written(
    request: Generate, path: Path, quirks: Quirks | None = None, *, stops: bool = True
) -> dict[str, object]:
    """The fields of a request's body, which is written as `json.dumps` writes it."""
    content = body(request, "m", path, quirks or Quirks(), stops=stops)
    fields = json.loads(content)
    assert isinstance(fields, dict)
    assert content == json.dumps(fields, ensure_ascii=False).encode()
    return fields


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("system", [None, "Be brief.", HOLE])
def test_a_prompt_is_sent_as_it_is(prompt: str, system: str | None) -> None:
    sent = prompt.encode("utf-8", "replace").decode()
    request = Generate(prompt, system=system, stop=("\n",), max_tokens=5)
    before = [] if system is None else [{"role": "system", "content": system}]
    user = {"role": "user", "content": sent}
    common = {"model": "m", "temperature": 0.0, "stream": False}
    assert written(request, "chat/completions") == {
        **common, "messages": [*before, user], "max_tokens": 5, "stop": ["\n"],
    }  # fmt: skip
    assert written(request, "completions") == {
        **common, "prompt": sent if system is None else f"{system}\n\n{sent}", "max_tokens": 5, "stop": ["\n"],
    }  # fmt: skip
    asked = {} if system is None else {"instructions": system}
    assert written(request, "responses") == {
        **common, **asked, "input": [user], "max_output_tokens": 5, "store": False,
    }  # fmt: skip


def test_what_is_found_about_the_server_later_changes_the_next_body() -> None:
    quirks, request = Quirks(), Generate("a", stop=("x",))
    assert written(request, "completions", quirks)["stop"] == ["x"]
    assert "stop" not in written(request, "completions", quirks, stops=False)
    quirks.stop = quirks.temperature = False
    quirks.limit = "max_completion_tokens"
    quirks.ignore_ends = True
    assert written(request, "chat/completions", quirks) == {
        "model": "m", "messages": [{"role": "user", "content": "a"}], "max_completion_tokens": 256,
        "ignore_eos": True, "stream": False,
    }  # fmt: skip
    streamed = json.loads(body(request, "m", "completions", quirks, stream=True))
    assert streamed["stream_options"] == {"include_usage": True}
    quirks.streaming.count = False
    assert "stream_options" not in json.loads(body(request, "m", "completions", quirks, stream=True))
    budget = Generate("a", reasoning_tokens=7)
    assert written(budget, "chat/completions", quirks)["max_completion_tokens"] == 263
    quirks.server = "vllm"
    assert written(budget, "chat/completions", quirks)["thinking_token_budget"] == 7


def test_numbers_are_written_by_their_type() -> None:
    assert b'"temperature": 0,' in body(Generate("a", temperature=0), "m", "completions", Quirks())
    assert b'"temperature": 0.0,' in body(Generate("a", temperature=0.0), "m", "completions", Quirks())
