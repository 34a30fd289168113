"""What one sees before anything is asked: dry runs, rendered samples, lists. No weights are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import QUESTIONS, Runner, call
from tiny_models import CHAT_WITH_BOS, save_model


@pytest.fixture
def without_weights(broken: Path) -> Path:
    """A checkpoint folder from which the weights are gone: whatever reads them fails."""
    (broken / "model.safetensors").unlink()
    return broken


def test_dry_run(run: Runner, without_weights: Path, own_cache: Path) -> None:
    done = run("--dry-run", tasks="choose,say,read", model=without_weights)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["task", "requests", "sequences", "tokens", "longest"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:6]}
    choices = sum(len(row["choices"]) for row in QUESTIONS if isinstance(row["choices"], list))
    assert rows["choose"][:2] == ["24", str(choices)]
    assert rows["say"][:2] == ["24", "24"]
    assert rows["read"][:2] == ["24", "24"]
    numbers = {name: int(cells[2].replace(",", "")) for name, cells in rows.items()}
    assert numbers["total"] == numbers["choose"] + numbers["say"] + numbers["read"]
    assert lines[-1].startswith("Nothing was asked.")
    assert not run.out.exists(), "a dry run writes no record"
    assert not (own_cache / "responses").exists()


def test_dry_run_without_a_model(run: Runner) -> None:
    done = run("--dry-run", model="builtin:uniform")
    assert done.code == 0
    assert done.out.splitlines()[2].split() == ["choose", "24", "72", "-", "-"]


def test_show_task(run: Runner, without_weights: Path) -> None:
    shown = call(
        "show", "task", "choose", "--samples", "2", "--include", run.tasks, "--model", without_weights
    )
    assert shown.code == 0, shown.err
    assert shown.out.count("--- sample ") == 2
    assert "what is 0 and 0 of the cat?\n  > ' the mat'\n  > ' log 0'\n  target [0]\n" in shown.out
    assert "24 requests, 72 sequences, " in shown.out
    assert "longest 21 of 64; 0 do not fit; BOS 1" in shown.out


def test_show_task_as_json(run: Runner, without_weights: Path) -> None:
    shown = call("show", "task", "choose", "--json", "--include", run.tasks, "--model", without_weights)
    (task,) = json.loads(shown.out)
    assert (task["task"], task["requests"], task["sequences"], task["too_long"], task["bos"]) == (
        "choose",
        24,
        72,
        0,
        "1",
    )
    assert len(task["shown"]) == 3
    first = task["shown"][0]
    assert first["prompt"] == "what is 0 and 0 of the cat?"
    assert first["continuations"] == [" the mat", " log 0"]
    assert first["bos"] == 1
    assert first["tokens"] > first["longest"] > 0


def test_show_says_what_does_not_fit(run: Runner, without_weights: Path) -> None:
    shown = call(
        "show", "task", "choose", "--json", "--shots", "5", "--include", run.tasks, "--model", without_weights
    )
    assert json.loads(shown.out)[0]["too_long"] == 24


def test_show_with_a_chat_template(run: Runner, tmp_path: Path) -> None:
    model = save_model(tmp_path / "chat", chat=CHAT_WITH_BOS)
    arguments = ("show", "task", "say", "--json", "--include", run.tasks, "--model", model)
    (task,) = json.loads(call(*arguments).out)
    assert task["shown"][0]["prompt"] == "<s><|user|>what is 0 and 0 of the cat?\n<|assistant|>"
    assert task["bos"] == "1"
    (task,) = json.loads(call(*arguments, "--chat", "off").out)
    assert task["shown"][0]["prompt"] == "what is 0 and 0 of the cat?"


def test_a_run_counts_what_a_dry_run_says(run: Runner) -> None:
    dry = run("--dry-run").out.splitlines()[2].split()
    manifest = json.loads((run("--store", "none").record / "manifest.json").read_text())
    assert manifest["tokens"]["asked"] == int(dry[3].replace(",", ""))


@pytest.mark.parametrize(
    ("what", "keys"),
    [
        ("tasks", {"task", "area", "title", "request", "language", "metrics", "licence"}),
        ("suites", {"suite", "title", "tasks"}),
        ("models", {"model", "title", "licence", "download_mb"}),
        ("metrics", {"metric", "description", "unit", "origin"}),
    ],
)
def test_lists_as_json(what: str, keys: set[str]) -> None:
    rows = json.loads(call("list", what, "--json").out)
    assert rows
    assert all(row.keys() == keys for row in rows)
    table = call("list", what).out.splitlines()
    assert len(table) == len(rows) + 2


def test_lists_hold_what_is_included(run: Runner) -> None:
    names = {row["task"] for row in json.loads(call("list", "tasks", "--json", "--include", run.tasks).out)}
    assert {"choose", "say", "read", "mmlu"} <= names


def test_metrics_of_included_folders(tmp_path: Path) -> None:
    assert call("new", "task", "mine", "--code", "--out", tmp_path / "below/mine").code == 0
    rows = json.loads(call("list", "metrics", "--json", "--include", tmp_path).out)
    (own,) = [row for row in rows if row["metric"] == "first_chosen"]
    assert own["origin"] == str(tmp_path / "below/mine/code.py")
    assert next(row for row in rows if row["metric"] == "acc")["origin"] == "built-in"
    table = call("list", "metrics", "--include", tmp_path).out
    assert next(line for line in table.splitlines() if line.startswith("first_chosen ")).endswith(
        own["origin"]
    )
    assert "no such folder" in call("list", "metrics", "--include", tmp_path / "none").sentence()
    (tmp_path / "code.py").write_text("METRICS = {name: 1 for name in 'ab'}\n")
    broken = call("list", "metrics", "--include", tmp_path)
    assert broken.code == 2
    assert "METRICS cannot be read without running the file" in broken.err
    assert "first_chosen" in broken.out


def test_parts_of_a_suite_are_in_words() -> None:
    listed = call("list", "suites")
    assert "bbq (500, 4 each), " in listed.out
    assert "winobias (400), truthfulqa_mc, " in listed.out
    assert "{" not in listed.out


def test_what_no_task_pins_is_not_other_data(run: Runner) -> None:
    shown = call("show", "task", "choose", "--model", "builtin:uniform", "--include", str(run.tasks))
    assert shown.code == 0, shown.err
    assert "24 rows, not pinned" in shown.out
