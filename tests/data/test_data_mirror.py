"""`lsm-eval data mirror` and `data pin`: what is copied hashes as before."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result

from lsm_eval.cli.data import data
from lsm_eval.data import DataOptions, content_hash, load
from lsm_eval.data.schema import Dataset
from lsm_eval.errors import UserError

COLUMNS: dict[str, list[Any]] = {
    "id": ["a", "b"],
    "question": ["q1", "q2"],
    "hint": ["h1", "h2"],
    "unused": [0, 0],
}


def _task(name: str, columns: list[str], **more: Any) -> dict[str, Any]:
    dataset = {"hub": "acme/quiz", "config": "easy", "columns": columns, **more.pop("dataset", {})}
    return {
        "task": name,
        "version": 1,
        "title": name,
        "area": "accuracy",
        "dataset": dataset,
        "request": "generate",
        "prompt": "{{ question }}",
        "target": "x",
        "metrics": ["exact_match"],
        "licence": "MIT",
        "source": "made up",
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tasks over one file, the second with examples from another split; and a mirror to read them from."""
    mirror = tmp_path / "from/acme/quiz/easy"
    mirror.mkdir(parents=True)
    for split in ("test", "train"):
        pq.write_table(pa.table(COLUMNS), mirror / f"{split}.parquet")
    _save(tmp_path, _task("zz_first", ["question"], dataset={"id_column": "id"}))
    _save(tmp_path, _task("zz_second", ["question", "hint"], fewshot={"split": "train", "shots": 1}))
    return tmp_path


def _save(folder: Path, task: dict[str, Any]) -> None:
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "tasks" / f"{task['task']}.yaml").write_text(yaml.safe_dump(task))


def _run(folder: Path, command: str, *arguments: str, source: Path | None = None) -> Result:
    common = ["--include", str(folder / "tasks"), "--data-mirror", str(source or folder / "from")]
    return CliRunner().invoke(data, [command, *arguments, *common])


def _hash(mirror: Path, columns: tuple[str, ...], split: str = "test", **more: Any) -> str:
    dataset = Dataset.model_validate(
        {"hub": "acme/quiz", "config": "easy", "columns": columns, "split": split, **more}
    )
    return load(dataset, base=mirror, options=DataOptions(mirror=mirror), pinned=None).sha256


def test_files_have_the_columns_of_all_tasks_and_hash_alike(folder: Path) -> None:
    to = folder / "to"
    done = _run(folder, "mirror", "zz_first,zz_second", "--to", str(to))
    assert done.exit_code == 0, done.output
    assert "2 files" in done.stdout
    assert pq.read_schema(to / "acme/quiz/easy/test.parquet").names == ["id", "question", "hint"]
    assert pq.read_schema(to / "acme/quiz/easy/train.parquet").names == ["question", "hint"]
    assert _hash(to, ("question", "hint")) == _hash(folder / "from", ("question", "hint"))
    assert not list(to.glob(".partial-*"))
    records = json.loads((to / "MANIFEST.json").read_text())
    assert [record["path"] for record in records] == [
        "acme/quiz/easy/test.parquet",
        "acme/quiz/easy/train.parquet",
    ]
    first = records[0]
    assert (first["rows"], first["licence"], first["tasks"]) == (2, "MIT", ["zz_first", "zz_second"])
    assert first["sha256"] == hashlib.sha256((to / first["path"]).read_bytes()).hexdigest()


def test_a_later_call_keeps_what_an_earlier_one_put_there(folder: Path) -> None:
    to = folder / "to"
    assert _run(folder, "mirror", "zz_second", "--to", str(to)).exit_code == 0
    (to / "acme/quiz/easy/train.parquet").write_bytes(b"broken")
    assert _run(folder, "mirror", "zz_first", "--to", str(to)).exit_code == 0
    assert pq.read_schema(to / "acme/quiz/easy/test.parquet").names == ["id", "question", "hint"]
    assert len(json.loads((to / "MANIFEST.json").read_text())) == 2
    assert _run(folder, "mirror", "zz_second", "--to", str(to)).exit_code == 0
    assert pq.read_metadata(to / "acme/quiz/easy/train.parquet").num_rows == 2, "a broken file is replaced"


def test_drift_copies_nothing_unless_allowed(folder: Path) -> None:
    _save(folder, _task("zz_first", ["question"], dataset={"sha256": "0" * 64}))
    to = folder / "to"
    failed = _run(folder, "mirror", "zz_first", "--to", str(to))
    assert isinstance(failed.exception, UserError)
    assert "--allow-drift" in str(failed.exception)
    assert not list(to.rglob("*.parquet"))
    assert _run(folder, "mirror", "zz_first", "--to", str(to), "--allow-drift").exit_code == 0
    assert (to / "acme/quiz/easy/test.parquet").is_file()


