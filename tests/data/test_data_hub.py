"""Reading from a hub: the real libraries against a real server on the loopback interface.

`huggingface_hub` and `datasets` read HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE when they are imported, so loads run in
processes of their own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hub_server import HubServer, commit_of, serve

from lsm_eval.data import DataOptions, content_hash, load
from lsm_eval.data.schema import Dataset

ROWS = [
    {"question": "q1", "choices": ["x", "y"], "answer": 0},
    {"question": "q2", "choices": ["z", "w"], "answer": 1},
    {"question": "q3", "choices": ["u", "v"], "answer": 1},
]
CARD = """---
configs:
- config_name: easy
  data_files:
  - split: test
    path: easy/test-*
---
"""
TASK = {
    "task": "zz_quiz",
    "version": 1,
    "title": "Quiz",
    "area": "accuracy",
    "request": "score",
    "prompt": "{{ question }}",
    "choices": "{{ choices }}",
    "target": "{{ answer }}",
    "metrics": ["acc"],
    "licence": "MIT",
    "source": "made up",
}
PROGRAM = """
import dataclasses, json, sys
from pathlib import Path
from lsm_eval.errors import UserError
from lsm_eval.data import DataOptions, load
from lsm_eval.data.schema import Dataset
datasets, offline = json.loads(sys.argv[1])
for dataset in datasets:
    try:
        table = load(Dataset(**dataset), base=Path(), options=DataOptions(offline=offline), pinned=None)
        print(json.dumps(dataclasses.asdict(table)))
    except UserError as error:
        print(json.dumps({"error": str(error)}))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a main branch and a converted branch of two parts."""
    table = pa.Table.from_pylist([{**row, "unused": 1} for row in ROWS])
    repo = tmp_path / "repos/acme/quiz"
    for name, part in {
        "main/easy/test-00000-of-00001": table,
        "refs__convert__parquet/easy/test/0000": table.slice(0, 2),
        "refs__convert__parquet/easy/test/0001": table.slice(2),
        "refs__convert__parquet/easy/partial-train/0000": table.slice(1),
    }.items():
        path = repo / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(part, path)
    (repo / "main/README.md").write_text(CARD)
    return tmp_path / "repos"


@pytest.fixture
def hub(root: Path) -> Iterator[HubServer]:
    with serve(root) as server:
        yield server


def _read(url: str, home: Path, *, offline: bool = False, **dataset: Any) -> dict[str, Any]:
    """What a new process loads, as a dict; `error` alone where it is a user's mistake."""
    (result,) = _read_each(url, home, dataset, offline=offline)
    return result


def _read_each(
    url: str, home: Path, *datasets: dict[str, Any], offline: bool = False
) -> list[dict[str, Any]]:
    """What one new process loads, one after the other."""
    usual = {"hub": "acme/quiz", "config": "easy", "columns": list(ROWS[0])}
    done = _process(url, home, PROGRAM, json.dumps([[{**usual, **dataset} for dataset in datasets], offline]))
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [result for result in results if "\n" in result.get("error", "")]
    return results


