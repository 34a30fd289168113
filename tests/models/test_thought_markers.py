"""What tokenizers and chat templates do about thoughts: marks that are kept, and choices scored after them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_models import CHAT, save_model, save_tokenizer

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Generate, Score, Scored

OPENS = CHAT + "{% if add_generation_prompt %}<think>\n{% endif %}"
SWITCHES = (
    CHAT
    + "{% if add_generation_prompt and enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n"
    "{% endif %}"
)


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


def _with_special(folder: Path, *tokens: str) -> Any:
    tokenizer = save_tokenizer(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": list(tokens)})
    return tokenizer


def test_special_tokens_that_mark_thoughts_survive_decoding(tmp_path: Path) -> None:
    tokenizer = _with_special(tmp_path, "[THINK]", "[/THINK]", "<|im_end|>")
    encoder = Encoder(tokenizer)
    text = "[THINK]the cat[/THINK] the dog<|im_end|></s>"
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len([t for t in tokens if t in tokenizer.all_special_ids]) == 4
    said = encoder.decode(tokens)
    assert said == "[THINK]the cat[/THINK] the dog"
    assert encoder.without_markers(said) == "the cat the dog"
    plain = tokenizer(" the dog</s>", add_special_tokens=False)["input_ids"]
    assert encoder.decode(plain) == " the dog"


def test_channels_survive_decoding(tmp_path: Path) -> None:
    marks = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>")
    tokenizer = _with_special(tmp_path, *marks)
    text = "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>"
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert Encoder(tokenizer).decode(tokens) == text.removesuffix("<|return|>")


@pytest.mark.parametrize(
    ("chat", "ends"),
    [
        (CHAT, "<|assistant|>"),
        (OPENS, "<|assistant|><think>\n\n</think>\n\n"),
        (SWITCHES, "<|assistant|><think>\n\n</think>\n\n"),
    ],
)
def test_choices_stand_after_the_thoughts(tmp_path: Path, chat: str, ends: str) -> None:
    model = HFModel("m", ModelOptions(), folder=save_model(tmp_path / "m", chat=chat))
    asked = Score("the cat", ("yes", "no"), chat=True)
    assert model.render(asked) == f"<|user|>the cat\n{ends}"
    by_hand = Score(model.render(asked), ("yes", "no"))
    plain = HFModel("m", ModelOptions(), folder=save_model(tmp_path / "n", chat=CHAT, special_start=False))
    (one,), (other,) = (
        [r for b in m.answer([q]) for r in b.values()] for m, q in ((model, asked), (plain, by_hand))
    )
    assert isinstance(one, Scored)
    assert isinstance(other, Scored)
    assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)
    # A text is written from where the template leaves it.
    generated = Generate("the cat", chat=True)
    assert model.render(generated).endswith("<think>\n") == (chat == OPENS)


def test_a_template_that_knows_no_thoughts_leaves_the_fingerprint_as_it_was(tmp_path: Path) -> None:
    folders = {name: save_model(tmp_path / name, chat=chat) for name, chat in (("a", CHAT), ("b", OPENS))}
    thinks = {name: HFModel("m", ModelOptions(), folder=f).encoder.thinks for name, f in folders.items()}
    assert thinks == {"a": False, "b": True}


def test_the_model_waits_for_the_end_of_thoughts_that_its_template_opens(tmp_path: Path) -> None:
    model = HFModel("m", ModelOptions(), folder=save_model(tmp_path / "m", chat=OPENS))
    whole = Generate("the cat", max_tokens=12, chat=True)
    (free,) = (r for batch in model.answer([whole]) for r in batch.values())
    letter = free.text.strip()[2]  # type: ignore[union-attr]
    waits = Generate("the cat", (letter,), max_tokens=12, chat=True)
    early = Generate("the cat", (letter,), max_tokens=12, chat=True, stop_in_thoughts=True)
    found = {i: r for batch in model.answer([waits, early]) for i, r in batch.items()}
    assert found[0] == free, "the thoughts never ended"
    assert found[1].finish == "stop"  # type: ignore[union-attr]
    assert letter not in found[1].text  # type: ignore[union-attr]
