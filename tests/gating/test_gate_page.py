"""The example of docs/gate.md, executed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from command_line import call

from lsm_eval.gating.policy import Policy
from lsm_eval.tasks.yaml_reader import read_yaml


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def test_the_page_is_true(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    page = (repo / "docs" / "gate.md").read_text(encoding="utf-8")
    make, use = blocks(page, "python")
    monkeypatch.chdir(tmp_path)
    exec(compile(make, "gate.md", "exec"), {})
    printed = []
    for line in "".join(blocks(page, "sh")).splitlines():
        command, _, code = line.partition("  # exit ")
        words = shlex.split(command)
        # As a shell does it.
        program, *arguments = [
            word for one in words for word in (sorted(map(str, Path().glob(one))) if "*" in one else [one])
        ]
        assert program == "lsm-eval"
        done = call(*arguments)
        assert done.code == int(code or 0), (line, done.err)
        printed += done.out.splitlines()
    for shown in "".join(blocks(page, "text")).splitlines():
        assert shown in printed, [line for line in printed if line[:12] == shown[:12]]
    exec(compile(use, "gate.md", "exec"), {})
    (tmp_path / "policy.yaml").write_text("".join(blocks(page, "yaml")))
    Policy.model_validate(read_yaml(tmp_path / "policy.yaml"))
