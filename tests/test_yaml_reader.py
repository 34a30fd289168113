"""YAML 1.2 as task files are read, and what is said of a file that cannot be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from lsm_eval import yaml_reader
from lsm_eval.errors import UserError
from lsm_eval.folders.packaged import packaged_tasks
from lsm_eval.tasks import files
from lsm_eval.tasks.registry import Registry
from lsm_eval.yaml_reader import read_yaml


def read(folder: Path, text: str | bytes) -> Any:
    file = folder / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(file)


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(UserError) as caught:
        read(folder, text)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence.replace(str(folder / "file.yaml"), "FILE")


def test_the_c_loader_is_used() -> None:
    if hasattr(yaml, "CSafeLoader"):
        assert issubclass(yaml_reader._Loader, yaml.CSafeLoader)


@pytest.mark.parametrize(
    "text",
    ["No", "yes", "on", "OFF", "y", "0123", "-007", "12:30", "190:20:30", "2024-05-06", "2024-13-45", "1_000", "0b11",
     "007.5", "1e", "=", "0o8", "nullish", "trueish"],
)  # fmt: skip
def test_texts_stay_as_written(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"a: {text}\nb: [{text}]\n") == {"a": text, "b": [text]}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("0", 0), ("-12", -12), ("+3", 3),
     ("0o17", 15), ("0x1F", 31), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-.inf", -math.inf), ('"true"', "true"),
     ("!!str 12", "12")],
)  # fmt: skip
def test_scalars_of_the_core_schema(tmp_path: Path, text: str, value: Any) -> None:
    found = read(tmp_path, f"a: {text}\n")["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_key_given_twice_is_named_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "task: a\nx: 1\ntask: b\n") == "FILE, line 3: `task` is given twice; correct it."
    assert "line 4: `b` is given twice" in refusal(tmp_path, "a:\n  b: 1\n  c: 2\n  'b': 3\n")
    assert "line 1: `p` is given twice" in refusal(tmp_path, "a: [{p: 1, p: 2}]\n")
    assert "line 1: `p` is given twice" in refusal(tmp_path, "a: {<<: {p: 1, p: 2}, q: 3}\n")
    for one, other in (("1", "0x1"), ("1", "1.0"), ("~", "null"), ("true", "True"), ("1", "true")):
        assert f"`{other}` is given twice" in refusal(tmp_path, f"{{{one}: a, {other}: b}}\n")


def test_a_merged_key_may_be_given_anew(tmp_path: Path) -> None:
    text = "base: &b {x: 1, y: 2}\nnest: {deep: &a {<<: *b, x: 3}}\nlast: {<<: *a}\ntexts: {'1': a, 1: b}\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == {
        "base": {"x": 1, "y": 2},
        "nest": {"deep": {"x": 3, "y": 2}},
        "last": {"x": 3, "y": 2},
        "texts": {"1": "a", 1: "b"},
    }


def test_merge_keys_give_what_is_not_given(tmp_path: Path) -> None:
    assert read(tmp_path, "x: &x {a: 1, b: 2}\ny: {<<: *x, a: 3}\n")["y"] == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n---\nb: 2\n", "FILE, line 2: is not valid YAML (it holds several documents"),
        (
            "a:\n\tb: 1\n",
            "FILE, line 2: is not valid YAML (a character that cannot stand there, such as a tab",
        ),
        ("a: 1\nb: \x07\n", "FILE, line 2: is not valid YAML (control characters are not allowed)"),
        (b"a: \xe9\n", "FILE: is not UTF-8 text"),
        ("a: 'x\n", "FILE, line 2: is not valid YAML"),
        ("a: 1\nb: " + "9" * 5000, "FILE, line 2: a number of 5,000 digits: write it in quotes"),
        ("a: 0x" + "f" * 5000, "FILE, line 1: a number of 5,002 digits"),
        ("a: !!int x\n", "FILE, line 1: `x` is no whole number"),
        ("a: !!python/object/apply:os.getpid []\n", "FILE, line 1: is not valid YAML (could not determine"),
        ("a: !!timestamp 2024-99-99\n", "FILE: holds a value that cannot be read"),
        ("[a]: 1\n", "FILE, line 1: is not valid YAML (found unhashable key)"),
        ("a: *b\n", "FILE, line 1: is not valid YAML (found undefined alias)"),
        ("a: &a [*a]\n", "FILE, line 1: an anchor (&) holds its own alias (*)"),
        ("[" * 100_000, "FILE, line 1: more than 200 lists and mappings are nested in one another"),
        ("- " * 100_000 + "x", "FILE, line 1: more than 200 lists"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert refusal(tmp_path, text).startswith(message)


@pytest.mark.parametrize("form", ["a{0}: &a{0} [{1}]\n", "a{0}: &a{0} {{<<: [{1}]}}\n"])
def test_aliases_stand_for_a_bounded_number_of_values(tmp_path: Path, form: str) -> None:
    lines = [form.format(i, ",".join([f"*a{i - 1}"] * 10)) for i in range(1, 30)]
    assert "its aliases (*) stand for more than" in refusal(tmp_path, "a0: &a0 {x: 1}\n" + "".join(lines))


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") is read(tmp_path, "# nothing\n") is None


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\n") == {"a": 1}


def test_examples_keep_the_spelling_of_their_numbers(tmp_path: Path) -> None:
    text = "fewshot: {examples: [{a: 1.50, b: 0x1F, c: 12, d: [1e3, 2.5], e: +5}]}\nother: 1.50\n"
    assert read(tmp_path, text) == {
        "fewshot": {"examples": [{"a": "1.50", "b": "0x1F", "c": 12, "d": ["1e3", 2.5], "e": "+5"}]},
        "other": 1.5,
    }


def test_shipped_files_mean_the_same_as_in_yaml_1_1() -> None:
    for file in Registry().tasks.values():
        assert file.content == yaml.safe_load(file.path.read_text(encoding="utf-8")), file.path
    assert packaged_tasks().is_dir()


def test_shipped_files_are_read_when_they_are_asked_for_and_named_by_their_first_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def read_one(path: Path) -> Any:
        asked.append(path.stem)
        return read_yaml(path)

    monkeypatch.setattr(files, "read_yaml", read_one)
    found = Registry()
    assert [task.task.task for task in found.resolve(["arc_easy"])] == ["arc_easy"]
    assert asked == ["arc_easy"]
    for kind, each in (("task", found.tasks), ("suite", found.suites)):
        for name, file in each.items():
            assert [key for key in ("task", "suite") if key in file.content] == [kind]
            assert file.content[kind] == name
    assert len(asked) == len(found.tasks) + len(found.suites)