def _process(url: str, home: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    blocked = ("HF_", "HUGGING", "TRANSFORMERS_", "LSM_EVAL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(blocked)}
    environment |= {"HF_ENDPOINT": url, "HF_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_pinned_revision_then_the_cache_alone(hub: HubServer, root: Path, tmp_path: Path) -> None:
    commit = commit_of(root / "acme/quiz/main")
    online = _read(hub.url, tmp_path / "home", revision=commit)
    assert online["rows"] == ROWS
    assert (online["source"], online["revision"], online["sha256"]) == ("hub", commit, content_hash(ROWS))
    assert any(f"/resolve/{commit}/easy/test-00000-of-00001.parquet" in asked for asked in hub.requests)

    hub.requests.clear()
    offline, other = _read_each(
        hub.url, tmp_path / "home", {"revision": commit}, {"revision": "f" * 40}, offline=True
    )
    assert (offline["rows"], offline["revision"]) == (ROWS, commit)
    assert hub.requests == [], "offline asks nothing"
    assert f"at commit {commit}, and the task file names {'f' * 40}" in other["error"]


def test_the_converted_branch_then_the_cache_alone(hub: HubServer, root: Path, tmp_path: Path) -> None:
    online = _read(hub.url, tmp_path / "home", converted=True)
    assert online["rows"] == ROWS
    assert online["revision"] == commit_of(root / "acme/quiz/refs__convert__parquet")
    hub.requests.clear()
    absent = {"converted": True, "config": "hard"}
    offline, other = _read_each(hub.url, tmp_path / "home", {"converted": True}, absent, offline=True)
    assert (offline["rows"], offline["revision"]) == (ROWS, online["revision"])
    assert hub.requests == []
    assert "--data-mirror" in other["error"]


def test_a_split_converted_in_part(hub: HubServer, tmp_path: Path) -> None:
    assert _read(hub.url, tmp_path / "home", converted=True, split="train")["rows"] == ROWS[1:]


def test_a_folder_of_the_same_name_is_not_read_instead(hub: HubServer, tmp_path: Path) -> None:
    trap = tmp_path / "acme/quiz/easy"
    trap.mkdir(parents=True)
    pq.write_table(pa.table({name: ["trap"] for name in ROWS[0]}), trap / "test.parquet")
    assert _read(hub.url, tmp_path / "home")["rows"] == ROWS


LACKING: list[tuple[dict[str, Any], str]] = [
    ({"hub": "acme/none"}, "no data set acme/none, or it is private"),
    ({"revision": "f" * 40}, f"no revision {'f' * 40}"),
    ({"config": "hard"}, "acme/quiz (hard, test) is not on the hub"),
    ({"split": "train"}, "(easy, train) is not on the hub"),
    ({"converted": True, "split": "validation"}, "converted branch of acme/quiz has no easy/validation"),
    ({"columns": ["questions"]}, "did you mean 'question'?"),
]


def test_what_the_hub_lacks(hub: HubServer, tmp_path: Path) -> None:
    found = _read_each(hub.url, tmp_path / "home", *(dataset for dataset, _ in LACKING))
    for (dataset, message), result in zip(LACKING, found, strict=True):
        assert message in result["error"], dataset


def test_a_loading_script_and_a_missing_conversion(hub: HubServer, root: Path, tmp_path: Path) -> None:
    main = root / "acme/quiz/main"
    (main / "quiz.py").write_text("raise SystemExit('never run')")
    assert "set `converted: true`" in _read(hub.url, tmp_path / "home")["error"]
    (root / "acme/quiz/refs__convert__parquet").rename(root / "acme/quiz/other")
    assert "no converted Parquet branch" in _read(hub.url, tmp_path / "home", converted=True)["error"]


def test_a_gated_set_without_a_token(hub: HubServer, root: Path, tmp_path: Path) -> None:
    (root / "acme/quiz/GATED").touch()
    for result in _read_each(hub.url, tmp_path / "home", {"converted": False}, {"converted": True}):
        for part in ("acme/quiz is gated", "hf auth login", "--data-mirror"):
            assert part in result["error"]


@pytest.mark.parametrize("converted", [False, True])
@pytest.mark.slow
def test_no_network(converted: bool, root: Path, tmp_path: Path) -> None:
    with serve(root) as server:
        url = server.url
        _read(url, tmp_path / "home", converted=converted)
    cached = _read(url, tmp_path / "home", converted=converted)
    assert cached["rows"] == ROWS, "what was read once is read again without a network"
    error = _read(url, tmp_path / "empty", converted=converted)["error"]
    assert "cannot reach the hub" in error
    assert "--data-mirror" in error
    assert "without --offline" in _read(url, tmp_path / "empty", converted=converted, offline=True)["error"]


@pytest.mark.slow
def test_a_hub_that_never_answers_is_given_up_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begin = time.perf_counter()
        assert "cannot reach the hub" in _read(url, tmp_path / "home")["error"]
    assert time.perf_counter() - begin < 45, "one try of ten seconds, not five with pauses"


@pytest.mark.parametrize("converted", [False, True])
def test_a_mirror_made_from_the_hub_hashes_alike(converted: bool, hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    dataset = {
        "hub": "acme/quiz",
        "config": "easy",
        "columns": list(ROWS[0]),
        "converted": converted,
        "sha256": content_hash(ROWS),
    }
    (tmp_path / "tasks/zz_quiz.yaml").write_text(yaml.safe_dump({**TASK, "dataset": dataset}))
    program = "from lsm_eval.cli.data import data; data()"
    done = _process(
        hub.url, tmp_path / "home", program, "mirror", "zz_quiz", "--include", "tasks", "--to", "mirror"
    )
    assert done.returncode == 0, done.stderr
    options = DataOptions(mirror=tmp_path / "mirror")
    table = load(Dataset.model_validate(dataset), base=tmp_path, options=options, pinned=content_hash(ROWS))
    assert table.rows == ROWS
    assert table.pinned
    (record,) = json.loads((tmp_path / "mirror/MANIFEST.json").read_text())
    branch = "refs__convert__parquet" if converted else "main"
    assert record["revision"] == commit_of(hub.root / "acme/quiz" / branch)
    assert (record["columns"], record["rows"]) == (list(ROWS[0]), 3)
