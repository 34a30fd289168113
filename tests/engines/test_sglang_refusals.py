"""`sglang:MODEL` where SGLang cannot run: one sentence, before a checkpoint is fetched, that names its server as a way out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_line import call

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create

FIND = "lsm_eval.engines.sglang.model.find_spec"


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FIND, lambda name: SimpleNamespace(origin=f"{name}/__init__.py"))


def _has_gpu(monkeypatch: pytest.MonkeyPatch, there: bool, built: str | None = "13.0") -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    monkeypatch.setattr("torch.version.cuda", built)


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("sglang:Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("sglang:hf:Qwen/Qwen3-8B@main", "Qwen/Qwen3-8B"),
        ("sglang:./folder", "./folder"),
        ("sglang:builtin:smollm2-135m", "MODEL"),
        ("sglang:", "MODEL"),
    ],
)
def test_without_sglang(
    name: str, server: str, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FIND, lambda name: None)
    monkeypatch.setattr("lsm_eval.models.builtin.checkpoint", lambda *_, **__: pytest.fail("it is fetched"))
    sentence = call("run", "--tasks", "quickstart", "--model", name, "--out", str(tmp_path)).sentence()
    assert sentence.startswith(f"--model {name} needs the package sglang")
    assert "pip install 'lsm-eval[sglang]'" in sentence
    assert f"`python -m sglang.launch_server --model-path {server}`" in sentence
    assert f"--model openai:{server} --base-url http://localhost:30000/v1" in sentence


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(("there", "built"), [(False, "13.0"), (True, None)])
def test_without_a_gpu_of_nvidia(there: bool, built: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    _has_gpu(monkeypatch, there, built)
    with pytest.raises(
        UserError, match=r"SGLang needs a GPU of NVIDIA, and PyTorch finds none .*launch_server"
    ):
        create("sglang:Qwen/Qwen3-8B", ModelOptions())


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"device": "cuda:1"}, r"--device cuda:1: this SGLang is built for cuda; .* CUDA_VISIBLE_DEVICES"),
        ({"device": "cpu"}, "--device cpu: this SGLang is built for cuda"),
        ({"engine": "tree"}, "--engine tree is of the transformers backend, and .* runs in SGLang"),
        ({"quantize": "int8"}, "--quantize int8 is of the transformers backend, and .* runs in SGLang"),
        ({"slots": 4}, "--slots has no meaning for the model"),
    ],
)
def test_options_that_it_does_not_take(
    options: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_gpu(monkeypatch, True)
    with pytest.raises(UserError, match=sentence):
        create(f"sglang:{tmp_path}", ModelOptions(**options))
