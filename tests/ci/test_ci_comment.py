"""The comment on a pull request: the script, the commenter's copy of it, and how it finds the pull request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ci_steps import GitHub, read

MARKER = "<!-- lsm-eval gate -->"
COMMENTER = ".github/workflows/lsm-eval-comment.yml"


@pytest.fixture
def runner(tmp_path: Path) -> GitHub:
    made = GitHub(tmp_path, tmp_path)
    (tmp_path / "comment.md").write_text(f"{MARKER}\nfine: `$(touch pwned)` @x\n")
    made.env |= {
        "LSM_GATE_COMMENT": str(tmp_path / "comment.md"),
        "LSM_GATE_PULL_REQUEST": "7",
        "GH_TOKEN": "t",
    }
    return made


@pytest.fixture
def script(repo: Path) -> str:
    return (repo / "ci" / "comment.sh").read_text()


def asked(runner: GitHub) -> list[list[str]]:
    """What gh was asked."""
    return [call.split("\n")[:-1] for call in runner.log("gh").split("--\n") if call]


def test_a_first_comment(runner: GitHub, script: str) -> None:
    done = runner.bash(script)
    assert (done.returncode, done.stdout) == (0, "")
    look, write = asked(runner)
    assert look[:3] == ["api", "--paginate", "repos/someone/something/issues/7/comments?per_page=100"]
    assert write[2:] == ["--method", "POST", "repos/someone/something/issues/7/comments", "-F",
                         f"body=@{runner.folder}/comment.md"]  # fmt: skip
    assert not (runner.folder / "pwned").exists()


def test_the_comment_that_is_there(runner: GitHub, script: str) -> None:
    done = runner.bash(script, {"GH_SAYS": "11\n22\n"})
    assert (done.returncode, done.stdout) == (0, "")
    assert asked(runner)[1][2:5] == ["--method", "PATCH", "repos/someone/something/issues/comments/22"]


@pytest.mark.parametrize(
    ("env", "told", "calls"),
    [
        ({"LSM_GATE_FORK": "true"}, "of a fork's pull request may not comment", 0),
        ({"LSM_GATE_PULL_REQUEST": ""}, "No open pull request", 0),
        ({"LSM_GATE_PULL_REQUEST": "7/../../x"}, "No open pull request", 0),
        ({"LSM_GATE_COMMENT": "/nowhere/comment.md"}, "left no comment", 0),
        ({"GH_READ": "1"}, "cannot be read", 1),
        ({"GH_WRITE": "1"}, "needs the permission pull-requests: write", 2),
        ({"GH_WRITE": "1", "GH_SAYS": "5"}, "needs the permission pull-requests: write", 2),
    ],
)
def test_what_hinders_it_is_a_warning(
    runner: GitHub, script: str, env: dict[str, str], told: str, calls: int
) -> None:
    done = runner.bash(script, env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("::warning title=lsm-eval gate::")
    assert told in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert len(asked(runner)) == calls


@pytest.mark.parametrize("text", ["", "another text\n", f"x{MARKER}\n", f"{MARKER}\n" + "x" * 300_000])
def test_only_a_gates_comment_is_one(runner: GitHub, script: str, text: str) -> None:
    """Whoever wrote the artifact cannot write just anything, and no link to a file of the runner."""
    comment = runner.folder / "comment.md"
    comment.write_text(text)
    for _ in range(2):
        done = runner.bash(script)
        assert done.stdout.startswith("::warning ")
        assert asked(runner) == []
        comment.unlink()
        (runner.folder / "secret").write_text(f"{MARKER}\nsecret\n")
        comment.symlink_to("secret")


def test_the_commenter_has_the_scripts_text(repo: Path, script: str) -> None:
    steps = {step["name"]: step for step in read(COMMENTER)["jobs"]["comment"]["steps"]}
    assert steps["Comment"]["run"] == script.split("\n", 1)[1]


def test_the_commenter_takes_nothing_of_the_pull_request() -> None:
    workflow = read(COMMENTER)
    assert list(workflow[True]) == ["workflow_run"]
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert [step["uses"].split("@")[0] for step in job["steps"] if "uses" in step] == [
        "actions/download-artifact"
    ]
    scripts = "".join(step.get("run", "") for step in job["steps"])
    assert not [
        word
        for word in ("git ", "python", "pip ", "${{", "source ", "eval ")
        if word in scripts.replace("lsm-eval ", "")
    ]


@pytest.mark.parametrize(("says", "failed", "number"), [("12", "0", "12"), ("", "0", ""), ("x", "1", "")])
def test_the_pull_request_is_found_by_its_commit(runner: GitHub, says: str, failed: str, number: str) -> None:
    (step,) = [one for one in read(COMMENTER)["jobs"]["comment"]["steps"] if one.get("id") == "find"]
    event = "github.event.workflow_run"
    values = {
        "github.token": "t",
        f"{event}.head_repository.owner.login": "someone",
        f"{event}.head_branch": "a branch; touch pwned",
        f"{event}.head_sha": "abc",
    }
    runner.env |= {"GH_SAYS": says, "GH_READ": failed}
    assert runner.step(step, values).returncode == 0
    assert runner.outputs == {"number": number}
    (call,) = asked(runner)
    assert "head=someone:a branch; touch pwned" in call


def permissions(name: str) -> dict[str, Any]:
    return {job: content.get("permissions") for job, content in read(name)["jobs"].items()}


def test_permissions_are_the_least() -> None:
    for name in ("lsm-eval-gate", "lsm-eval-pages", "lsm-eval-comment", "lsm-eval"):
        assert read(f".github/workflows/{name}.yml")["permissions"] == {}
    assert permissions(".github/workflows/lsm-eval-gate.yml") == {
        "gate": {"contents": "read"},
        "comment": {"pull-requests": "write"},
    }
    assert permissions(".github/workflows/lsm-eval-pages.yml") == {
        "build": {"contents": "read"},
        "publish": {"pages": "write", "id-token": "write"},
    }
