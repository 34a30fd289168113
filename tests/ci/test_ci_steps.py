"""What pipelines run, in real git repositories: a baseline on the main branch, and a change that is checked out without it."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from ci_steps import REPO, GitHub, Runner, filled, read
from command_line import SCORE, call, write_task
from gate_runs import rows, run_of

PASS, FAIL, UNSURE = "same", "worse", "unsure"
CASES = {PASS: ("pass", 0), FAIL: ("fail", 1), UNSURE: ("not enough data", 3)}
TASKS = {PASS: (400, 0, 0), FAIL: (540, 50, 10), UNSURE: (180, 12, 8)}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose main branch has tasks and an accepted baseline of each, and a branch `change` without a baseline."""
    folder = tmp_path_factory.mktemp("origin")
    runner = Runner(folder / "runner", folder)
    for name, counts in TASKS.items():
        write_task(folder / "tasks", name, rows(*counts), **SCORE)
        record = run_of("builtin:first", folder / "tasks", folder / "runner" / name, names=name)
        assert (
            call("baseline", "accept", record, "--why", "first", "--to", folder / "baselines" / name).code
            == 0
        )
    done = runner.bash(
        "git init -q -b main; echo runner >.gitignore; git add .; git commit -qm baseline; git tag v1;"
        "git checkout -qb change; git rm -qr baselines; git commit -qm change; git checkout -q main"
    )
    assert done.returncode == 0, done.stderr
    return folder


def checked_out(origin: Path, folder: Path) -> Path:
    """The branch `change` alone, as a pipeline has it."""
    work = folder / "work"
    subprocess.run(
        [
            "git",
            "clone",
            "-q",
            "--depth",
            "1",
            "--single-branch",
            "--branch",
            "change",
            origin.as_uri(),
            work,
        ],
        check=True,
    )
    assert not (work / "baselines").exists()
    return work


def values_of(task: str, **more: str) -> dict[str, str]:
    """Values of the action's inputs, and of what else its steps read."""
    inputs = {name: str(one.get("default", "")) for name, one in read("action.yml")["inputs"].items()}
    given = {
        "tasks": task,
        "model": "builtin:longest",
        "baseline": f"git:origin/main:baselines/{task}",
        "include": "tasks",
        "token": "a-secret",
        **more,
    }
    return {
        **{f"inputs.{name}": value for name, value in {**inputs, **given}.items()},
        "github.token": "a-secret",
        "github.event.pull_request.number": "7",
        "github.event.pull_request.head.repo.full_name != github.repository": "true",
    }


def steps_of(where: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in where if "run" in step}


def checked(out: Path, task: str) -> None:
    """What lies in the folder says the same in all of its files."""
    answer, _ = CASES[task]
    suite = ET.parse(out / "junit.xml").getroot()
    cases = list(suite.iter("testcase"))
    assert [case.get("classname") for case in cases] == [task]
    found = {child.tag for case in cases for child in case}
    assert ("failure" in found, "skipped" in found) == (answer == "fail", answer == "not enough data")
    for name in ("summary.md", "comment.md"):
        text = (out / name).read_text()
        assert text.startswith("<!-- lsm-eval gate -->\n")
        assert task in text
    assert len(list(out.glob("reports/*/*/manifest.json"))) == 1


@pytest.mark.parametrize(
    "task", [PASS, *(pytest.param(one, marks=pytest.mark.slow) for one in (FAIL, UNSURE))]
)
def test_the_action(origin: Path, tmp_path: Path, task: str) -> None:
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    steps = steps_of(read("action.yml")["runs"]["steps"])
    assert list(steps) == ["Install lsm-eval", "Fetch the baseline's branch", "Run and gate", "Comment"]
    values = values_of(task)
    for name in ("Install lsm-eval", "Fetch the baseline's branch"):
        assert runner.step(steps[name], values).returncode == 0, name
    answer, code = CASES[task]
    done = runner.step(steps["Run and gate"], values)
    assert done.returncode == (0 if answer == "not enough data" else code), done.stdout + done.stderr
    out = runner.work / "lsm-eval-gate"
    assert runner.outputs["answer"] == answer
    assert runner.outputs["exit-code"] == str(code)
    assert (runner.work / runner.outputs["record"] / "manifest.json").is_file()
    checked(out, task)
    assert runner.summary.read_text() == (out / "summary.md").read_text()
    kinds = {line.split("::")[1].split()[0] for line in done.stdout.splitlines() if line.startswith("::")}
    assert kinds & {"error", "warning"} == ({"error"} if task == FAIL else set())
    # It comes from a fork, whose token may not comment: a warning.
    done = runner.step(steps["Comment"], values)
    assert done.returncode == 0
    assert done.stdout.startswith("::warning ")
    assert runner.log("gh") == ""
    assert "constraints.txt" in runner.log("pip")
    assert "a-secret" not in runner.log("pip") + (runner.work / ".git/config").read_text()


