"""docs/new-task.md: its commands are run as they stand, and give what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import environment

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MODEL = "builtin:smollm2-135m"


@dataclass(frozen=True)
class Step:
    """Commands, and the lines that the page says come of them."""

    commands: str
    expected: tuple[str, ...]
    code: int


def steps(page: str) -> list[Step]:
    blocks = [(found[1], found[2]) for found in _BLOCK.finditer(page)]
    found = []
    for at, (kind, text) in enumerate(blocks):
        if kind == "sh":
            after = blocks[at + 1] if at + 1 < len(blocks) else ("", "")
            expected = tuple(after[1].splitlines()) if after[0] == "text" else ()
            found.append(
                Step(text, expected, 2 if any("needs your word" in line for line in expected) else 0)
            )
    return found


def matches(expected: str, line: str) -> bool:
    """Whether a line is what the page says; … stands for anything, and columns may be further apart."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in expected.split("…")]
    return re.fullmatch(r"\s*" + r".*".join(rf"\s*{part}\s*" for part in parts), line) is not None


def run(step: Step, folder: Path, path: Path) -> list[str]:
    """The lines that the commands print."""
    env = environment(PATH=f"{path}{os.pathsep}{os.environ['PATH']}")
    env.pop("COLUMNS")
    done = subprocess.run(
        ["bash", "-c", f"set -e\n{step.commands}"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == step.code, f"{step.commands}\n{done.stdout}\n{done.stderr}"
    return (done.stdout + done.stderr).splitlines()


@pytest.fixture
def path(own_cache: Path, tmp_path: Path, repo: Path) -> Path:
    """A folder with the command `lsm-eval`."""
    program = tmp_path / "bin" / "lsm-eval"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{repo}" exec "{sys.executable}" -P -m lsm_eval "$@"\n')
    program.chmod(0o755)
    return program.parent


def follow(page: str, path: Path, *, model: bool) -> list[str]:
    """Run the page's commands in an empty folder, those of the built-in model too where `model` says so. All that was printed."""
    folder = path.parent / "mine"
    folder.mkdir()
    printed: list[str] = []
    for step in steps(page):
        if not model and _MODEL in step.commands:
            continue
        lines = run(step, folder, path)
        for expected in step.expected:
            assert any(matches(expected, line) for line in lines), (
                f"{step.commands}\n{expected}\n" + "\n".join(lines)
            )
        printed += lines
    for kind, text in _BLOCK.findall(page):
        if kind == "python":
            assert text in (folder / "capitals" / "code.py").read_text(encoding="utf-8")
    return printed


def test_the_page_without_a_model(repo: Path, path: Path) -> None:
    page = (repo / "docs" / "new-task.md").read_text(encoding="utf-8")
    assert len(steps(page)) >= 9
    follow(page, path, model=False)
    folder = path.parent / "mine"
    assert "sha256: " in (folder / "capitals" / "capitals.yaml").read_text(encoding="utf-8")
    (task_page,) = (folder / "site" / "tasks").glob("capitals.html")
    assert "the first choice is the likeliest" in task_page.read_text(encoding="utf-8")
    assert "suite:mine" in (folder / "site" / "index.html").read_text(encoding="utf-8")


def test_the_task_file_on_the_page(repo: Path, path: Path) -> None:
    page = (repo / "docs" / "new-task.md").read_text(encoding="utf-8")
    (shown,) = [text for kind, text in _BLOCK.findall(page) if kind == "yaml"]
    folder = path.parent / "first"
    folder.mkdir()
    run(steps(page)[0], folder, path)
    assert shown in (folder / "capitals" / "capitals.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_with_the_built_in_model(repo: Path, path: Path) -> None:
    page = (repo / "docs" / "new-task.md").read_text(encoding="utf-8")
    printed = follow(page, path, model=True)
    assert any(re.fullmatch(r"capitals\s+acc\s+\d+\.\d %\s+.* to .*\s6\s*", line) for line in printed)
