"""The examples of docs/ci.md: what they name is there, and the tests in it run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ci_steps import read

pytest_plugins = ["pytester"]


@pytest.fixture
def page(repo: Path) -> str:
    return (repo / "docs" / "ci.md").read_text(encoding="utf-8")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def test_what_is_called_is_there(page: str) -> None:
    action, reusable, gitlab = (yaml.safe_load(text) for text in blocks(page, "yaml"))
    (step,) = [one for one in action["jobs"]["gate"]["steps"] if one["uses"].startswith("OWNER/")]
    assert set(step["with"]) <= set(read("action.yml")["inputs"])
    for name, job in reusable["jobs"].items():
        path = job["uses"].removeprefix("OWNER/lsm-eval/").partition("@")[0]
        called = read(path)
        assert set(job.get("with", {})) <= set(called[True]["workflow_call"]["inputs"]), name
        wanted: dict[str, Any] = {}
        for inner in called["jobs"].values():
            wanted |= inner["permissions"]
        assert job["permissions"] == wanted, name
    template = read("ci/gitlab/lsm-eval.gitlab-ci.yml")
    assert gitlab["gate"]["extends"] in template
    assert set(gitlab["gate"]["variables"]) <= set(template[gitlab["gate"]["extends"]]["variables"])
    assert not re.search(r"\]\((?!http)(?!\S*\.(md|yml)\))", page)


def test_the_tests_of_the_page(
    page: str, repo: Path, pytester: pytest.Pytester, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(repo), os.environ.get("PYTHONPATH", "")]))
    (pytester.path / "reports").symlink_to(repo / "reports")
    (pytester.path / "limits.yaml").write_text(
        "policy: limits\nmetrics: named\nlimits: [{task: quickstart_h*, metric: truthfulqa_mc1, at_least: 0.9}]\n"
    )
    (text,) = blocks(page, "python")
    pytester.makepyfile(text)
    done = pytester.runpytest_subprocess("-p", "lsm_eval.pytest_plugin", "--strict-markers")
    outcomes = done.parseoutcomes()
    assert "error" not in outcomes, done.stdout.str()
    assert sum(outcomes.get(name, 0) for name in ("passed", "failed", "skipped")) == 3
    (shown,) = blocks(page, "text")
    assert outcomes.get("failed"), done.stdout.str()
    done.stdout.fnmatch_lines([*shown.splitlines()])