@pytest.mark.slow
def test_the_reusable_workflow(origin: Path, tmp_path: Path) -> None:
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    workflow = read(".github/workflows/lsm-eval-gate.yml")
    inputs = {
        name: str(one.get("default", "")) for name, one in workflow[True]["workflow_call"]["inputs"].items()
    }
    values = values_of(FAIL) | {f"inputs.{name}": value for name, value in inputs.items() if value}
    values["inputs.baseline"] = f"git:origin/main:baselines/{FAIL}"
    here = read("ci/here/action.yml")
    done = runner.step(here["runs"]["steps"][0], {}, at="ci/here")
    assert done.returncode == 0, done.stderr
    values["steps.here.outputs.path"] = runner.outputs["path"]
    *before, last = steps_of(workflow["jobs"]["gate"]["steps"]).values()
    for step in before:
        assert runner.step(step, values).returncode == 0
    assert runner.step(last, values).returncode == 1
    checked(runner.work / "lsm-eval-gate", FAIL)
    # The next job has the artifact and the scripts, and no checkout.
    (comment,) = steps_of(workflow["jobs"]["comment"]["steps"]).values()
    values["runner.temp"] = str(runner.work)
    values["github.event.pull_request.head.repo.full_name != github.repository"] = "false"
    done = runner.step(comment, values)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"body=@{runner.work}/lsm-eval-gate/comment.md" in runner.log("gh").splitlines()


@pytest.mark.parametrize("task", CASES)
@pytest.mark.slow
def test_the_gitlab_template(origin: Path, tmp_path: Path, repo: Path, task: str) -> None:
    runner = Runner(tmp_path, checked_out(origin, tmp_path))
    job = read("ci/gitlab/lsm-eval.gitlab-ci.yml")[".lsm-eval-gate"]
    # lsm-eval's own repository, of which only the scripts matter here.
    source = Runner(tmp_path / "source", tmp_path / "lsm-eval")
    source.work.mkdir()
    done = source.bash(f"git init -q -b main; cp -r '{repo}/ci' .; git add .; git commit -qm one")
    assert done.returncode == 0, done.stderr
    variables = {
        **job["variables"],
        "LSM_EVAL_REPOSITORY": source.work.as_uri(),
        "LSM_GATE_TASKS": task,
        "LSM_GATE_MODEL": "builtin:longest",
        "LSM_GATE_INCLUDE": "tasks",
        "LSM_GATE_BASELINE": f"git:origin/main:baselines/{task}",
    }
    done = runner.bash("\n".join([*job["before_script"], *job["script"]]), variables)
    code = CASES[task][1]
    assert done.returncode == code, done.stdout + done.stderr
    assert job["allow_failure"]["exit_codes"] == 3
    assert job["artifacts"]["reports"]["junit"] == "$LSM_GATE_OUT/junit.xml"
    assert "::" not in done.stdout
    checked(runner.work / "lsm-eval-gate", task)


def test_a_mistake_is_told_by_the_summary(origin: Path, tmp_path: Path) -> None:
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    step = steps_of(read("action.yml")["runs"]["steps"])["Run and gate"]
    for more, told in (
        ({"tasks": "no_such_task"}, "unknown task 'no_such_task'"),
        ({"tasks": ""}, "name the tasks to run"),
        ({"run-options": "--limit\n0"}, "--limit"),
        ({"baseline": "git:origin/main:nowhere"}, "is not in this git repository"),
    ):
        runner.summary.unlink(missing_ok=True)
        done = runner.step(step, values_of(PASS, **more))
        assert done.returncode == 2, (more, done.stdout, done.stderr)
        assert (runner.outputs["answer"], runner.outputs["exit-code"]) == ("none", "2")
        text = runner.summary.read_text()
        assert "Nothing was gated" in text
        assert told in text


def test_an_adapter_is_run_with_what_it_needs(origin: Path, tmp_path: Path) -> None:
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    steps = steps_of(read("action.yml")["runs"]["steps"])
    installed = steps["Install lsm-eval"]
    for more, extras in (
        ({}, ""),
        ({"adapter": "my adapter"}, "[peft]"),
        ({"extras": "lm-eval, presidio", "adapter": "x"}, "[lm-eval,presidio,peft]"),
    ):
        assert runner.step(installed, values_of(PASS, **more)).returncode == 0
        assert runner.log("pip").splitlines()[-1].endswith(f"-- {REPO}{extras}")
    refused = runner.step(installed, values_of(PASS, extras="peft]; touch pwned"))
    assert (refused.returncode, refused.stderr.count("names separated by commas")) == (2, 1)
    # The model is none that takes one: the run's sentence tells that it was asked to.
    done = runner.step(steps["Run and gate"], values_of(PASS, adapter="my adapter"))
    assert done.returncode == 2
    assert "adapter" in runner.summary.read_text()


