"""`--model FILE.gguf`, and a folder with such a file: converted once, and run by transformers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_gguf import write_gemma3, write_llama

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.gguf_checkpoint import convert
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Perplexity, Request

pytestmark = pytest.mark.usefixtures("own_cache", "one_thread")


def test_it_is_the_model_that_conversion_gives(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_gemma3(tmp_path / "tiny.gguf")
    (tmp_path / "by-hand").mkdir()
    convert(file, tmp_path / "by-hand")
    by_hand = HFModel("hf:x", ModelOptions(), folder=tmp_path / "by-hand")
    model = create(str(file), ModelOptions())
    assert model.fingerprint() == by_hand.fingerprint()
    assert model.info.name == "hf:tiny.gguf"
    asked: list[Request] = [Perplexity("the cat sat on the mat")]
    assert list(model.answer(asked)) == list(by_hand.answer(asked))
    (folder,) = (own_cache / "gguf").glob("[!.]*")
    made = (folder / "config.json").stat().st_mtime_ns
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alone").mkdir()
    shutil.copy(file, tmp_path / "alone")
    for name in ("tiny.gguf", "hf:./tiny.gguf", "./alone"):
        assert create(name, ModelOptions()).fingerprint() == model.fingerprint(), name
    assert (folder / "config.json").stat().st_mtime_ns == made, "it is converted once"


def test_a_checkpoint_beside_it_goes_first(tiny_llama: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "both"))
    write_gemma3(folder / "tiny.gguf")
    assert create(str(folder), ModelOptions()).info.name == "hf:both"


def test_several_files_are_named(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        write_gemma3(tmp_path / name)
    with pytest.raises(UserError, match=r"holds 2 GGUF files: name one of them \(a\.gguf, b\.gguf\)"):
        create(str(tmp_path), ModelOptions())


@pytest.mark.parametrize("changes", [{"architecture": "gpt2"}, {"pre": "llama-bpe"}, {"extra": "rope_freqs"}])
def test_what_cannot_be_converted_names_llamacpp(
    changes: dict[str, str], own_cache: Path, tmp_path: Path
) -> None:
    file = write_llama(tmp_path / "other.gguf", **changes)
    with pytest.raises(UserError, match=f"let llama.cpp run it with --model llama.cpp:{file}"):
        create(str(file), ModelOptions())
    assert not list((own_cache / "gguf").glob("*.tmp")), "nothing half-made is left"


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"PK\3\4" * 50)
    with pytest.raises(UserError, match=r"damaged or no GGUF file"):
        create(str(tmp_path / "bad.gguf"), ModelOptions())
    with pytest.raises(UserError, match="no such file"):
        create(str(tmp_path / "none.gguf"), ModelOptions())
