"""Foreign files with any value in any place: a record that adds up, or one sentence."""

from __future__ import annotations

import copy
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import call

from lsm_eval.errors import UserError
from lsm_eval.importing.importing import import_file
from lsm_eval.recount.check import check_record

FILES = Path(__file__).parent / "files"
SOURCES = {
    "lm_eval": next((FILES / "lm_eval").glob("results_*.json")),
    "inspect": next((FILES / "inspect").glob("*_colours_*.json")),
    "epochs": next((FILES / "inspect").glob("*_colours-epochs_*.json")),
    "every_eval_ever": next((FILES / "every_eval_ever").glob("c79f*[0-9a-f].json")),
}
ODD: list[Any] = [
    None, "", "x" * 300, "\ud800", "a\nb\0c", 0, -1, 1e308, float("nan"), float("inf"), 10**400, True, [], [[]], {}, {"a": None},
    [None], "../../x", "attachment://x", ["a", 1], 2**70,
]  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        found += places(part, (*at, key))
    return found


@pytest.mark.parametrize("kind", list(SOURCES))
def test_any_value_in_any_place(tmp_path: Path, kind: str) -> None:
    source = SOURCES[kind]
    folder = tmp_path / "files"
    shutil.copytree(source.parent, folder)
    content = json.loads(source.read_text())
    everywhere = places(content)
    chance = random.Random(kind)
    made = 0
    for turn in range(60):
        changed = copy.deepcopy(content)
        *way, last = chance.choice(everywhere)
        inner = changed
        for key in way:
            inner = inner[key]
        value = chance.choice(ODD)
        inner[last] = value
        (folder / source.name).write_text(json.dumps(changed))
        try:
            record = import_file(folder / source.name, tmp_path / "out" / str(turn)).record
        except UserError:
            continue
        except Exception as error:
            raise AssertionError((way, last, value)) from error
        made += 1
        assert check_record(record).problems == (), (way, last, value)
    assert made > 20


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "", "it is no JSON"),
        ("a.json", "[" * 200_000, "nested too deep"),
        ("a.json", "{}", "it is no result of lm-eval"),
        ("a.json", '{"results": {}, "versions": {}}', "it is no result of lm-eval"),
        ("a.json", "1" * 10_000, "it is no JSON"),
        ("a.jsonl", "{}", "name the results file"),
        ("a.txt", "hello", "it is no JSON"),
    ],
)
def test_other_files_are_one_sentence(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    assert said in call("import", tmp_path / name, "--out", tmp_path / "out").sentence()


HOSTILE = "\x1b[31m\n::error::x\u202e ##[error]x"


@pytest.mark.parametrize("kind", ["lm_eval", "inspect", "every_eval_ever"])
def test_names_from_the_file_do_nothing_in_a_log(tmp_path: Path, kind: str) -> None:
    """Metrics, tasks, models and reasons are words of somebody else's."""
    content = json.loads(SOURCES[kind].read_text())

    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            names = ("acc,none", "accuracy", "length")
            return {
                key.replace("acc", f"acc{HOSTILE}") if key in names else key: rename(part)
                for key, part in value.items()
            }
        if isinstance(value, list):
            return [rename(part) for part in value]
        return (
            f"{value}{HOSTILE}"
            if isinstance(value, str) and value in ("match", "shape", "GSM8K", "Accuracy")
            else value
        )

    content = rename(content)
    for at, row in enumerate(content.get("evaluation_results", ())):
        row["metric_config"]["metric_name"] = f"{at}{HOSTILE}"
    (tmp_path / SOURCES[kind].name).write_text(json.dumps(content))
    done = call("import", tmp_path / SOURCES[kind].name, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    for text in (done.out, done.err):
        assert not {"\x1b", "\u202e"} & set(text)
        assert "##[" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "\\x1b[31m⏎::error::x" in done.out


def test_no_file(tmp_path: Path) -> None:
    assert "is no file" in call("import", tmp_path / "none.json", "--out", tmp_path / "out").sentence()
    assert "is no file" in call("import", tmp_path, "--out", tmp_path / "out").sentence()
    assert (
        "cannot be imported" in call("import", tmp_path / "none.eval", "--out", tmp_path / "out").sentence()
    )
    (tmp_path / "taken").write_text("")
    refused = call("import", SOURCES["lm_eval"], "--out", tmp_path / "taken")
    assert refused.code == 2
    assert "Traceback" not in refused.err
