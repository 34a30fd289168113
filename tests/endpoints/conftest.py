"""Runs of small tasks on servers of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import GENERATE, QUESTIONS, Outcome, call, write_task, write_tasks
from openai_server import Ask, Server, serving

from lsm_eval.endpoints.limiter import Limiter

pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'lsm-eval[endpoints]'")


@pytest.fixture(scope="session")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose`, `say`, `read`, and `talk`, which has stop strings in a chat, too."""
    folder = write_tasks(tmp_path_factory.mktemp("tasks"))
    write_task(folder, "talk", QUESTIONS, **{**GENERATE, "chat_stop": ["\n", "cat"]})
    return folder


@pytest.fixture(autouse=True)
def _own_machine(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has its own cache, and no key of the user's."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers."""
    with serving() as found:
        yield found


@pytest.fixture
def ask(small_tasks: Path, tmp_path: Path) -> Ask:
    """Calls `lsm-eval run` on a server."""

    def run(server: Server, *more: str | Path, tasks: str = "say", include: Path | None = None) -> Outcome:
        return call(
            "run", "--tasks", tasks, "--include", include or small_tasks, "--out", tmp_path / "reports",
            "--model", "openai:small", "--base-url", server.url, *more,
        )  # fmt: skip

    return run


@pytest.fixture
def no_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    """429 comes from chance and not from a quota: no pace is learnt from it, which takes real seconds."""
    monkeypatch.setattr(Limiter, "_by_pace", lambda self: False)