def test_a_baseline_that_cannot_be_fetched(origin: Path, tmp_path: Path) -> None:
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    step = steps_of(read("action.yml")["runs"]["steps"])["Fetch the baseline's branch"]
    done = runner.step(step, values_of(PASS, baseline="git:origin/none:baseline"))
    assert done.returncode == 2
    assert "the branch none of git:origin/none:baseline cannot be fetched" in done.stderr
    assert runner.step(step, values_of(PASS, baseline="git:origin/--upload-pack=x:y")).returncode == 2
    for other in ("", "baseline", "git:v1:baseline"):
        assert runner.step(step, values_of(PASS, baseline=other)).returncode == 0


def test_a_whole_clone_stays_whole(origin: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "-q", "--branch", "change", origin.as_uri(), work], check=True)
    runner = GitHub(tmp_path, work)
    step = steps_of(read("action.yml")["runs"]["steps"])["Fetch the baseline's branch"]
    assert runner.step(step, values_of(PASS)).returncode == 0
    assert runner.bash("git rev-parse --is-shallow-repository").stdout == "false\n"


@pytest.mark.slow
def test_inputs_are_no_commands(origin: Path, tmp_path: Path) -> None:
    """Whoever may set an input of the action sets words, not shell."""
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    steps = steps_of(read("action.yml")["runs"]["steps"])
    evil = "$(touch pwned) `touch pwned`; touch pwned\n--help'\"\\"
    names = [name.removeprefix("inputs.") for name in values_of(PASS) if name.startswith("inputs.")]
    for step in steps.values():
        runner.step(step, {**values_of(PASS), **{f"inputs.{name}": evil for name in names if name != "out"}})
    for name in ("run-options", "gate-options", "model", "policy", "include"):
        done = runner.step(steps["Run and gate"], values_of(PASS, **{name: evil}))
        assert done.returncode == 2, (name, done.stdout)
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.slow
def test_options_are_lines(origin: Path, tmp_path: Path) -> None:
    """A candidate that is there already, and arguments with spaces."""
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    step = steps_of(read("action.yml")["runs"]["steps"])["Run and gate"]
    (runner.work / "my policy.yaml").write_text("policy: mine\nkind: release\n")
    values = values_of(UNSURE, baseline=str(origin / "baselines" / UNSURE))
    values |= {"inputs.run-options": "--limit\n\n90\n--name\nthe new one", "inputs.policy": "my policy.yaml"}
    assert runner.step(step, values).returncode == 1
    record = runner.outputs["record"]
    assert "the new one" in (runner.work / record / "manifest.json").read_text()
    values |= {"inputs.candidate": record, "inputs.tasks": "", "inputs.gate-options": "--inconclusive\nwarn"}
    assert runner.step(step, values).returncode == 0
    assert runner.outputs["answer"] == "not enough data"


@pytest.mark.slow
@pytest.mark.parametrize("task", [PASS, FAIL])
def test_a_run_that_ends_early(origin: Path, tmp_path: Path, task: str) -> None:
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    step = steps_of(read("action.yml")["runs"]["steps"])["Run and gate"]
    values = values_of(task, baseline=str(origin / "baselines" / task), early="true")
    answer, code = CASES[task]
    done = runner.step(step, values)
    assert done.returncode == code, done.stdout + done.stderr
    assert (runner.outputs["answer"], runner.outputs["exit-code"]) == (answer, str(code))
    assert "looks:" in done.stdout
    checked(runner.work / "lsm-eval-gate", task)
    manifest = json.loads((runner.work / runner.outputs["record"] / "manifest.json").read_text())
    assert manifest["gate"]["answer"] == answer
    assert runner.summary.read_text() == (runner.work / "lsm-eval-gate/summary.md").read_text()


def test_a_record_that_is_there_cannot_end_early(origin: Path, tmp_path: Path) -> None:
    runner = GitHub(tmp_path, checked_out(origin, tmp_path))
    step = steps_of(read("action.yml")["runs"]["steps"])["Run and gate"]
    done = runner.step(step, values_of(PASS, candidate="there", early="true"))
    assert (done.returncode, runner.outputs["answer"]) == (2, "none")
    assert "there is there already" in runner.summary.read_text()


def test_values_reach_scripts_by_the_environment_alone() -> None:
    assert filled("a ${{ inputs.tasks }} b", {"inputs.tasks": "x"}) == "a x b"
    files = [".github/workflows/lsm-eval-gate.yml", ".github/workflows/lsm-eval-pages.yml"]
    jobs = [job for name in files for job in read(name)["jobs"].values()]
    steps = [step for job in jobs for step in job.get("steps", [])] + read("action.yml")["runs"]["steps"]
    assert not [step["name"] for step in steps if "${{" in step.get("run", "")]
