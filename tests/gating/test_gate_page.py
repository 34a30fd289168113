"""The example of docs/gate.md, executed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import call, environment

from lsm_eval.gating.policy import read_policy
from lsm_eval.models.builtin import checkpoint

LANGUAGES = ("python", "yaml", "sh", "text")


@pytest.fixture
def page(repo: Path) -> dict[str, list[str]]:
    """The page's blocks, by language."""
    text = (repo / "docs" / "gate.md").read_text(encoding="utf-8")
    return {one: re.findall(rf"^```{one}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) for one in LANGUAGES}


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder without answers, and with the built-in model that the user's has."""
    made = checkpoint("builtin:smollm2-135m")
    folder = tmp_path_factory.mktemp("cache")
    (folder / "builtin").mkdir()
    (folder / "builtin" / made.name).symlink_to(made)
    monkeypatch.setenv("LSM_EVAL_CACHE", str(folder))
    return folder


def write_files(page: dict[str, list[str]], folder: Path) -> None:
    """The blocks whose first line is a comment with a file's name."""
    for block in [*page["python"], *page["yaml"]]:
        if named := re.match(r"# (\S+\.(?:py|yaml))", block):
            (folder / named[1]).write_text(block)


def commands(page: dict[str, list[str]]) -> list[tuple[list[str], int]]:
    """The words of each line, and the exit code that it is said to have."""
    lines = [line for line in "".join(page["sh"]).splitlines() if line]
    parts = [line.partition("  # exit ") for line in lines]
    return [(shlex.split(command), int(code or 0)) for command, _, code in parts]


def test_what_the_page_writes_is_well_formed(
    page: dict[str, list[str]], tmp_path: Path, own_cache: Path
) -> None:
    """The part that needs no model: files, policies, tasks and the options of every command."""
    write_files(page, tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["gate.yaml", "make_tasks.py", "train.py"]
    for block in page["python"]:
        compile(block, "gate.md", "exec")
    for number, block in enumerate(page["yaml"]):
        (tmp_path / f"{number}.yaml").write_text(block)
        read_policy(tmp_path / f"{number}.yaml")
    subprocess.run([sys.executable, "make_tasks.py"], cwd=tmp_path, check=True)
    for task in ("counting", "countdown"):
        shown = call(
            "run", "--tasks", task, "--include", tmp_path / "tasks", "--model", "builtin:first", "--dry-run"
        )
        assert shown.code == 0, shown.err
        assert "200" in shown.out
    for (program, *arguments), _ in commands(page):
        assert program in ("lsm-eval", "python")
        if program == "lsm-eval":
            assert call(*arguments, "--help").code == 0, arguments


def masked(line: str) -> str:
    """A line without its numbers, which are another machine's in the last digits, and the widths that follow from them."""
    return re.sub(r"[<+-]?\d[\d.,]*|\s+|-+", " ", line).strip()


@pytest.mark.slow
def test_the_page_is_true(
    page: dict[str, list[str]],
    repo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Adapters are trained and run: the answers, the exit codes and what is printed are those of the page."""
    pytest.importorskip("peft", reason="needs the extra `peft`")
    monkeypatch.chdir(tmp_path)
    write_files(page, tmp_path)
    path = os.pathsep.join([str(repo), os.environ.get("PYTHONPATH", "")])
    printed = []
    for (program, *arguments), code in commands(page):
        if program == "python":
            subprocess.run([sys.executable, *arguments], env=environment(PYTHONPATH=path), check=True)
            continue
        # As a shell does it.
        done = call(
            *(
                word
                for one in arguments
                for word in (sorted(map(str, Path().glob(one))) if "*" in one else [one])
            )
        )
        assert done.code == code, (arguments, done.out, done.err)
        printed += [masked(line) for line in done.out.splitlines()]
    for shown in "".join(page["text"]).splitlines():
        assert masked(shown) in printed, [line for line in printed if line[:12] == masked(shown)[:12]]
    exec(compile(page["python"][-1], "gate.md", "exec"), {})
    assert capsys.readouterr().out.startswith("fail ")
