"""The how-tos on a metric and on a model do what they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from command_line import call


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def _own_place(own_cache: Path, one_thread: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_metric(repo: Path, tmp_path: Path) -> None:
    """Its three files are written as the page has them, and its run prints the page's table."""
    page = (repo / "docs/howto/metric.md").read_text(encoding="utf-8")
    (tmp_path / "mine").mkdir()
    for kind, name in {"json": "questions.jsonl", "yaml": "short.yaml", "python": "code.py"}.items():
        (text,) = blocks(page, kind)
        (tmp_path / "mine" / name).write_text(text, encoding="utf-8")
    (commands,) = blocks(page, "sh")
    (command,) = [line for line in commands.splitlines() if " run " in line]
    done = call(*shlex.split(command)[1:])
    assert done.code == 0, done.err
    (table,) = blocks(page, "text")
    assert done.out.startswith(table)
    refused = call(*shlex.split(command.replace(" --include-code", ""))[1:])
    assert refused.code == 2
    assert "the metric short_enough is code of its folder" in refused.err


def test_the_model(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (repo / "docs/howto/model.md").read_text(encoding="utf-8")
    (text,) = blocks(page, "python")
    exec(compile(text, "model.md", "exec"), {"__name__": "example"})
    assert re.search(r"quickstart_en_de +chrf +15\.0", capsys.readouterr().out)


@pytest.mark.parametrize("name", ["first-steps.md", "howto/gate.md", "howto/board.md", "howto/checkpoint.md"])
def test_options_that_pages_name_are_there(repo: Path, name: str) -> None:
    """Each command of a page is one of the program's, and takes the options that the page gives it."""
    page = (repo / "docs" / name).read_text(encoding="utf-8")
    lines = [
        line for text in blocks(page, "sh") for line in text.splitlines() if line.startswith("lsm-eval ")
    ]
    assert lines
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        command = words[
            : 2
            if words[0] in ("list", "show", "records", "baseline")
            or words[:2] in (["gate", "plan"], ["gate", "init"])
            else 1
        ]
        shown = call(*command, "--help")
        assert shown.code == 0, line
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown.out), f"{line}: {option}"
