"""Ten providers' ways to fail, as llmock (a process on loopback) plays them: each is an answer or has a name."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.errors import UserError
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Failure, Generate, Generated, Response

pytest.importorskip("llmock", reason="needs llmock (pip install llmock)")

CHATS = ("/v1", "/mistral/v1", "/groq/openai/v1", "/together/v1", "/perplexity/v1", "/ai21/v1", "/xai/v1")
"""Of the providers with chat completions."""
OTHERS = ("/anthropic/v1", "/gemini/v1beta/openai", "/cohere/v1")
"""Of those with an API of their own, which fail in words of their own, too."""
QUICK = RetryPolicy(tries=3, first_wait=0.01, longest_wait=0.02, stall_seconds=0.4)


class Mock:
    """The process, and what it is told to do next."""

    def __init__(self, root: str) -> None:
        self.root = root

    def call(self, path: str, content: Any = None) -> Any:
        """Its control pages."""
        data = None if content is None else json.dumps(content).encode()
        with urllib.request.urlopen(f"{self.root}{path}", data, timeout=10) as found:
            return json.loads(found.read())

    def next(self, *behaviors: dict[str, Any]) -> None:
        """What it does with the next requests, and nothing that it was told before."""
        self.call("/_llmock/reset", {})
        if behaviors:
            self.call("/_llmock/scenario", {"behaviors": list(behaviors)})

    def asked(self) -> list[dict[str, Any]]:
        """The requests since then."""
        found: list[dict[str, Any]] = self.call("/_llmock/requests")["requests"]
        return found


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    command = shutil.which("llmock", path=str(Path(sys.executable).parent)) or shutil.which("llmock")
    if command is None:
        pytest.skip("llmock has no command here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [command, "serve", "--port", str(port), "--log-level", "error", "--response-style", "echo"],
        stdout=subprocess.DEVNULL,
    )
    found = Mock(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError):
                found.call("/health")
                break
            time.sleep(0.05)
        yield found
    finally:
        process.kill()
        process.wait()


def _asked(mock: Mock, base: str, *prompts: str, **options: Any) -> list[Response]:
    model = EndpointModel("small", EndpointOptions(mock.root + base, **options), QUICK)
    requests = [Generate(text, chat=True) for text in prompts]
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    return [found[at] for at in range(len(prompts))]


WAYS = [(base, "chat") for base in CHATS] + [("/v1", "responses")]


@pytest.mark.parametrize("stream", ["off", "on"])
@pytest.mark.parametrize(("base", "api"), WAYS)
def test_answers_of_all_providers(base: str, api: str, stream: str, mock: Mock) -> None:
    mock.next()
    for answer in _asked(mock, base, "how are you", "and so on", api=api, stream=stream):
        assert isinstance(answer, Generated), answer
        assert answer.finish == "stop"
        assert answer.tokens
        assert answer.text
    assert len(mock.asked()) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 408, 409, 422, 429, 500, 502, 503, 529])
@pytest.mark.parametrize("base", [*CHATS, *OTHERS])
def test_errors_of_all_providers(base: str, status: int, mock: Mock, request: pytest.FixtureRequest) -> None:
    """In the words of each: the message is found in all of them, and what may be tried again is."""
    if base != "/v1":
        request.getfixturevalue("no_quotas")
    said = "a message of its own"
    mock.next({"type": "fail", "status": status, "message": said, "retry_after": 0.02, "times": None})
    if status in (403, 404):
        with pytest.raises(UserError, match=f"status {status}: {said}"):
            _asked(mock, base, "how are you")
        return
    (failed,) = _asked(mock, base, "how are you")
    assert isinstance(failed, Failure), failed
    if status in (400, 422):
        assert (failed.reason, len(mock.asked())) == ("refused", 1)
        assert failed.detail == f"the server refuses it (status {status}: {said})"
    else:
        assert (failed.reason, len(mock.asked())) == ("unanswered", 3)
        name = "rate_limit" if status == 429 else "server_error"
        assert failed.detail.startswith(f"{name}: status {status}: {said} (3 tries")


@pytest.mark.parametrize("base", [*CHATS, *OTHERS])
@pytest.mark.parametrize("status", [401, 402])
def test_keys_that_are_refused(base: str, status: int, mock: Mock) -> None:
    mock.next({"type": "fail", "status": status, "message": "no such key", "times": None})
    with pytest.raises(UserError, match="no such key"):
        _asked(mock, base, "how are you")
    assert len(mock.asked()) == 1


@pytest.mark.parametrize("base", OTHERS)
def test_providers_with_another_api_are_told_by_the_first_request(base: str, mock: Mock) -> None:
    mock.next()
    with pytest.raises(UserError, match="is not there for the model 'small'"):
        _asked(mock, base, "how are you")


FAULTS = {
    "disconnect": ("connection",),
    "truncate": ("no_finish_reason", "empty_stream", "no_done"),
    "stall": ("stalled",),
    "malformed": ("malformed",),
}


@pytest.mark.parametrize("after", [0, 1, 2, 3])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("base", "api"), WAYS)
def test_streams_that_break(base: str, api: str, fault: str, after: int, mock: Mock) -> None:
    """Once: the next try brings the answer. Always: missing, by name. A time to the first part has no limit but the try's."""
    if fault == "stall" and (base not in ("/v1", "/xai/v1") or after != 2):
        return  # each takes as long as its limit
    broken = {"type": "stream_fault", "kind": fault, "after_chunks": after, "stall_seconds": 30}
    mock.next()
    _asked(mock, base, "how are you", api=api, stream="on")
    mock.next(broken)
    prompt = "how are you then"
    found, right = _asked(mock, base, prompt, prompt + " now", api=api, stream="on")
    assert isinstance(found, Generated), found
    assert isinstance(right, Generated), right
    assert (found.text, found.tokens is not None) == (right.text.replace(" now", ""), True)
    assert len(mock.asked()) == 3
    mock.next({**broken, "times": None})
    with suppress(UserError):  # of a first request that finds nobody
        (failed,) = _asked(mock, base, prompt, api=api, stream="on")
        assert isinstance(failed, Failure)
        assert failed.detail.partition(": ")[0] in FAULTS[fault]
    assert len(mock.asked()) == 3


