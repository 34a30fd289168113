"""The examples of docs/python.md and of the README's Python part run as they stand, each page in one namespace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _examples(page: str) -> list[tuple[int, str]]:
    """The line that each example begins in, and its text."""
    return [(page.count("\n", 0, found.start(1)), found[1]) for found in _BLOCK.finditer(page)]


def _run(path: Path, page: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    for line, text in _examples(page):
        exec(compile("\n" * line + text, str(path), "exec"), names)
    return names


@pytest.fixture(autouse=True)
def _own_place(own_cache: Path, one_thread: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:1 of 2 tasks was left out")
def test_the_page_on_python(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = repo / "docs/python.md"
    names = _run(path, path.read_text())
    assert len(_examples(path.read_text())) >= 10
    said = capsys.readouterr().out
    assert "unknown task 'quickstart_acuracy_en': did you mean 'quickstart_accuracy_en'?" in said
    assert "quickstart_bias ('pct_stereotype', 'likelihood_diff') Apache-2.0" in said
    assert said.splitlines()[-1] in ("pass", "fail", "not enough data")
    assert names["result"].answer == said.splitlines()[-1]
    assert names["record"].left_out.keys() == {"quickstart_accuracy_en"}
    assert names["record"].left_out["quickstart_accuracy_en"].startswith("shouting has no loglikelihood(), ")


def test_the_readme(repo: Path) -> None:
    path = repo / "README.md"
    part = path.read_text().partition("## From Python\n")[2].partition("\n## ")[0]
    assert len(_examples(part)) == 1
    record = _run(path, part)["record"]
    assert len(record.samples("quickstart_accuracy_en")) == 20
