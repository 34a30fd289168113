"""Servers asked from Python, where an event loop may run already."""

from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path

import pytest
from openai_server import Server

import lsm_eval


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _run(server: Server, small_tasks: Path) -> lsm_eval.Record:
    return lsm_eval.run("say", "openai:small", base_url=server.url, include=small_tasks)


def test_inside_of_a_running_event_loop(server: Server, small_tasks: Path) -> None:
    async def notebook() -> lsm_eval.Record:
        return _run(server, small_tasks)

    record = asyncio.run(notebook())
    asked = len(server.bodies)
    assert record.manifest.requests["computed"] == 24
    assert record.manifest.requests["failed"] == 0
    again = _run(server, small_tasks)
    assert again.manifest.requests["from_store"] == 24
    assert again.estimates["value"].tolist() == record.estimates["value"].tolist()
    assert record.manifest.command == [
        "lsm-eval", "run", "--tasks", "say", "--model", "openai:small", "--include", str(small_tasks), "--base-url", server.url
    ]  # fmt: skip
    assert len(server.bodies) == asked


def test_a_budget_that_is_spent(server: Server, small_tasks: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("small: {input: 1000, output: 1000}\n")
    with pytest.raises(lsm_eval.BudgetSpent) as caught:
        lsm_eval.run(
            "say", "openai:small", base_url=[server.url], include=small_tasks, max_cost=0.001, prices=prices
        )
    assert isinstance(caught.value, lsm_eval.UserError)


def test_a_ctrl_c_in_a_notebook_keeps_what_was_answered(server: Server, small_tasks: Path) -> None:
    async def notebook() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as a notebook's kernel has it
        waits = threading.get_ident()
        threading.Timer(2.0, lambda: signal.pthread_kill(waits, signal.SIGINT)).start()
        lsm_eval.run("say", "openai:small", base_url=server.url, include=small_tasks, max_concurrency=1)

    server.seconds = 0.3
    before, loop = signal.getsignal(signal.SIGINT), asyncio.new_event_loop()
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(notebook())
    finally:
        loop.close()
        signal.signal(signal.SIGINT, before)
    assert "lsm-eval" not in [thread.name for thread in threading.enumerate()]
    server.seconds = 0
    record = _run(server, small_tasks)
    assert record.manifest.requests["from_store"] > 0
    assert record.manifest.requests["failed"] == 0
