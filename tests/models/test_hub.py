"""Checkpoints from a hub: a real server on the loopback interface, the real client."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Outcome, call_elsewhere, spawn
from hub_server import HubServer, commit_of, serve
from tiny_models import save_model

TASK = ["--tasks", "quickstart_bias", "--limit", "4"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with one model, on two branches."""
    root = tmp_path_factory.mktemp("hub")
    tiny = save_model(root / "org" / "tiny" / "main")
    shutil.copy(tiny / "model.safetensors", tiny / "consolidated.safetensors")
    for name in ("README.md", "modeling_own.py", "additional_chat_templates/tools.jinja", "words.tiktoken"):
        (tiny / name).parent.mkdir(exist_ok=True)
        (tiny / name).write_text(name)
    save_model(root / "org" / "tiny" / "v2", seed=1)
    save_model(root / "org" / "gated" / "main")
    (root / "org" / "gated" / "GATED").touch()
    return root


@pytest.fixture(scope="module")
def hub(root: Path) -> Iterator[HubServer]:
    with serve(root) as server:
        yield server


def places(hub: HubServer, home: Path) -> dict[str, str]:
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "LSM_EVAL_CACHE": str(home / "cache")}
    return {**own, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}


def command(home: Path, model: str, *more: str) -> list[str]:
    return ["run", *TASK, "--model", model, "--out", str(home / "reports"), *more]


def run(hub: HubServer, home: Path, model: str, *more: str) -> Outcome:
    return spawn(*command(home, model, *more), env=places(hub, home))


def model_of(done: Outcome) -> dict[str, str]:
    assert done.code == 0, done.err
    found: dict[str, str] = json.loads((done.record / "manifest.json").read_text())["model"]
    return found


@pytest.mark.slow
def test_a_hub_model_runs_and_then_needs_no_network(hub: HubServer, root: Path, tmp_path: Path) -> None:
    first = run(hub, tmp_path, "hf:org/tiny")
    assert model_of(first)["revision"] == commit_of(root / "org" / "tiny" / "main")
    asked = len(hub.requests)
    fetched = {
        line.rpartition("/")[2] for line in hub.requests if line.startswith("GET") and "resolve" in line
    }
    assert {"model.safetensors", "tools.jinja", "words.tiktoken", "generation_config.json"} <= fetched
    assert fetched.isdisjoint({"consolidated.safetensors", "README.md", "modeling_own.py"}), (
        "nothing that is not read"
    )
    again = run(hub, tmp_path, "hf:org/tiny", "--offline")
    assert model_of(again)["fingerprint"] == model_of(first)["fingerprint"]
    assert len(hub.requests) == asked
    assert (again.record / "estimates.json").read_text() == (first.record / "estimates.json").read_text()


@pytest.mark.slow
def test_a_named_revision_is_another_model(hub: HubServer, root: Path, tmp_path: Path) -> None:
    named = model_of(run(hub, tmp_path, "hf:org/tiny@v2"))
    assert named["name"] == "hf:org/tiny@v2"
    assert named["fingerprint"] != model_of(run(hub, tmp_path, "hf:org/tiny"))["fingerprint"]


@pytest.mark.slow
def test_a_dry_run_fetches_no_weights(hub: HubServer, tmp_path: Path) -> None:
    before = len(hub.requests)
    assert run(hub, tmp_path, "hf:org/tiny", "--dry-run").code == 0
    assert not [line for line in hub.requests[before:] if ".safetensors" in line and "resolve" in line]
    assert [line for line in hub.requests[before:] if line.endswith("tokenizer.json")]


REFUSED = {
    "hf:org/nothing": "the hub has no such model",
    "hf:org/tiny@v9": "the hub has no such revision",
    "hf:org/gated": "asks for terms to be accepted",
    "hf:a/b/c": "not a hub id",
}


def test_what_the_hub_refuses_is_one_sentence(hub: HubServer, tmp_path: Path) -> None:
    commands = [command(tmp_path, model) for model in REFUSED]
    for done, says in zip(call_elsewhere(commands, places(hub, tmp_path)), REFUSED.values(), strict=True):
        assert says in done.sentence()


@pytest.mark.slow
def test_weights_that_are_not_safetensors_are_found(hub: HubServer, root: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    old = root / "org" / "old" / "main"
    shutil.copytree(root / "org" / "tiny" / "main", old)
    torch.save(load_file(old / "model.safetensors"), old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()
    assert model_of(run(hub, tmp_path, "hf:org/old"))["name"] == "hf:org/old"
