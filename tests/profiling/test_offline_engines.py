"""Offline profiles through other engines: llama.cpp, ONNX Runtime, a GGUF file that is converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsm_eval.models.base import ModelOptions
from lsm_eval.profiling.matmul import Machine
from lsm_eval.profiling.offline import run as offline_run
from lsm_eval.profiling.offline.reach import MachineMeter
from lsm_eval.profiling.offline.run import ProfileResult, profile_model
from lsm_eval.profiling.offline.spec import OfflineSpec
from lsm_eval.progress import Silent
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import read_record
from lsm_eval.runner.spec import RunSpec

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")
SPEC = OfflineSpec(batches=(1, 3), prompts=(12,), outputs=(6,), max_repeats=5)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine reaches is measured in tests of its own."""
    monkeypatch.setattr(
        offline_run,
        "MachineMeter",
        lambda device, dtype: MachineMeter(device, dtype, measure=lambda *_: Machine(1e18, 1e18)),
    )


def profiled(model: str, out: Path, **options: Any) -> ProfileResult:
    """A profile of `model`, below `out`."""
    return profile_model(
        RunSpec([], model, options=ModelOptions(device="cpu", **options), out=out), SPEC, Silent()
    )


def tokens_of(made: ProfileResult) -> set[tuple[str, int, int]]:
    """Cells, with the tokens that their batches had."""
    rows = read_record(made.record).measurements("repeats").to_pylist()
    return {(row["cell"], row["prompt_tokens"], row["output_tokens"]) for row in rows}


WHOLE = {
    ("prefill_b1_p12_o1", 12, 1), ("decode_b1_p12_o6", 12, 6), ("prefill_b3_p12_o1", 36, 3), ("decode_b3_p12_o6", 36, 18),
}  # fmt: skip


def test_llama_cpp(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs llama.cpp: pip install 'lsm-eval[llama-cpp]'")
    from tiny_gguf import write_gemma3

    path = write_gemma3(tmp_path / "tiny.gguf")
    made = profiled(f"llama.cpp:{path}", tmp_path / "out")
    assert tokens_of(made) == WHOLE
    assert made.manifest.model.details["slots"] == "3", "a batch is computed at once"
    cell = next(cell for cell in made.profile.cells if cell.name == "decode_b3_p12_o6")
    values = {one.metric: one for one in cell.metrics}
    assert values["output_tokens_per_second"].value
    assert "flops_per_second" not in values, "its operations are not known"
    written = values["time_per_output_token"]
    assert written.value is None or "difference" in written.method
    assert check_record(made.record).whole


@pytest.mark.slow
def test_onnx(tmp_path: Path, tiny_llama: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'lsm-eval[onnx]'")
    pytest.importorskip("onnx", reason="needs the package onnx, with which torch exports")
    from onnx_export import export

    folder = export(tiny_llama, tmp_path / "onnx")
    made = profiled(f"onnx:{folder}", tmp_path / "out")
    assert tokens_of(made) == WHOLE
    cell = next(cell for cell in made.profile.cells if cell.name == "decode_b3_p12_o6")
    written = next(one for one in cell.metrics if one.metric == "time_per_output_token")
    assert written.value
    assert written.method == "t(repeats)"
    assert check_record(made.record).whole


@pytest.mark.slow
def test_a_gguf_file(tmp_path: Path) -> None:
    from tiny_gguf import write_llama

    path = write_llama(tmp_path / "tiny.gguf")
    made = profiled(str(path), tmp_path / "out")
    assert {cell for cell, _, _ in tokens_of(made)} == {cell for cell, _, _ in WHOLE}
    assert check_record(made.record).whole
