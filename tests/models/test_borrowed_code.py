"""Code that a checkpoint takes from another hub repository is a part of what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_models import edit_json, save_model

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.borrowed_code import borrowed_code
from lsm_eval.models.hf import HFModel

REPOSITORY = "org/code"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository's folder in a hub cache of its own."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub" / "models--org--code"


def commit(cache: Path, number: int, **files: str) -> None:
    """A commit of the repository, which `main` then stands for."""
    name = f"{number:040d}"
    (cache / "refs").mkdir(parents=True, exist_ok=True)
    (cache / "refs" / "main").write_text(name)
    snapshot = cache / "snapshots" / name
    snapshot.mkdir(parents=True)
    for file, text in files.items():
        (snapshot / f"{file}.py").write_text(text)


def test_code_of_another_repository_counts(cache: Path, tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tiny")

    def fingerprint(*, code: bool = True) -> str:
        return HFModel("hf:tiny", ModelOptions(trust_remote_code=code), folder=folder).fingerprint()

    own = fingerprint()
    # A class that is not asked for here: nothing of it is run.
    edit_json(folder / "config.json", auto_map={"AutoModelForVision2Seq": f"{REPOSITORY}--modeling_own.Own"})
    found = [own, fingerprint()]
    commit(cache, 1, modeling_own="one = 1", helpers="two = 2")
    found.append(fingerprint())
    commit(cache, 2, modeling_own="one = 1", helpers="two = 3")
    found.append(fingerprint())
    assert len(set(found)) == 4
    commit(cache, 3, modeling_own="one = 1", helpers="two = 2")
    assert fingerprint() == found[2], "it is the code that counts, not the commit"
    assert fingerprint(code=False) == fingerprint(code=False) != fingerprint()


def test_where_a_repository_is_named(cache: Path, tmp_path: Path) -> None:
    commit(cache, 1, tokenization_own="one = 1", modeling_own="")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"auto_map": {"AutoConfig": "configuration_own.Own"}}')
    assert borrowed_code([folder]) == {}
    (folder / "tokenizer_config.json").write_text(
        '{"auto_map": {"AutoTokenizer": ["org/code--tokenization_own.Slow", null]}}'
    )
    (folder / "processor_config.json").write_text('{"auto_map": {"AutoProcessor": "org/absent--own.Own"}}')
    (folder / "generation_config.json").write_text("{")
    found = borrowed_code([folder])
    assert set(found) == {REPOSITORY, "org/absent"}
    assert len(found[REPOSITORY]) == 64
    assert found["org/absent"] == ""


@pytest.mark.parametrize("name", ["../out--own.Own", "a/b/c--own.Own", "--own.Own"])
def test_what_is_no_repository_holds_no_code(cache: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_text(f'{{"auto_map": "{name}"}}')
    assert set(borrowed_code([tmp_path]).values()) == {""}
