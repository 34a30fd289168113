"""A server that fails a fifth of the time, in every way that was thought of: nothing is lost, nothing counts twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, environment, write_task
from openai_server import FAULTS, Server, prompt_of, serving, words

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.inference.store import ResponseStore
from lsm_eval.models.base import EndpointOptions
from lsm_eval.progress import Silent
from lsm_eval.requests import Generate, Generated, Request
from lsm_eval.results.reader import read_record
from lsm_eval.runner.ask import ask_requests
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec

QUICK = RetryPolicy(attempt_seconds=0.4, first_wait=0.05, longest_wait=0.4, tries=12)


def _tasks(folder: Path, count: int) -> Path:
    rows: list[dict[str, Any]] = [
        {"question": f"what is {at}", "choices": ["yes", words(f"what is {at}?")], "answer": at % 2}
        for at in range(count)
    ]
    write_task(folder, "say", rows, **GENERATE)
    return folder


def _run(server: Server, tasks: Path, out: Path, retry_policy: RetryPolicy = QUICK) -> Any:
    model = EndpointModel("small", EndpointOptions(server.url, max_concurrency=64), retry_policy)
    spec = RunSpec(tasks=["say"], model="openai:small", include=[tasks], out=out, store=out / "store")
    return run(spec, model, Silent())


@pytest.mark.parametrize("count", [700, pytest.param(5000, marks=pytest.mark.slow)])
def test_a_fifth_of_faults_leaves_the_record_of_a_clean_run(
    count: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if count < 1000:
        request.getfixturevalue("no_quotas")
    tasks = _tasks(tmp_path / "tasks", count)
    with serving(keep=False) as server:
        clean = _run(server, tasks, tmp_path / "clean")
    with serving(keep=False, fault_rate=0.2) as server:
        # Its address is another one, and stands in the fingerprint; nothing else may differ.
        faulty = _run(server, tasks, tmp_path / "faulty")
    assert set(server.counts) == set(FAULTS)
    assert sum(server.counts.values()) > count / 7
    assert set(server.answered) == {f"what is {at}?" for at in range(count)}
    first, second = read_record(clean.record), read_record(faulty.record)
    tables = [one.samples("say").drop_columns(["seconds"]) for one in (first, second)]
    assert tables[0].equals(tables[1])
    strip = ("signature",)
    rows = [
        [{k: v for k, v in row.model_dump().items() if k not in strip} for row in one.estimates]
        for one in (first, second)
    ]
    assert rows[0] == rows[1]
    assert first.manifest.requests == second.manifest.requests
    assert first.manifest.tokens == second.manifest.tokens
    assert second.manifest.requests["failed"] == 0


@pytest.mark.usefixtures("no_quotas")
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_ends_as_missing_with_its_name(fault: str) -> None:
    names = {
        "429": "rate_limit", "429 with Retry-After": "rate_limit", "500": "server_error", "503": "server_error",
        "reset before": "connection", "reset inside": "connection", "truncated JSON": "malformed",
        "no JSON": "malformed", "stall": "timeout", "no finish reason": "no_finish_reason",
        "null content": "no_content", "no choices": "no_choices", "fewer tokens": "fewer_tokens",
        "no usage": "no_usage",
    }  # fmt: skip
    retry_policy = RetryPolicy(tries=3, attempt_seconds=0.15, first_wait=0.01, longest_wait=0.02)
    requests: list[Request] = [
        Generate("hello", chat=True),
        *(Generate(f"{at}", chat=True) for at in range(3)),
    ]
    with serving() as server:
        model = EndpointModel("small", EndpointOptions(server.url), retry_policy)
        found = dict(next(iter(model.answer(requests[:1]))))  # the first is answered, or the run would end
        server.fault_rate, server.faults = 1.0, (fault,)
        window = model.answer(requests, known=[0])
        if names.get(fault) == "connection":
            from lsm_eval.errors import UserError

            with pytest.raises(UserError, match=r"did not answer the first request \(connection: "):
                list(window)
            return
        for batch in window:
            found |= batch
    if fault in names:
        failures = [found[at] for at in (1, 2, 3)]
        assert {getattr(one, "reason", None) for one in failures} == {"unanswered"}
        assert all(one.detail.startswith(f"{names[fault]}: ") for one in failures)  # type: ignore[union-attr]
        assert all("3 tries in" in one.detail for one in failures)  # type: ignore[union-attr]
        assert len(server.bodies) == 1 + 9
    else:  # a slow answer is one, and so is one that is sent twice
        assert [getattr(found[at], "text", None) for at in range(4)] == [
            words(prompt_of({"prompt": text})) for text in ("hello", "0", "1", "2")
        ]


def test_an_answer_that_comes_twice_is_no_answer_to_the_next_request(tmp_path: Path) -> None:
    requests: list[Request] = [Generate(f"question {at}", chat=True) for at in range(400)]
    with serving(fault_rate=0.5, faults=("twice",)) as server:
        model = EndpointModel("small", EndpointOptions(server.url, max_concurrency=8), QUICK)
        found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    for at, one in found.items():
        assert isinstance(one, Generated)
        assert one.text == words(f"question {at}")
    assert len(found) == 400
    assert server.counts["twice"] > 100


_CHILD = """
import sys
sys.path[:0] = sys.argv[1].split(",")
from pathlib import Path
from test_faults import _run
from openai_server import Server
_run(Server(url=sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
"""


def test_what_was_answered_before_a_kill_is_not_asked_again(tmp_path: Path) -> None:
    tasks = _tasks(tmp_path / "tasks", 1500)
    here = Path(__file__).resolve().parent
    places = ",".join(map(str, (here, here.parent, here.parent.parent)))
    command = [sys.executable, "-c", _CHILD, places, "", str(tasks), str(tmp_path / "out")]
    with serving(seconds=0.02, keep=False) as server:
        command[4] = server.url
        child = subprocess.Popen(command, env=environment())
        deadline = time.monotonic() + 90
        while sum(server.answered.values()) < 500 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        time.sleep(0.1)
        before = set(server.answered)
        assert 500 <= len(before) < 1500
        (file,) = (tmp_path / "out" / "store").glob("*.sqlite")
        with ResponseStore(file.parent, file.stem) as store:
            stored = store._db.execute("SELECT count(*) FROM answers").fetchone()[0]
        assert stored >= len(before) - 300, "what is not stored yet was under way, or arrived just now"
        server.answered.clear()
        result = _run(server, tasks, tmp_path / "out")
    again = set(server.answered) & before
    assert len(again) == len(before) - stored
    assert set(server.answered.values()) == {1}
    assert result.manifest.requests["from_store"] == stored
    assert result.manifest.requests["failed"] == 0


def test_ctrl_c_leaves_no_thread_and_keeps_the_answers(tmp_path: Path) -> None:
    tasks = _tasks(tmp_path / "tasks", 600)
    command = [
        sys.executable, "-m", "lsm_eval", "run", "--tasks", "say", "--include", str(tasks), "--out", str(tmp_path / "out"),
        "--store", str(tmp_path / "store"), "--model", "openai:small", "--max-concurrency", "8",
    ]  # fmt: skip
    with serving(seconds=0.05, keep=False) as server:
        child = subprocess.Popen(
            [*command, "--base-url", server.url],
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
            # Shells start what runs in the background with SIGINT ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        deadline = time.monotonic() + 90
        while sum(server.answered.values()) < 60 and time.monotonic() < deadline:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert "stopped; all answers so far are kept" in said
    assert "Traceback" not in said
    assert "Unclosed" not in said


def test_answers_are_those_of_one_store_key() -> None:
    """The same request is asked once, whatever task asks it."""
    with serving() as server:
        model = EndpointModel("small", EndpointOptions(server.url), QUICK)
        requests: list[Request] = [Generate("hello", chat=True)] * 3
        responses, (tally,) = ask_requests(requests, {}, model, "key", None, Silent())
        assert len(server.bodies) == 1
        assert (tally.asked, tally.unique, tally.computed) == (3, 1, 1)
        assert responses[0] == responses[2]
