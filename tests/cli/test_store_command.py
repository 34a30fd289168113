"""`lsm-eval store`: what is kept, and how it is removed, never from under a run."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import Runner, call, environment

from lsm_eval.inference.store import ResponseStore
from lsm_eval.inference.stores import store_files
from lsm_eval.requests import Scored

ANSWER = Scored((-1.0,), (1,), (True,))


def keep(
    folder: Path, key: str, model: str | None, *, used: datetime | None = None, answers: int = 3
) -> Path:
    """A store's file of so many answers."""
    about = {} if model is None else {"model": model, "lsm-eval": "1"}
    with ResponseStore(folder, key * 64, about) as store:
        store.put({f"{key}{at}": ANSWER for at in range(answers)}, "plan")
    if used is not None:
        with contextlib.closing(sqlite3.connect(store.path)) as db, db:
            db.execute("UPDATE about SET value = ? WHERE name = 'used'", [used.isoformat()])
    return store.path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of three models, used now, 10 and 40 days ago."""
    monkeypatch.delenv("COLUMNS", raising=False)
    now = datetime.now(UTC)
    keep(tmp_path / "kept", "a", "builtin:one")
    keep(tmp_path / "kept", "b", "hf:two", used=now - timedelta(days=10), answers=1)
    keep(tmp_path / "kept", "c", "hf:three", used=now - timedelta(days=40))
    return tmp_path / "kept"


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call("store", "--store", folder, "--json").out)
    return found


def models(folder: Path) -> list[str]:
    return [row["model"] for row in told(folder)["models"]]


def test_what_a_run_keeps(run: Runner, own_cache: Path) -> None:
    assert "0 B" in call("store").out
    assert run(tasks="say").code == 0
    found = json.loads(call("store", "--json").out)
    assert found["store"] == str(own_cache / "responses")
    (model,) = found["models"]
    assert model["model"] == "hf:llama" or "llama" in model["model"]
    assert model["answers"] > 0
    assert found["bytes"] >= model["bytes"] > 0
    assert datetime.now(UTC) - datetime.fromisoformat(model["used"]) < timedelta(minutes=5)
    again = run(tasks="say")
    assert "nothing was computed" in again.out, "what is said of a store changes none of its answers"


def test_the_table(folder: Path) -> None:
    first, _header, _rule, *lines = call("store", "--store", folder).out.splitlines()
    assert first.startswith(f"store: {folder}, ")
    assert [line.split()[-1] for line in lines] == ["builtin:one", "hf:two", "hf:three"], (
        "the last used first"
    )
    assert [line.split()[1] for line in lines] == ["3", "1", "3"]


def test_other_files_are_not_looked_at(folder: Path) -> None:
    (folder / "notes.sqlite").write_text("mine")
    (folder / "other.txt").write_text("mine")
    assert len(told(folder)["models"]) == 3
    assert call("store", "remove", "--store", folder, "--all", "--yes").code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["notes.sqlite", "other.txt"]


def test_a_damaged_file_is_said_and_can_be_removed(folder: Path) -> None:
    path = folder / f"{'d' * 32}.sqlite"
    path.write_text("no database at all " * 100)
    assert "cannot be read: file is not a database" in call("store", "--store", folder).out
    assert call("store", "remove", "--store", folder, "--model", "d" * 12, "--yes").code == 0
    assert not path.exists()
    assert len(models(folder)) == 3


def test_all_removes_nothing_that_may_be_something_else_s(folder: Path) -> None:
    damaged, photos = folder / f"{'d' * 32}.sqlite", folder / f"{'7' * 32}.sqlite"
    damaged.write_text("no database at all " * 100)
    with contextlib.closing(sqlite3.connect(photos)) as db, db:
        db.execute("CREATE TABLE photos (name TEXT)")
    done = call("store", "remove", "--store", folder, "--all", "--yes")
    assert f"--model {'d' * 12} removes it" in done.err
    assert len(models(folder)) == 1, "the damaged one, and no other is left"
    assert damaged.exists()
    assert photos.exists()


def test_early_files_have_no_model_s_name(folder: Path) -> None:
    path = folder / f"{'e' * 32}.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, plan TEXT, answer TEXT) WITHOUT ROWID")
    assert "unknown: made by an early version" in call("store", "--store", folder).out
    assert call("store", "remove", "--store", folder, "--model", "e" * 8, "--yes").code == 0
    assert not path.exists()


def test_by_model(folder: Path) -> None:
    assert call("store", "--store", folder, "remove", "--model", "hf:two", "--yes").code == 0
    assert models(folder) == ["builtin:one", "hf:three"]
    unknown = call("store", "remove", "--store", folder, "--model", "hf:thre", "--yes")
    assert "did you mean 'hf:three'?" in unknown.sentence()


@pytest.mark.parametrize(
    ("age", "left"),
    [
        ("30d", ["builtin:one", "hf:two"]),
        ("1w", ["builtin:one"]),
        ("500h", ["builtin:one", "hf:two"]),
        ("99999w", 3),
    ],
)
def test_by_age(folder: Path, age: str, left: Any) -> None:
    assert call("store", "remove", "--store", folder, "--older-than", age, "--yes").code == 0
    assert models(folder) == left or len(models(folder)) == left


def test_both_must_hold(folder: Path) -> None:
    done = call("store", "remove", "--store", folder, "--model", "builtin:one", "--older-than", "1d", "--yes")
    assert (done.code, done.out) == (0, "")
    assert "nothing that is to be removed" in done.err
    assert len(models(folder)) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say what to remove"),
        (["--all", "--model", "hf:two"], "say what to remove"),
        (["--older-than", "soon"], "give hours, days or weeks"),
        (["--older-than", "-1d"], "give hours, days or weeks"),
    ],
)
def test_what_is_not_said(folder: Path, options: list[str], said: str) -> None:
    assert said in call("store", "remove", "--store", folder, "--yes", *options).sentence()
    assert len(models(folder)) == 3


def test_it_asks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("no\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert call("store", "remove", "--store", folder, "--all").code == 2
        assert len(models(folder)) == 3
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    done = call("store", "remove", "--store", folder, "--all")
    assert done.code == 0
    assert "Remove these 7 answers" in done.err
    assert list(folder.iterdir()) == [], "no lock and no log of the data base stays"


def test_what_a_run_is_using_stays(folder: Path) -> None:
    with ResponseStore(folder, "b" * 64, {"model": "hf:two"}) as store:
        done = call("store", "remove", "--store", folder, "--all", "--yes")
        assert done.code == 2
        assert "the answers of hf:two are in use by a run, and stay" in done.err.splitlines()[-1]
        assert models(folder) == ["hf:two"]
        store.put({"later": ANSWER}, "plan")
        assert store.get(["b0", "later"]).keys() == {"b0", "later"}
    assert told(folder)["models"][0]["answers"] == 2
    assert call("store", "remove", "--store", folder, "--all", "--yes").code == 0


def test_all_that_are_in_use_are_named(folder: Path) -> None:
    with ResponseStore(folder, "a" * 64), ResponseStore(folder, "b" * 64):
        done = call("store", "remove", "--store", folder, "--all", "--yes")
    assert done.code == 2
    said = [line for line in done.err.splitlines() if "in use by a run" in line]
    assert {line.split("answers of ")[1].split(" ")[0] for line in said} == {"hf:two", "builtin:one"}
    assert sorted(models(folder)) == ["builtin:one", "hf:two"]


def test_a_run_without_our_lock_is_seen_too(folder: Path) -> None:
    """As one of an earlier version, or on a file system without locks."""
    (file,) = [one for one in store_files(folder) if one.model == "hf:two"]
    with contextlib.closing(sqlite3.connect(file.path)) as db:
        db.execute("SELECT count(*) FROM answers").fetchone()
        done = call("store", "remove", "--store", folder, "--model", "hf:two", "--yes")
        assert done.code == 2
        assert "in use" in done.err
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (1,)
    assert "hf:two" in models(folder)


_WRITER = """
import sys
from pathlib import Path
from lsm_eval.inference.store import ResponseStore
from lsm_eval.requests import Scored
for turn in range(40):
    with ResponseStore(Path(sys.argv[1]), "b" * 64, {"model": "hf:two"}) as store:
        keys = {f"{turn}-{at}": Scored((-1.0,), (1,), (True,)) for at in range(20)}
        store.put(keys, "plan")
        assert store.get(list(keys)).keys() == keys.keys(), turn
print("done")
"""


def test_removing_while_others_open_and_close(folder: Path) -> None:
    """Whatever a process has put while it has the store open, it finds there; and no file is left damaged."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder)],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    codes = set()
    while any(one.poll() is None for one in writers):
        codes.add(call("store", "remove", "--store", folder, "--model", "b" * 12, "--yes").code)
    for one in writers:
        out, err = one.communicate()
        assert out == "done\n", err
    assert codes <= {0, 2}
    assert all(one.fault is None for one in store_files(folder))