@pytest.mark.parametrize("stream", ["off", "on"])
@pytest.mark.parametrize(("base", "api"), WAYS)
def test_what_a_model_may_say_instead(base: str, api: str, stream: str, mock: Mock) -> None:
    mock.next({"type": "reply", "text": None, "tool_calls": [{"name": "f", "arguments": {"a": 1}}]})
    (failed,) = _asked(mock, base, "how are you", api=api, stream=stream)
    assert isinstance(failed, Failure)
    assert "tool_calls: the answer calls a tool, and none was offered" in failed.detail
    mock.next({"type": "reply", "text": "cut", "finish_reason": "length"})
    (cut,) = _asked(mock, base, "how are you", api=api, stream=stream)
    assert getattr(cut, "finish", cut) == "length"


@pytest.mark.usefixtures("no_quotas")
def test_the_verdict_on_this_client(mock: Mock) -> None:
    """llmock's own: nothing retried too soon, in vain, or without end; no broken stream taken for an answer."""
    mock.next(
        {"type": "fail", "status": 429, "retry_after": 0.3, "times": 2},
        {"type": "fail", "status": 503, "retry_after": 0.1},
        {"type": "stream_fault", "kind": "truncate", "after_chunks": 2, "times": 2},
        {"type": "stream_fault", "kind": "disconnect", "after_chunks": 2},
        {"type": "stream_fault", "kind": "malformed", "after_chunks": 1},
    )
    # The first request goes alone, and finds all seven of them.
    retry_policy = RetryPolicy(first_wait=0.02, longest_wait=5)  # each wait is longer than the one before
    model = EndpointModel("small", EndpointOptions(f"{mock.root}/v1", stream="on"), retry_policy)
    requests = [Generate(f"how are you {at}", chat=True) for at in range(20)]
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    assert [one for one in found.values() if not isinstance(one, Generated)] == []
    verdict = mock.call("/_llmock/verdict")
    assert verdict["faults_injected"] == 7
    assert verdict["passed"], verdict
    # It has written all of a stream before one can stop reading; that request was asked again, as the next is.
    assert {one["code"] for one in verdict["findings"]} <= {"malformed_chunk_ignored"}
