"""Profiles of other projects' servers, as their users start them."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from command_line import call
from model_servers import transformers_serve, vllm_serve
from tiny_models import CHAT, save_model

from lsm_eval.results.reader import read_record

pytestmark = pytest.mark.slow
SMALL = ("--prompt-tokens", "40", "--output-tokens", "10", "--requests", "12")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("served") / "tiny", chat=CHAT, head_dim=32, context=512)


def test_vllm_counts_the_tokens_of_every_chunk_and_empties_its_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = os.environ.get("LSM_EVAL_VLLM_PYTHON")
    if not python:
        pytest.skip("needs vLLM: LSM_EVAL_VLLM_PYTHON names its python")
    monkeypatch.setenv("VLLM_SERVER_DEV_MODE", "1")  # without it, it has no page that empties the cache
    with vllm_serve(Path(python), folder, tmp_path / "log") as url:
        base = ("profile", "--model", f"openai:{folder}", "--base-url", url, *SMALL, "--out", tmp_path)
        for more in (("--concurrency", "1,4"), ("--rate", "10", "--cache", "cold", "--flush", "vllm")):
            outcome = call(*base, *more)
            assert outcome.code == 0, outcome.err
            record = read_record(outcome.record)
            assert record.manifest.profile is not None
            assert record.manifest.profile.workload.ends_ignored
            rows = record.measurements("requests").to_pylist()
            assert {row["output_tokens"] for row in rows} == {10}
            assert {row["counted_by"] for row in rows} == {"server (a count a chunk)"}
            assert all(sum(row["chunk_tokens"]) == 10 for row in rows)


def test_transformers_server_is_profiled(folder: Path, tmp_path: Path) -> None:
    for module in ("fastapi", "uvicorn", "openai"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"transformers' server needs {module}: pip install 'transformers[serving]'")
    with transformers_serve(Path(sys.executable), folder, tmp_path / "log") as url:
        outcome = call(
            "profile",
            "--model",
            f"openai:{folder}",
            "--base-url",
            url,
            *SMALL,
            "--concurrency",
            "2",
            "--out",
            tmp_path,
        )
    assert outcome.code == 0, outcome.err
    profile = read_record(outcome.record).manifest.profile
    assert profile is not None
    (cell,) = profile.cells
    assert (cell.n, cell.failures) == (12, {})
    known = {one.metric: one.value for one in cell.metrics}
    assert 0 < known["ttft_p50"] <= known["e2e_p50"]  # type: ignore[operator]
