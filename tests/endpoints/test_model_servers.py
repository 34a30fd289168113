"""transformers' own server and vLLM's, in float32 on a CPU: the same tasks have the same greedy answers through them as in
process."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from command_line import Runner, call
from model_servers import transformers_serve, vllm_serve
from tiny_models import CHAT, save_model
from writing_models import writes_letters

from lsm_eval.results.reader import read_record

Serve = Callable[[Path, Path, Path], AbstractContextManager[str]]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def _transformers() -> Path:
    for module in ("fastapi", "uvicorn", "openai"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"transformers' server needs {module}: pip install 'transformers[serving]'")
    return Path(sys.executable)


def _vllm() -> Path:
    if "LSM_EVAL_VLLM_PYTHON" not in os.environ:
        pytest.skip("needs vLLM: name a Python that has it by LSM_EVAL_VLLM_PYTHON")
    return Path(os.environ["LSM_EVAL_VLLM_PYTHON"])


@pytest.mark.parametrize(("serve", "python"), [(transformers_serve, _transformers), (vllm_serve, _vllm)])
def test_answers_through_a_server_are_those_in_process(
    serve: Serve, python: Callable[[], Path], small_tasks: Path, tmp_path: Path
) -> None:
    folder = writes_letters(save_model(tmp_path / "tiny", chat=CHAT, head_dim=32, context=512))
    where = python()
    records = {}
    with serve(where, folder, tmp_path / "log") as url:
        for chat in ("on", "off"):
            done = call(
                "run", "--tasks", "say,talk", "--include", small_tasks, "--out", tmp_path / "far",
                "--model", f"openai:{folder}", "--base-url", url, "--chat", chat, "--name", "far",
            )  # fmt: skip
            assert done.code == 0, done.err
            records[chat] = done.record
    for chat, record in records.items():
        near = Runner(folder, small_tasks, tmp_path / "near")("--chat", chat, tasks="say,talk")
        assert near.code == 0, near.err
        there, here = read_record(record), read_record(near.record)
        for task in ("say", "talk"):
            for column in ("completion", "finish", "score.exact_match", "score.f1"):
                one, other = (run.samples(task)[column].to_pylist() for run in (here, there))
                assert other == one, (chat, task, column)
            texts = here.samples(task)["completion"].to_pylist()
            assert len(set(texts)) > len(texts) // 2
            assert "\ufffd" not in "".join(texts)
