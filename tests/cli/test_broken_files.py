"""A file that cannot be read costs those who name it, and no other task of its folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import QUESTIONS, SCORE, Runner, call, write_task

from lsm_eval.folders.packaged import packaged_tasks
from lsm_eval.tasks import registry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "mixed"
    write_task(place, "good", QUESTIONS, **SCORE)
    write_task(place, "again", QUESTIONS, **SCORE)
    (place / "other.yaml").write_text((place / "again.yaml").read_text(), encoding="utf-8")
    (place / "wren.yaml").write_text("task: wren_calls\nprompt: [1\n", encoding="utf-8")
    (place / "latin.yaml").write_bytes(b"task: \xff\xfe\n")
    (place / "settings.yaml").write_text("port: 80\n", encoding="utf-8")
    (place / "few.yaml").write_text("suite: few\ntitle: t\ntasks: 5\n", encoding="utf-8")
    (place / "all.yaml").write_text(
        "suite: all\ntitle: t\ntasks: [good, nowhere, wren_calls, few]\n", encoding="utf-8"
    )
    return place


def test_it_is_passed_over_and_named(run: Runner, folder: Path) -> None:
    done = run(tasks="good", include=folder)
    assert done.code == 0
    assert "a task file is passed over: " in done.err
    for name in ("wren.yaml, line 3", "latin.yaml: is not UTF-8", "settings.yaml: has neither"):
        assert name in done.err
    assert json.loads((done.record / "manifest.json").read_text())["left_out"] == []


def test_whoever_names_it_is_told(run: Runner, folder: Path) -> None:
    assert "wren.yaml, line 3" in run(tasks="wren_calls", include=folder).sentence()
    assert "'again' is defined twice" in run(tasks="again", include=folder).sentence()
    assert "tasks" in run(tasks="few", include=folder).sentence()
    sentence = run(tasks="wrens", include=folder).sentence()
    assert sentence.startswith("unknown task 'wrens'")
    assert "one of 3 files that cannot be read" in sentence


@pytest.mark.parametrize("tasks", ["good,wren_calls,again,few", "all", "good,wren.yaml"])
def test_the_others_are_asked(run: Runner, folder: Path, tasks: str) -> None:
    tasks = tasks.replace("wren.yaml", str(folder / "wren.yaml"))
    done = run(tasks=tasks, include=folder)
    assert done.code == 2
    left = {row["task"] for row in json.loads((done.record / "manifest.json").read_text())["left_out"]}
    assert left == ({"wren_calls", "nowhere", "few"} if tasks == "all" else {*tasks.split(",")[1:]} & {"again", "few"} | {"wren_calls"})  # fmt: skip
    assert (done.record / "samples" / "good.parquet").is_file()
    assert "wren_calls is left out: " in done.err
    assert "wren.yaml, line 3" in run("--strict", tasks=tasks.split(",few")[0], include=folder).err or tasks == "all"  # fmt: skip


@pytest.mark.parametrize("kind", ["tasks", "suites"])
def test_a_list_names_it(folder: Path, kind: str) -> None:
    (folder / "odd.yaml").write_text("task: odd\nmetrics: 5\ntitle: [1, {a: null}]\narea: {a: b}\n", encoding="utf-8")  # fmt: skip
    (folder / "sparse.yaml").write_text("suite: sparse\n", encoding="utf-8")
    listed = call("list", kind, "--include", str(folder), "--json")
    names = {row[kind.removesuffix("s")]: row for row in json.loads(listed.out)}
    if kind == "suites":
        assert listed.code == 0
        assert {"few", "all", "sparse"} <= set(names)
        return
    assert listed.code == 2
    assert {"good", "odd", "hellaswag"} <= set(names)
    assert names["odd"]["metrics"] == ["5"]
    assert not {"again", "wren_calls"} & set(names)
    assert "wren_calls is left out: " in listed.err
    assert call("list", kind, "--include", str(folder)).code == 2


def test_the_fault_of_foreign_code_has_a_log_also_where_it_costs_one_task(run: Runner, folder: Path) -> None:
    (folder / "rows.py").write_text("def rows():\n    return [1 / 0]\n", encoding="utf-8")
    write_task(folder, "own", QUESTIONS, **{**SCORE, "dataset": {"python": "rows.py:rows", "columns": ["q"]}})
    done = run("--include-code", tasks="good,own", include=folder)
    assert done.code == 2
    (line,) = [line for line in done.err.splitlines() if line.startswith("lsm-eval: own is left out: ")]
    log = Path(line.partition("The traceback is in ")[2].removesuffix("."))
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
    (row,) = json.loads((done.record / "manifest.json").read_text())["left_out"]
    assert "traceback" not in row["why"], "a path of this machine's is no matter of the record"
    named = ["--include", str(folder), "--include-code"]
    assert "The traceback is in " in call("data", "pin", "own", "good", *named).out
    assert "The traceback is in " in call("show", "task", "own", *named, "--model", "builtin:first").err


@pytest.mark.parametrize(
    ("what", "name", "other"), [("tasks", "gsm8k", "arc_easy"), ("suites", "core", "quality")]
)
def test_a_damaged_file_of_the_package_costs_itself(
    what: str, name: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(packaged_tasks(), tmp_path / "tasks")
    (damaged,) = (tmp_path / "tasks").rglob(f"{name}.yaml")
    damaged.write_text(damaged.read_text() + "\n: [")
    monkeypatch.setattr(registry, "packaged_tasks", lambda: tmp_path / "tasks")
    found = call("list", what)
    assert found.code == 2
    assert f"lsm-eval: {name} is left out: " in found.err
    assert other in found.out
