"""The example of docs/compare.md, executed on the repository's own records."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_the_page_is_true(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (repo / "docs" / "compare.md").read_text(encoding="utf-8")
    (use,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(repo)
    exec(compile(use, "compare.md", "exec"), {})
    assert re.search(r"^quickstart_accuracy_en acc 0\.\d+ .* better$", capsys.readouterr().out, re.MULTILINE)
