"""`--json` is JSON, with every character that was meant, on a console of any encoding."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from command_line import SCORE, call, environment, write_task

from lsm_eval.cli import cli

NAME = "模型 é 😀 \u2028"
ROWS = [{"question": f"{NAME} {at}?", "choices": ["鸫", "é"], "answer": at % 2} for at in range(4)]
WHERE = {
    "list tasks": ["--include", "DEFS"],
    "list suites": ["--include", "DEFS"],
    "list models": [],
    "list metrics": [],
    "list detectors": [],
    "list perturbations": [],
    "show task": ["niao", "--include", "DEFS", "--model", "builtin:first"],
    "compare": ["RECORD", "RECORD"],
    "records check": ["RECORD"],
    "records list": ["ABOVE"],
    "records show": ["RECORD"],
    "records samples": ["RECORD", "niao"],
    "run": [
        "--tasks",
        "niao",
        "--include",
        "DEFS",
        "--model",
        "builtin:first",
        "--name",
        NAME.strip(),
        "--store",
        "none",
        "--out",
        "OUT",
    ],
    "store": [],
}
"""Every command that prints JSON, and with what; its output has `NAME` in it where anything of the user's is."""
MEASURING = {"profile", "show profile"}
"""Those that need a profile, whose JSON `test_profile.py` reads."""


def printing_json(command: click.Command, name: str = "") -> Iterator[str]:
    """The commands below this one that have a switch `--json`."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from printing_json(found, f"{name} {below}".strip())
    if any("--json" in one.opts and _is_switch(one) for one in command.params):
        yield name


def _is_switch(option: click.Parameter) -> bool:
    """Whether it needs no value."""
    return isinstance(option, click.Option) and (option.is_flag or option.flag_value == "-")


@pytest.fixture
def made(tmp_path: Path) -> dict[str, str]:
    """Task files, and a record of theirs, under names that few consoles can write."""
    defs = tmp_path / "鸟"
    write_task(defs, "niao", ROWS, title=NAME, **SCORE)
    (defs / "suite.yaml").write_text(yaml.safe_dump({"suite": "niaos", "title": NAME, "tasks": ["niao"]}))
    return {
        "DEFS": str(defs),
        "RECORD": str(tmp_path / "é鸟"),
        "ABOVE": str(tmp_path / "é鸟"),
        "OUT": str(tmp_path / "out"),
    }


def test_every_command_that_prints_json_is_tried() -> None:
    assert sorted(printing_json(cli)) == sorted({*WHERE, *MEASURING})


@pytest.mark.parametrize("name", WHERE)
def test_it_is_json_on_a_console_that_is_not_utf_8(made: dict[str, str], name: str) -> None:
    if {"RECORD", "ABOVE"} & {*WHERE[name]}:
        tasks = [
            "--tasks",
            "niao",
            "--include",
            made["DEFS"],
            "--model",
            "builtin:first",
            "--name",
            NAME.strip(),
        ]
        made["RECORD"] = str(call("run", *tasks, "--store", "none", "--out", made["RECORD"]).record)

    def printed(encoding: str) -> Any:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "lsm_eval",
                *name.split(),
                *(made.get(one, one) for one in WHERE[name]),
                "--json",
            ],
            env=environment(PYTHONIOENCODING=encoding),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.decode(encoding))

    found = printed("ascii")
    if WHERE[name]:
        wanted = "é鸟" if name == "records check" else NAME.strip()
        assert wanted in json.dumps(found, ensure_ascii=False)
    if name == "list tasks":
        assert found == printed("cp1252") == printed("utf-8")
        assert NAME in [row["title"] for row in found]
