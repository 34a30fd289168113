"""A PEFT adapter on a local checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_models import save_model

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.requests import Score, Scored

ASK = Score("the cat sat on", (" the mat", " the dog", " nothing"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def adapter(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter whose weights are not zero, as a trained one's are."""
    peft = pytest.importorskip("peft", reason="needs the extra `peft`")
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(checkpoint), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    return folder


def scores(checkpoint: Path, **options: Any) -> tuple[float, ...]:
    model = create(str(checkpoint), ModelOptions(**options))
    ((found,),) = [batch.values() for batch in model.answer([ASK])]
    assert isinstance(found, Scored)
    return found.logprobs


def test_scores_are_those_of_the_adapted_model(checkpoint: Path, adapter: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(checkpoint), adapter).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    wanted = []
    for continuation in ASK.continuations:
        head = tokenizer(ASK.context)["input_ids"]
        ids = tokenizer(ASK.context + continuation)["input_ids"]
        with torch.no_grad():
            logprobs = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        wanted.append(sum(float(logprobs[at - 1, ids[at]]) for at in range(len(head), len(ids))))
    adapted = scores(checkpoint, adapter=str(adapter))
    assert adapted == pytest.approx(wanted, abs=1e-4)
    assert adapted != pytest.approx(scores(checkpoint), abs=1e-2)


def test_a_model_with_an_adapter_has_a_fingerprint_of_its_own(checkpoint: Path, adapter: Path) -> None:
    plain = create(str(checkpoint), ModelOptions())
    adapted = create(str(checkpoint), ModelOptions(adapter=str(adapter)))
    assert plain.fingerprint() != adapted.fingerprint()
    assert adapted.info.details == {"adapter": str(adapter)}


def test_an_adapter_of_another_model_is_one_sentence(adapter: Path, tmp_path: Path) -> None:
    other = save_model(tmp_path / "other", "gpt2")
    with pytest.raises(UserError, match="does not fit the model"):
        create(str(other), ModelOptions(adapter=str(adapter))).load()
