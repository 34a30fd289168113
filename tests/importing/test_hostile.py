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
