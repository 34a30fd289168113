"""Weights in fewer bits: the tree and the plain way agree on them, and the model hardly changes."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_models import edit_json, save_model

from lsm_eval.errors import UserError
from lsm_eval.models import quantised
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Generate, Likelihood, Perplexity, Request, Response, Score, Scored

# Not imported: it takes seconds of every worker, and one of them runs these tests.
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torchao") is None, reason="needs torchao: pip install 'lsm-eval[quantize]'"
)
TEXT = "the cat sat on the mat and the dog sat on the log, and what is the answer to the question?"


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


def _answers(model: Any, requests: list[Request]) -> list[Response]:
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    return [found[at] for at in range(len(requests))]


def _model(folder: Path, **options: Any) -> HFModel:
    return HFModel("hf:tiny", ModelOptions(**options), folder=folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the usual size: those of the other tests are so large that every rounding changes the answers."""
    return save_model(tmp_path_factory.mktemp("checkpoints") / "tiny", context=128, initializer_range=0.1)


def save_model_like(folder: Path, to: Path) -> Path:
    """A copy."""
    shutil.copytree(folder, to)
    return to


@pytest.mark.parametrize("name", ["int8", "int4"])
def test_tree_and_plain_agree_and_the_model_hardly_changes(name: str, folder: Path) -> None:
    requests: list[Request] = [
        Score("the cat sat on the", (" mat", " log", " the other one")),
        Score("what is the", (" name", " answer to")),
        Perplexity(TEXT),
        Generate("the cat", max_tokens=12),
        Generate("what is the name", max_tokens=12, stop=("the",)),
    ]
    tree = _model(folder, quantize=name, engine="tree")
    answers = _answers(tree, requests)
    plain = _answers(_model(folder, quantize=name, engine="plain"), requests)
    whole = _answers(_model(folder), requests)
    for one, other in zip(answers[:2], plain[:2], strict=True):
        assert isinstance(one, Scored)
        assert isinstance(other, Scored)
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-3)
        assert one.greedy == other.greedy
    assert answers[3:] == plain[3:]
    losses = [
        part.logprob / part.tokens
        for part in (answers[2], plain[2], whole[2])
        if isinstance(part, Likelihood)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert losses[0] != losses[2]
    assert losses[0] == pytest.approx(losses[2], abs={"int8": 0.01, "int4": 0.15}[name])
    details = dict(tree.info.details or {})
    assert details["quantised here"] == quantised.METHODS[name]
    assert details["engine"] == "tree"


def test_it_is_another_model(folder: Path) -> None:
    prints = {_model(folder, quantize=name).fingerprint() for name in (None, "int8", "int4")}
    assert len(prints) == 3
    assert "torchao" in _model(folder, quantize="int8").versions()
    assert "torchao" not in _model(folder).versions()


def test_an_adapter_is_merged_before(folder: Path, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    made = get_peft_model(
        AutoModelForCausalLM.from_pretrained(folder), LoraConfig(r=2, target_modules=["q_proj", "up_proj"])
    )
    for name, weight in made.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    made.save_pretrained(str(tmp_path / "adapter"))
    adapter = str(tmp_path / "adapter")
    asked: list[Request] = [Perplexity(TEXT)]
    values = [
        part.logprob / part.tokens
        for options in ({"adapter": adapter}, {"adapter": adapter, "quantize": "int8"}, {"quantize": "int8"})
        for part in _answers(_model(folder, **options), asked)
        if isinstance(part, Likelihood)
    ]
    assert values[1] == pytest.approx(values[0], abs=0.01)
    assert abs(values[1] - values[2]) > 0.01


def test_what_cannot_be_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown quantisation 'int9'"):
        _model(folder, quantize="int9")
    for name in ("bnb-8bit", "bnb-4bit"):
        with pytest.raises(UserError, match=rf"--quantize {name}: bitsandbytes is used on CUDA devices only"):
            _model(folder, quantize=name, device="cpu")
    with pytest.raises(UserError, match=r"quantize"):
        create("builtin:uniform", ModelOptions(quantize="int8"))
    own = save_model_like(folder, tmp_path / "own")
    edit_json(own / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    with pytest.raises(UserError, match=r"weights are quantised already \(gptq\): leave it out"):
        _ = _model(own, quantize="int8").info


def test_a_missing_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs the package torchao: pip install 'lsm-eval\[quantize\]'"):
        _model(folder, quantize="int8")


@pytest.mark.parametrize(
    ("method", "more", "package"),
    [
        ("gptq", {"bits": 4, "group_size": 32}, "gptqmodel"),
        ("awq", {"bits": 4, "group_size": 32}, "gptqmodel"),
        ("compressed-tensors", {"format": "pack-quantized", "config_groups": {}}, "compressed-tensors"),
        ("bitsandbytes", {"load_in_4bit": True}, "bitsandbytes"),
    ],
)
def test_a_checkpoint_that_needs_a_package_names_it(
    method: str, more: dict[str, Any], package: str, folder: Path, tmp_path: Path
) -> None:
    import importlib.util

    if importlib.util.find_spec(package.replace("-", "_")) is not None:
        pytest.skip(f"{package} is installed here")
    own = save_model_like(folder, tmp_path / "own")
    content = json.loads((own / "config.json").read_text())
    content["quantization_config"] = {"quant_method": method, **more}
    (own / "config.json").write_text(json.dumps(content))
    model = _model(own)
    assert dict(model.info.details or {})["quantised weights"] == method
    with pytest.raises(UserError) as raised:
        model.load()
    assert f"its weights are quantised ({method})" in str(raised.value)
    assert f"pip install {package}" in str(raised.value)
