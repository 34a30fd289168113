"""Two models of one name stay two; a name can be given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Outcome, Runner, call
from rendered import text_of
from tiny_models import save_model


def model_of(done: Outcome) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((done.record / "manifest.json").read_text())["model"]
    return content


def test_checkpoints_of_one_name(run: Runner, tmp_path: Path) -> None:
    done = {
        name: run(model=save_model(tmp_path / name / "checkpoint-100", seed=seed))
        for seed, name in enumerate(("small", "large"))
    }
    first, second = done["small"], done["large"]
    assert model_of(first)["name"] == model_of(second)["name"] == "hf:checkpoint-100"
    assert first.record.parent != second.record.parent
    assert first.record.parent.name == f"hf--checkpoint-100--{model_of(first)['fingerprint'][:8]}"
    site = tmp_path / "site"
    assert call("leaderboard", str(run.out), "--out", str(site)).code == 0
    index = (site / "index.html").read_text()
    for name in done:
        assert f'title="hf:checkpoint-100 ({name})"' in index


def test_a_smoke_test_stands_behind_the_full_run(run: Runner, tmp_path: Path) -> None:
    run()
    run("--limit", "5")
    site = tmp_path / "site"
    assert call("leaderboard", str(run.out), "--out", str(site)).code == 0
    index = (site / "index.html").read_text()
    assert "n 24" in index
    assert "n 5" not in index
    assert "n 5, run" in text_of((site / "models/hf-tiny-llama.html").read_text())


def test_the_record_says_what_the_tasks_own_settings_are(run: Runner) -> None:
    done = run("--shots", "1", "--overflow", "truncate")
    (row,) = json.loads((done.record / "manifest.json").read_text())["tasks"]
    assert (row["shots"], row["own_shots"], row["chat"], row["own_chat"], row["drifted"]) == (
        1,
        0,
        False,
        False,
        False,
    )


def test_a_given_name(run: Runner) -> None:
    done = run("--name", " Mein Modell, 模型 👩\u200d💻 ")
    model = model_of(done)
    assert model["name"] == "Mein Modell, 模型 👩\u200d💻"
    assert model["own_name"] == "hf:tiny-llama"
    assert model["spec"] == str(run.model)
    assert model_of(run())["own_name"] is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\nb", "U+000A"),
        ("a\tb", "U+0009"),
        ("a\u2028b", "U+2028"),
        ("a\u202eb", "U+202E"),
        ("a\x1b[31mb", "U+001B"),
        ("x" * 201, "201 characters"),
        ("builtin:uniform", "would pass for"),
    ],
)
def test_names_that_are_none(run: Runner, name: str, why: str) -> None:
    assert why in run("--name", name).sentence()