def test_mistakes(folder: Path) -> None:
    same = _run(folder, "mirror", "zz_first", "--to", str(folder / "from"))
    assert "name another folder" in str(same.exception)
    _save(folder, _task("zz_other", ["question"], dataset={"revision": "f" * 40}))
    both = _run(folder, "mirror", "zz_first", "zz_other", "--to", str(folder / "to"))
    assert "zz_first and zz_other read different revisions" in str(both.exception)
    local = _task("zz_local", ["question"])
    local["dataset"] = {"file": "x.jsonl", "columns": ["question"]}
    _save(folder, local)
    assert "nothing to mirror" in str(
        _run(folder, "mirror", "zz_local", "--to", str(folder / "to")).exception
    )
    (folder / "to").mkdir(exist_ok=True)
    (folder / "to/MANIFEST.json").write_text("{")
    assert "not the manifest" in str(_run(folder, "mirror", "zz_first", "--to", str(folder / "to")).exception)


def test_pin_prints_hashes_and_fails_where_they_differ(folder: Path) -> None:
    rows = [{"question": "q1", "hint": "h1"}, {"question": "q2", "hint": "h2"}]
    done = _run(folder, "pin", "zz_second")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"zz_second\t{part}\t2 rows\t{content_hash(rows)}\tunpinned" for part in ("evaluation", "examples")
    ]
    told = [
        f"to pin it, write into {folder / 'tasks' / 'zz_second.yaml'} under {key}:  sha256: {content_hash(rows)}"
        for key in ("dataset", "fewshot")
    ]
    assert done.stderr.splitlines() == told
    pinned = {"sha256": content_hash(rows)}
    _save(folder, _task("zz_second", ["question", "hint"], dataset=pinned))
    assert _run(folder, "pin", "zz_second").stdout.endswith("\tpinned\n")
    _save(folder, _task("zz_second", ["question", "hint"], dataset={"sha256": {"easy": "0" * 64}}))
    _save(folder, _task("zz_first", ["nothing"]))
    failed = _run(folder, "pin", "zz_*")
    assert failed.exit_code == 2
    assert f"differs from the pinned: easy: {content_hash(rows)}" in failed.stdout
    assert "zz_first\tevaluation\terror: " in failed.stdout


def test_a_where_is_checked_on_the_copy_too(folder: Path) -> None:
    pin = content_hash([{"question": "q2"}])
    _save(folder, _task("zz_first", ["question"], dataset={"where": "question == 'q2'", "sha256": pin}))
    to = folder / "to"
    assert _run(folder, "mirror", "zz_first", "--to", str(to)).exit_code == 0
    assert _run(folder, "pin", "zz_first", source=to).stdout.endswith("1 rows\t" + pin + "\tpinned\n")
    assert pq.read_metadata(to / "acme/quiz/easy/test.parquet").num_rows == 2, (
        "every row of the split is kept"
    )


def test_real_data_hashes_alike_from_the_copy(hub_mirror: Path, tmp_path: Path) -> None:
    arc = {
        "hub": "allenai/ai2_arc",
        "config": None,
        "configs": ["ARC-Challenge", "ARC-Easy"],
        "columns": ["id", "question", "choices", "answerKey"],
    }
    mmlu = {"hub": "cais/mmlu", "config": "all", "columns": ["question", "choices", "answer"]}
    _save(tmp_path, _task("zz_arc", [], dataset=arc))
    _save(tmp_path, _task("zz_mmlu", [], dataset=mmlu, fewshot={"split": "dev", "shots": 5}))
    to = tmp_path / "to"
    done = _run(tmp_path, "mirror", "zz_*", "--to", str(to), source=hub_mirror)
    assert done.exit_code == 0, done.exception
    before = _run(tmp_path, "pin", "zz_*", source=hub_mirror)
    after = _run(tmp_path, "pin", "zz_*", source=to)
    assert len(before.stdout.splitlines()) == 3
    assert before.stdout == after.stdout
    # Class labels keep their names.
    metadata = pq.read_schema(to / "cais/mmlu/all/test.parquet").metadata or {}
    assert b"huggingface" in metadata


def test_one_task_that_fails_costs_no_other_its_copy(folder: Path) -> None:
    _save(folder, _task("zz_drifted", ["question"], dataset={"sha256": "0" * 64}))
    _save(folder, _task("zz_absent", ["question"], dataset={"hub": "acme/nothing"}))
    _save(folder, {**_task("zz_broken", ["question"]), "promt": "x"})
    to = folder / "to"
    done = _run(folder, "mirror", "zz_*", "--to", str(to))
    assert done.exit_code == 2, done.output
    lines = done.stderr.splitlines()
    for name, why in (("zz_drifted", "pins"), ("zz_absent", "acme/nothing"), ("zz_broken", "promt")):
        (line,) = [line for line in lines if line.startswith(f"lsm-eval: {name} is left out: ")]
        assert why in line
    assert _hash(to, ("question", "hint")) == _hash(folder / "from", ("question", "hint"))
    records = json.loads((to / "MANIFEST.json").read_text())
    assert [record["tasks"] for record in records] == [["zz_first", "zz_second"], ["zz_second"]]
    pinned = _run(folder, "pin", "zz_*")
    assert pinned.exit_code == 2
    assert "zz_broken\ttask file\terror: " in pinned.stdout
    assert "zz_first\tevaluation\t2 rows\t" in pinned.stdout
