"""`--quiet`, `--verbose`, `NO_COLOR`: how much is said, and that no pipe ever gets an escape code."""

from __future__ import annotations

import logging
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Runner, call, environment, write_tasks


def said(run: Runner, *options: str) -> tuple[str, str]:
    done = run("--store", "none", *options, model="builtin:first")
    assert done.code == 0, done.err
    return done.out, done.err


def test_quiet_says_results_alone(run: Runner) -> None:
    out, err = said(run)
    assert "data: " in err
    out, err = said(run, "--quiet")
    assert err == ""
    assert out.startswith("task")
    assert out.splitlines()[-1].startswith("record: ")


def test_quiet_says_problems(run: Runner, tmp_path: Path) -> None:
    defs = write_tasks(tmp_path / "defs")
    (defs / "read.jsonl").unlink()
    done = run("--store", "none", "-q", tasks="choose,read,say", model="builtin:first", include=defs)
    assert done.code == 2
    assert "say: missing because 24 unsupported." in done.err
    assert "1 of 3 tasks was left out (read)" in done.err
    assert "data: " not in done.err


def test_verbose_says_what_is_read_and_from_where(run: Runner) -> None:
    done = run("-v", tasks="choose")
    assert done.code == 0, done.err
    lines = done.err.splitlines()
    assert re.match(r"lsm-eval: lsm-eval \S+, Python \S+, torch ", lines[0])
    assert f"choose.jsonl: {24} rows, sha256 " in done.err
    assert f"read from {run.model}" in done.err
    assert re.search(r"lsm-eval: answers are kept in .*\.sqlite$", done.err, re.MULTILINE)
    assert re.search(r"^score: .* \d+\.\d s$", done.err, re.MULTILINE)
    assert "answers are kept" not in run(tasks="choose").err, (
        "the next command says no more than it is told to"
    )
    assert not logging.getLogger("lsm_eval").handlers


def test_both_stand_before_a_command_too(run: Runner) -> None:
    arguments = run.arguments("--store", "none", model="builtin:first")
    assert call("--quiet", *arguments).err == ""
    assert ", Python " in call("-v", *arguments).err
    assert "opposite things" in call("-v", *arguments, "-q").sentence()
    assert "opposite things" in call(*arguments, "-q", "-v").sentence()


@pytest.mark.parametrize("command", ["run", "profile", "leaderboard", "data mirror", "data pin"])
def test_commands_that_take_both(command: str) -> None:
    shown = call(*command.split(), "--help").out
    assert "-q, --quiet" in shown
    assert "-v, --verbose" in shown


def test_a_leaderboard_and_a_mirror(run: Runner) -> None:
    said(run)
    site = run.out.parent / "site"
    done = call("leaderboard", run.out, "--out", site, "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out.strip().endswith("index.html")
    quiet = call("data", "pin", "choose", "--include", run.tasks, "-q")
    loud = call("data", "pin", "choose", "--include", run.tasks, "-v")
    assert quiet.out == loud.out
    assert (quiet.err, "24 rows, sha256" in loud.err) == ("", True)


@pytest.mark.parametrize("more", [{}, {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TTY_COMPATIBLE": "1"}])
def test_no_escape_code_in_a_pipe(run: Runner, more: dict[str, str]) -> None:
    record = run("--store", "none", model="builtin:first").record
    commands = [
        run.arguments("--store", "none", "-v", model="builtin:first"),
        ["list", "tasks"],
        ["records", "samples", str(record), "choose"],
        ["leaderboard", str(run.out), "--out", str(run.out.parent / "site")],
        ["--help"],
        ["nothing"],
    ]
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "lsm_eval", *command],
            env=environment(**more),
            capture_output=True,
            check=False,
        )
        assert b"\x1b" not in done.stdout + done.stderr, command


def _drawn(arguments: list[str], **more: str) -> str:
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lsm_eval", *arguments],
        env=environment(**more), stdout=subprocess.DEVNULL, stderr=child, stdin=child,
    )  # fmt: skip
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
    assert process.wait() == 0, shown.decode()
    return shown.decode()


def test_no_color_takes_the_colour_from_bars(run: Runner) -> None:
    colour = re.compile(r"\x1b\[[0-9;]*3[0-9](;[0-9]+)*m")
    arguments = run.arguments("--store", "none", model="builtin:first")
    assert colour.search(_drawn(arguments))
    assert not colour.search(_drawn(arguments, NO_COLOR="1"))
    assert _drawn([*arguments, "--quiet"]) == ""
