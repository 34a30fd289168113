"""Small tasks with given choices, asked of a model in process and of servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import QUESTIONS, SCORE, Outcome, Runner, call, write_task
from openai_server import Server
from tiny_models import CHAT, save_model

LETTERED = {
    **SCORE,
    "prompt": "{{ question }}?\nA. {{ choices[0] }}\nB. {{ choices[1] }}\nAnswer:",
    "choices": ["A", "B"],
    "metrics": ["acc", "acc_norm", "brier"],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "chatting", chat=CHAT, context=512)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    write_task(folder, "choose", QUESTIONS, **{**SCORE, "metrics": ["acc", "acc_norm", "ece"]})
    write_task(folder, "normed", QUESTIONS, **{**SCORE, "metrics": ["acc_norm"], "metadata": {"x": "y"}})
    write_task(folder, "lettered", QUESTIONS, **LETTERED)
    write_task(folder, "twice", QUESTIONS, **{**LETTERED, "further": ["Again {{ question }}?\nA. x\nB. y\nAnswer:"],
               "metadata": {"hallucinated": "{{ [0, 1] }}"}, "metrics": ["halueval_acc"]})  # fmt: skip
    write_task(folder, "likely", QUESTIONS, **{**SCORE, "metrics": ["ece", "brier"]})
    write_task(folder, "lone", QUESTIONS, **{**SCORE, "choices": ["mat"], "target": 0})
    write_task(folder, "bare", QUESTIONS, **{**SCORE, "prompt": ""})
    return folder


@pytest.fixture
def near(model: Path, tasks: Path, tmp_path: Path) -> Runner:
    return Runner(model, tasks, tmp_path / "reports")


@pytest.fixture
def far(tasks: Path, tmp_path: Path) -> Callable[..., Outcome]:
    def run(server: Server, *more: str | Path, tasks_named: str = "choose") -> Outcome:
        return call(
            "run", "--tasks", tasks_named, "--include", tasks, "--out", tmp_path / "reports", "--seed", "0",
            "--model", "openai:small", "--base-url", server.url, *more,
        )  # fmt: skip

    return run
