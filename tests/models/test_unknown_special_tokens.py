"""Tokenizers and settings that name tokens which their model has no embedding for."""

from __future__ import annotations

import os
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


@pytest.mark.parametrize("kind", ["t5", "bart"])
@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("generation_config.json", "forced_bos_token_id", 9999),
        ("generation_config.json", "forced_bos_token_id", -7),
        ("generation_config.json", "bad_words_ids", [[5], [9999]]),
        ("generation_config.json", "bad_words_ids", [[-7]]),
        ("config.json", "decoder_start_token_id", 9999),
    ],
)
def test_settings_that_name_tokens_which_are_not_there(
    tmp_path: Path, kind: str, file: str, name: str, value: object
) -> None:
    folder = save_encoder_model(tmp_path / kind, kind)
    edit_json(folder / file, **{name: value})
    with pytest.raises(
        UserError, match=rf"hf:tiny: {name} names token -?\d+, and the model has tokens 0 to 319 only"
    ):
        _answered(folder, ASK[1:2])


def test_a_folder_whose_path_is_no_text(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tiny").rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    with pytest.raises(UserError, match="its path is no UTF-8: rename the folder"):
        _answered(folder, ASK)
