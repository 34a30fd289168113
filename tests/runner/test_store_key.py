"""Stored answers are those of one model under one set of versions."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest
from command_line import Outcome, Runner, write_tasks
from tiny_models import edit_json

from lsm_eval.models.base import ModelOptions, Versioned
from lsm_eval.models.baselines import Baseline
from lsm_eval.models.create import create
from lsm_eval.runner.store_key import store_key


@pytest.fixture
def run(own_cache: Path, one_thread: None, tiny_llama: Path, tmp_path: Path) -> Runner:
    model = Path(shutil.copytree(tiny_llama, tmp_path / "llama"))
    return Runner(model, write_tasks(tmp_path / "tasks"), tmp_path / "reports")


def computed(done: Outcome) -> tuple[int, str]:
    """How many answers were computed, and the model's fingerprint."""
    assert done.code == 0, done.err
    manifest = json.loads((done.record / "manifest.json").read_text())
    return manifest["requests"]["computed"], manifest["model"]["fingerprint"]


def test_an_edited_generation_config_is_another_model(run: Runner) -> None:
    some, one = computed(run(tasks="say"))
    assert some
    assert computed(run(tasks="say")) == (0, one)
    edit_json(run.model / "generation_config.json", eos_token_id=[1, 40])
    again, other = computed(run(tasks="say"))
    assert (again, other != one) == (some, True)


@pytest.mark.parametrize("package", ["torch", "transformers", "tokenizers"])
def test_under_other_versions_it_is_the_same_model_and_asked_again(
    run: Runner, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    some, one = computed(run(tasks="say"))
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99.0" if name == package else version(name))
    assert computed(run(tasks="say")) == (some, one)
    assert computed(run(tasks="say")) == (0, one)


def test_what_an_answer_hangs_on(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = create(str(tiny_llama), ModelOptions(device="cpu"))
    assert isinstance(model, Versioned)
    assert {"torch", "transformers", "tokenizers"} <= model.versions().keys()
    key = store_key(model, "f")
    assert key == store_key(model, "f") != store_key(model, "g")
    row = Baseline("uniform")
    assert not isinstance(row, Versioned)
    own = store_key(row, "f")
    assert own != key
    monkeypatch.setattr("lsm_eval.runner.store_key.__version__", "99.0")
    assert store_key(row, "f") != own
