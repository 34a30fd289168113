"""The response store: what was written comes back, and nothing else."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.inference.store import ResponseStore
from lsm_eval.request_json import dump_answer, load_answer
from lsm_eval.requests import Answer, Generated, Likelihood, Scored

ANSWERS: dict[str, Answer] = {
    "a": Scored((-1.5, -2.0), (1, 2), (True, False)),
    "b": Generated("the mat", 2, "stop", logprob=-0.25),
    "c": Likelihood(-3.0, 2, (-1.0, -2.0), (-1.5, -1.5), (0.5, 0.5)),
}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Folder of a store that holds `ANSWERS`."""
    with ResponseStore(tmp_path, "f" * 64) as store:
        store.put(ANSWERS, "plan")
    return tmp_path


def change(folder: Path, sql: str, *values: Any) -> None:
    (path,) = folder.glob("*.sqlite")
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(sql, values)


def found(folder: Path) -> dict[str, tuple[Answer, str]]:
    with ResponseStore(folder, "f" * 64) as store:
        return store.get([*ANSWERS, "z"])


def test_what_was_written_comes_back(kept: Path) -> None:
    assert found(kept) == {key: (answer, "plan") for key, answer in ANSWERS.items()}


@pytest.mark.parametrize(
    "answer",
    [
        dump_answer(Generated("the log", 2, "stop")),
        dump_answer(Scored((-1.0,), (1,), (True,))),
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        '{"kind": "generated", "text": 3, "tokens": "x", "finish": null}',
        3,
        b"\xff\xfe",
    ],
)
def test_an_answer_that_was_edited_is_not_there(kept: Path, answer: Any) -> None:
    change(kept, "UPDATE answers SET answer = ? WHERE key = 'b'", answer)
    assert found(kept).keys() == {"a", "c"}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE answers SET plan = 'other' WHERE key = 'b'",
        "UPDATE answers SET checksum = NULL WHERE key = 'b'",
        "UPDATE answers SET checksum = 'x' WHERE key = 'b'",
        "UPDATE answers SET answer = CAST(x'ff22' AS TEXT) WHERE key = 'b'",
        "UPDATE answers SET answer = (SELECT answer FROM answers WHERE key = 'a') WHERE key = 'b'",
    ],
)
def test_a_row_that_was_changed_is_not_there(kept: Path, sql: str) -> None:
    change(kept, sql)
    assert found(kept).keys() == {"a", "c"}


def test_answers_cannot_change_places(kept: Path) -> None:
    change(kept, "UPDATE answers SET key = CASE key WHEN 'a' THEN 'z' WHEN 'b' THEN 'a' ELSE key END")
    assert found(kept).keys() == {"c"}


def test_what_is_not_there_is_written_anew(kept: Path) -> None:
    change(kept, "UPDATE answers SET answer = 'x'")
    with ResponseStore(kept, "f" * 64) as store:
        store.put(ANSWERS, "again")
    assert found(kept) == {key: (answer, "again") for key, answer in ANSWERS.items()}


def test_rows_of_a_file_without_checksums_are_asked_again(tmp_path: Path) -> None:
    path = tmp_path / f"{'f' * 32}.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "CREATE TABLE answers (key TEXT PRIMARY KEY, plan TEXT NOT NULL, answer TEXT NOT NULL, "
            "answered TEXT NOT NULL DEFAULT 'then') WITHOUT ROWID"
        )
        db.execute(
            "INSERT INTO answers (key, plan, answer) VALUES ('a', 'p', ?)", [dump_answer(ANSWERS["a"])]
        )
    assert found(tmp_path) == {}
    with ResponseStore(tmp_path, "f" * 64) as store:
        store.put(ANSWERS, "plan")
    assert found(tmp_path).keys() == set(ANSWERS)


@pytest.mark.parametrize("answer", ANSWERS.values())
def test_values_of_other_types_are_no_answer(answer: Answer) -> None:
    content = json.loads(dump_answer(answer))
    assert load_answer(json.dumps(content)) == answer
    for name in set(content) - {"kind"}:
        wrongs: tuple[Any, ...] = (
            {},
            "x" if name != "text" else 1,
            ["x"],
            [[1]],
            True if name not in ("greedy", "order_only") else [1],
        )
        for wrong in wrongs:
            with pytest.raises((TypeError, ValueError)):
                load_answer(json.dumps({**content, name: wrong}))
    others: tuple[Any, ...] = ({"kind": "other"}, {**content, "more": 1}, [content], "x", None)
    for wrong in others:
        with pytest.raises((TypeError, ValueError, KeyError)):
            load_answer(json.dumps(wrong))


def test_a_table_of_something_else_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / f"{'a' * 32}.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE answers (other TEXT)")
    db.close()
    with (
        ResponseStore(tmp_path, "a" * 64) as store,
        pytest.raises(UserError, match=r"is damaged .*: remove that file"),
    ):
        store.get(["key"])
