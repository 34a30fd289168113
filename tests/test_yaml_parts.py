"""A few keys of a YAML file, read without the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import call

from lsm_eval.folders.packaged import packaged_tasks
from lsm_eval.tasks import registry
from lsm_eval.tasks.files import packaged, yaml_files
from lsm_eval.yaml_reader import read_parts, read_yaml

KEYS = ("task", "suite", "title", "area", "metrics", "tasks")


def parts(folder: Path, text: str) -> dict[str, Any] | None:
    file = folder / "file.yaml"
    file.write_text(text, encoding="utf-8")
    found = read_parts(file, KEYS)
    if found is not None:
        assert found == {key: value for key, value in read_yaml(file).items() if key in KEYS}
    return found


def test_shipped_files_say_the_same_in_parts() -> None:
    files = yaml_files(packaged_tasks())
    told = [read_parts(file, KEYS) for file in files]
    for file, some in zip(files, told, strict=True):
        whole = read_yaml(file)
        assert some in (None, {key: whole[key] for key in KEYS if key in whole}), file
    assert told.count(None) < len(files) / 10, "most of them are plain"


def test_only_what_is_asked_for_is_made(tmp_path: Path) -> None:
    text = "# one\ntask: a\ntitle: >-\n  b\n  c\n\nprompt: |\n  area: d\n\n  # e\nmetrics:\n  - acc # f\n  - {g: 0x10}\n"
    assert parts(tmp_path, text) == {"task": "a", "title": "b c", "metrics": ["acc", {"g": 16}]}
    assert parts(tmp_path, text.replace("\n", "\r\n")) == parts(tmp_path, text)
    assert parts(tmp_path, "\ufefftask: a\ntitle:") == {"task": "a", "title": None}
    assert parts(tmp_path, "prompt: b\n") == {}


@pytest.mark.parametrize(
    "text",
    [
        'prompt: "a\ntitle: b"\ntask: c\n',
        "prompt: [a,\ntitle: b]\ntask: c\n",
        "prompt: 'a\n  title: b\ntitle: c'\n",
        "task: a\n? title\n: b\n",
        'task: a\n"title": b\n',
        "task: a\n<<: {title: b}\n",
        "base: &b {title: c}\ntask: *b\n",
        "task: a\nprompt: b\u2028title: c\n",
        "--- # a\ntask: a\n",
        "{task: a, title: b}\n",
        "- task\n",
        "",
    ],
)  # fmt: skip
def test_what_is_not_plainly_keys_and_values_is_read_as_a_whole(tmp_path: Path, text: str) -> None:
    assert parts(tmp_path, text) is None


@pytest.mark.parametrize(
    "text",
    ["task: a\n\n: [", "task: a\nprompt: [b\ntitle: c\n", "task: a\nprompt:\n\tb\n\t- c: d: e\n", "task: a\ntask: b\n",
     "task: a\nprompt: 'b", "task: a\ntitle: {b: 1, b: 2}\n", "task: a\ntitle: " + "[" * 300 + "]" * 300,
     "task: a\ntitle: " + "1" * 50, "task: a\n--- b\ntask: c\n", "task: *b\n"],
)  # fmt: skip
def test_a_file_with_a_fault_is_left_to_whoever_names_it(tmp_path: Path, text: str) -> None:
    assert parts(tmp_path, text) is None


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    assert read_parts(tmp_path / "none.yaml", KEYS) is None
    (tmp_path / "latin.yaml").write_bytes(b"task: \xff\n")
    assert read_parts(tmp_path / "latin.yaml", KEYS) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("task: a\nsuite: b\ntitle: c\n", "has neither `task:` nor `suite:` (or both)"),
        ("task: true\ntitle: c\n", "the name True is no text"),
    ],
)
def test_a_file_of_ours_that_is_no_task_is_named(
    text: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "good.yaml").write_text("task: good\ntitle: d\n", encoding="utf-8")
    assert packaged(tmp_path / "odd.yaml").fault is None, "its first line alone was read"
    monkeypatch.setattr(registry, "packaged_tasks", lambda: tmp_path)
    listed = call("list", "tasks")
    assert listed.code == 2
    assert fault in listed.err
    assert "good" in listed.out
