"""What a comparison writes: texts of models do no harm, and sensitive ones are withheld until they are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from command_line import call
from compared_runs import Runs
from honest import made_honest

from lsm_eval.comparison.shown.escape import markdown, visible

HOSTILE = "<script>alert(1)</script> | @everyone [x](http://a) `b` \x1b[31m\x00\u202e\nSecond ⟨line⟩"


def hostile(record: Path, folder: Path, task: str) -> Path:
    """A copy of a record of which every answer is a hostile text, and wrong."""
    import shutil

    made = Path(shutil.copytree(record, folder / "hostile"))
    path = made / "samples" / f"{task}.parquet"
    table = pd.read_parquet(path)
    table["completion"] = HOSTILE
    metric = {"say": "exact_match", "told": "f1"}[task]
    table[f"score.{metric}"] = 1.0
    table[f"stats.{metric}"] = [[1.0, 1.0]] * len(table)
    table.to_parquet(path)
    return made_honest(made, task)


def test_the_terminal_gets_no_control_characters(runs: Runs, tmp_path: Path) -> None:
    made = hostile(runs.second, tmp_path, "say")
    out = call("compare", runs.first, made, "--include", runs.tasks).out
    assert "say, exact_match: samples that changed" in out
    assert "Second" in out
    assert not {c for c in out if not c.isprintable()} - {"\n"}


def test_markdown_makes_no_markup_of_a_text(runs: Runs, tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    made = hostile(runs.second, tmp_path, "say")
    text = call("compare", runs.first, made, "--include", runs.tasks, "--markdown").out
    assert "<script" not in text
    assert "@everyone" not in text
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script" not in html
    assert "<a " not in html
    assert "<img" not in html
    cells = {line.count("</td>") for line in html.split("<tr>")[1:] if "</td>" in line}
    assert cells <= {8, 10}


@pytest.mark.parametrize(
    "text", ["a|b", "``x``", "*a* _b_ ~c~", "&amp;", "\\|", "<b>", "$x$", ":smile:", "# a", "\ud800"]
)
def test_markdown_shows_the_text_itself(text: str) -> None:
    from html import unescape

    found = markdown(text)
    assert found.startswith("<code>")
    inside = found.removeprefix("<code>").removesuffix("</code>").replace("<span>", "").replace("</span>", "")
    assert not set(inside) & set("|*_`<>$@\\~[]{}!")
    assert unescape(inside) == visible(text)


def test_long_texts_are_cut_and_say_so() -> None:
    assert visible("a" * 5000) == "a" * 200 + " … (5,000 characters)"


def test_texts_of_sensitive_tasks_wait_to_be_asked_for(runs: Runs, tmp_path: Path) -> None:
    arguments = (
        "compare",
        runs.first,
        hostile(runs.second, tmp_path, "told"),
        "--include",
        runs.tasks,
        "--flips",
        "50",
    )
    shown, revealed = call(*arguments).out, call(*arguments, "--reveal").out
    _, _, told = shown.partition("told, f1: samples that changed")
    assert told.count("baseline   [withheld sha256:") == told.count("baseline   ") > 0
    assert "withheld" not in shown.removesuffix(told)
    assert "withheld" not in revealed
    for form in ("--json", "--markdown"):
        assert "withheld" in call(*arguments, form).out


def test_json_has_all_and_no_nan(runs: Runs) -> None:
    out = call("compare", runs.first, runs.second, "--include", runs.tasks, "--json").out
    found = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["schema_version"] == 1
    assert found["baseline"]["folder"] == str(runs.first)
    assert len(found["rows"]) == 8
    assert {"low", "high", "p", "p_adjusted", "method", "n", "verdict", "differing"} <= set(found["rows"][0])


def test_json_and_markdown_at_once_is_a_mistake(runs: Runs) -> None:
    assert "choose one" in call("compare", runs.first, runs.second, "--json", "--markdown").sentence()
