"""Tokenizers that name special tokens which their model has no embedding for."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_models import edit_json, save_encoder_model, save_model

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Score

ASK: list[Request] = [
    Score("the cat", (" sat", " on the mat")),
    Generate("the cat", max_tokens=4),
    Generate("the cat sat on the", max_tokens=6),
    Perplexity("the cat sat"),
]


def _answered(folder: Path, requests: list[Request], engine: str = "auto") -> int:
    model = HFModel("hf:tiny", ModelOptions(device="cpu", engine=engine), folder=folder)  # type: ignore[arg-type]
    found = [one for batch in model.answer(requests) for one in batch.values()]
    return sum(not isinstance(one, Failure) for one in found)


@pytest.mark.parametrize("engine", ["auto", "plain"])
@pytest.mark.parametrize("name", ["eos_token", "pad_token"])
def test_what_is_never_read_does_no_harm(tmp_path: Path, name: str, engine: str) -> None:
    folder = save_model(tmp_path / "tiny")
    edit_json(folder / "tokenizer_config.json", **{name: "<nobody>"})
    assert _answered(folder, ASK, engine) == len(ASK)


def test_a_beginning_of_text_that_is_unknown(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tiny", special_start=False)
    edit_json(folder / "tokenizer_config.json", bos_token="<nobody>")
    assert _answered(folder, ASK[:3]) == 3
    for request in (ASK[3], Score("", (" a", " b"))):
        with pytest.raises(UserError, match=r"gives token 320 and the model has tokens 0 to 319 only"):
            _answered(folder, [request])
    seq = save_encoder_model(tmp_path / "t5", "t5")
    edit_json(seq / "tokenizer_config.json", bos_token="<nobody>")
    with pytest.raises(UserError, match=r"gives token 320 and the model"):
        _answered(seq, [Score("", (" a", " b"))])


def test_a_mask_that_is_unknown(tmp_path: Path) -> None:
    folder = save_encoder_model(tmp_path / "bert", "bert")
    edit_json(folder / "tokenizer_config.json", mask_token="<nobody>")
    with pytest.raises(UserError, match=r"mask token is number \d+, and the model has tokens 0 to \d+ only"):
        _answered(folder, ASK[:1])
