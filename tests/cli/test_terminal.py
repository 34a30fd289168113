"""Tables fit the terminal, nothing of them is lost, and a pipe gets whole lines without escape codes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from command_line import Runner, call, environment

from lsm_eval.aligned import _width, aligned, wrapped

LISTS = ("tasks", "suites", "models", "metrics", "detectors", "perturbations")


@pytest.fixture(autouse=True)
def _no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


def words(text: str) -> str:
    """All signs of a text but spaces, and the rules below headers."""
    return "".join(line for line in text.split() if not re.fullmatch("-+", line))


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
@pytest.mark.parametrize("what", LISTS)
def test_lists_fit_and_lose_nothing(what: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = call("list", what)
    rows = json.loads(call("list", what, "--json").out)
    assert len(whole.out.splitlines()) == len(rows) + 2, "a line a row in a pipe"
    monkeypatch.setenv("COLUMNS", str(columns))
    fitted = call("list", what)
    assert fitted.code == 0
    assert max(_width(line) for line in fitted.out.splitlines()) <= columns
    if re.match("-+  ", fitted.out.splitlines()[1]):
        assert sorted(words(fitted.out)) == sorted(words(whole.out))
    else:  # a block a row
        flat = "".join(fitted.out.split())
        said = [cell for row in rows for cell in row.values() if isinstance(cell, str)]
        shown = [cell for cell in said if cell in whole.out]
        assert shown
        assert [cell for cell in shown if "".join(cell.split()) not in flat] == []
    for name in (str(next(iter(row.values()))) for row in rows):
        assert name in fitted.out, "a name is never broken"


def test_a_pipe_has_a_whole_line_for_each() -> None:
    lines = call("list", "suites").out.splitlines()
    assert max(map(len, lines)) > 1000
    assert "…" not in "".join(lines)


def test_github_logs_are_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert max(map(len, call("list", "suites").out.splitlines())) > 1000


@pytest.mark.parametrize("columns", ["0", "-3", "wide", "", "99999999", "٤٠"])
def test_a_columns_that_says_nothing(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    done = call("list", "tasks")
    assert done.code == 0
    if columns != "٤٠":  # forty, in Arabic digits
        assert max(map(len, done.out.splitlines())) > 200


def test_the_size_of_a_terminal_itself() -> None:
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
    env = environment()
    del env["COLUMNS"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lsm_eval", "list", "suites"], env=env, stdout=child, stderr=child, stdin=child
    )
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(parent)
    assert process.wait() == 0
    lines = shown.decode().replace("\r", "").splitlines()
    assert 60 < max(map(len, lines)) <= 90
    assert "\x1b" not in shown.decode(), "no colour, and nothing to move a cursor"


def test_wide_signs_count_two_cells() -> None:
    rows = [["m", "数学能力测试" * 8, "7"], ["n", "a b " * 20, "12"]]
    lines = list(aligned(["name", "title", "n"], rows, right={2}, room=40))
    assert max(map(_width, lines)) <= 40
    assert "".join(lines).count("数") == 8
    assert lines[2].endswith("  7")


def test_numbers_and_names_are_never_broken() -> None:
    rows = [["a_name_that_is_long", "some words of text " * 5, "1,234,567"]]
    for room in range(20, 90):
        lines = list(aligned(["name", "text", "n"], rows, right={2}, room=room))
        assert any(line.startswith("a_name_that_is_long") for line in lines)
        assert sum("1,234,567" in line for line in lines) == 1
        assert max(map(_width, lines)) <= max(room, len("a_name_that_is_long"))


def test_a_table_of_numbers_becomes_blocks() -> None:
    header = ["task", *(f"number {at}" for at in range(8))]
    rows = [["mmlu", *(f"{at}.25" for at in range(8))], ["", *["-"] * 8]]
    lines = list(aligned(header, rows, right=range(1, 9), room=50))
    assert lines[0] == "mmlu"
    assert max(map(len, lines)) <= 50
    assert "number 7: 7.25" in "\n".join(lines)


@pytest.mark.parametrize("width", [1, 2, 5, 11, 30])
def test_wrapping_keeps_every_sign(width: int) -> None:
    for text in ("", "one two  three", "averylongwordwithoutspaces and more", "鸟语 花香 abc", "é" * 7):
        lines = wrapped(text, width)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(_width(line) <= max(width, 2) for line in lines)


def test_a_run_in_a_narrow_terminal(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    done = run("--store", "none", model="builtin:first")
    assert done.code == 0, done.err
    table = done.out.split("\nmemory:")[0].split("\ntime:")[0]
    assert "metric: acc" in table
    assert max(map(len, table.splitlines())) <= 44
    assert done.out.splitlines()[-1].startswith("record: ")


def test_what_files_say_is_no_command_to_a_terminal(tmp_path: Path) -> None:
    from command_line import QUESTIONS, SCORE, write_task

    write_task(tmp_path, "sly", QUESTIONS, **{**SCORE, "title": "red \x1b[31m\x07 alert"})
    shown = call("list", "tasks", "--include", tmp_path).out
    assert "\x1b" not in shown
    assert "\\x1b[31m\\x07 alert" in shown
