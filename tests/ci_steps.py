"""The shell steps of actions, workflows and pipeline templates, executed as their runners do: each in a bash of its own, with what
its `env` says. Expressions are those that a test gives a value to, and no others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).resolve().parents[1]
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")

_PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m pip" ]; then echo "$*" >>"$PIP_LOG"; exit 0; fi
exec {python} "$@"
"""
_LSM_EVAL = """#!/bin/sh
exec {python} -m lsm_eval "$@"
"""
_GH = """#!/bin/sh
{{ for one in "$@"; do echo "$one"; done; echo --; }} >>"$GH_LOG"
case "$*" in
  *PATCH*|*POST*) exit "${{GH_WRITE:-0}}" ;;
  *) printf '%s' "$GH_SAYS"; exit "${{GH_READ:-0}}" ;;
esac
"""


def read(name: str) -> dict[Any, Any]:
    """A YAML file of the repository; the key `on` is True in YAML 1.1."""
    content: dict[Any, Any] = yaml.safe_load((REPO / name).read_text(encoding="utf-8"))
    return content


@dataclass
class Runner:
    """A runner's folders: programs that stand first on the path (pip and gh do nothing), outputs and summary."""

    folder: Path
    work: Path
    """Where steps run."""
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        for name, text in {"python": _PYTHON, "lsm-eval": _LSM_EVAL, "gh": _GH}.items():
            (programs / name).write_text(text.format(python=sys.executable))
            (programs / name).chmod(0o755)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GITHUB_", "GIT_", "LSM_GATE_", "GH_", "CI"))
        }
        self.env = {
            **kept,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
            "LSM_EVAL_CACHE": str(self.folder / "cache"),
            "PIP_LOG": str(self.folder / "pip.log"),
            "GH_LOG": str(self.folder / "gh.log"),
            "GH_SAYS": "",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{who}_{what}": value
                for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"))
            },
            **self.env,
        }

    def bash(self, script: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """One step."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.work,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    def log(self, name: str) -> str:
        """What pip or gh was asked, a line each."""
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""


@dataclass
class GitHub(Runner):
    """One of GitHub's: `outputs` are those of the step that ran last, `summary` is of all."""

    outputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.summary = self.folder / "summary.md"
        self.env |= {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "someone/something",
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }

    def step(
        self, step: dict[str, Any], values: Mapping[str, str], at: str = "."
    ) -> subprocess.CompletedProcess[str]:
        """A `run` step, of the action in the folder `at` of the repository."""
        output = self.folder / "output"
        output.write_text("")
        own = {name: filled(str(value), values) for name, value in step.get("env", {}).items()}
        assert "${{" not in step["run"]
        done = self.bash(
            step["run"],
            {**own, "GITHUB_OUTPUT": str(output), "GITHUB_ACTION_PATH": str((REPO / at).resolve())},
        )
        self.outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return done


def filled(text: str, values: Mapping[str, str]) -> str:
    """With the values of its expressions."""
    return _EXPRESSION.sub(lambda found: values[found[1]], text)
