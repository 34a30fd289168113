"""Runs with a budget for thoughts: kept by a model that never stops thinking, counted, withheld, and refused by name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, Outcome, call, write_task
from tiny_models import CHAT, save_model

from lsm_eval.results.reader import Record, read_record

OPENS = CHAT + "{% if add_generation_prompt %}<think>\n{% endif %}"
ROWS = [{"question": f"the cat {at}", "answer": "yes"} for at in range(3)]
BUDGETS = ("--max-tokens", "7", "--reasoning-tokens", "5")


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose template opens thoughts, which it does not end."""
    return save_model(tmp_path_factory.mktemp("thinker"), chat=OPENS, context=256)


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder with the task `tell`."""
    fields: dict[str, Any] = {**GENERATE, "target": "{{ answer }}", "stop": [], "metrics": ["exact_match"]}
    write_task(tmp_path / "tasks", "tell", ROWS, **fields)
    write_task(tmp_path / "tasks", "twice", ROWS, **fields, further=["And {{ question }}?"])
    return tmp_path / "tasks"


def _run(model: Path, tasks: Path, out: Path, *more: str, task: str = "tell") -> tuple[Outcome, list[Record]]:
    outcome = call(
        "run", "--tasks", task, "--include", tasks, "--model", str(model), "--out", str(out), *more
    )
    return outcome, [read_record(path.parent) for path in out.glob("*/*/manifest.json")]


def test_thoughts_end_and_an_answer_follows(thinker: Path, tasks: Path, tmp_path: Path) -> None:
    outcome, (record,) = _run(thinker, tasks, tmp_path / "free", "--max-tokens", "12")
    assert "3 truncated" in outcome.err
    free = record.sample_rows("tell", 9)
    assert {(row["reasoning_tokens"], row["answer_tokens"]) for row in free} == {(12, 0)}
    assert record.tasks["tell"].cut_off is not None
    assert record.tasks["tell"].cut_off.in_thoughts == 3
    outcome, (record,) = _run(thinker, tasks, tmp_path / "kept", *BUDGETS)
    assert outcome.code == 0
    rows = record.sample_rows("tell", 9)
    for before, row in zip(free, rows, strict=True):
        assert row["failure"] is None
        assert before["thoughts"].startswith(row["thoughts"].rstrip())
        assert row["reasoning_tokens"] + row["answer_tokens"] == row["tokens"][0]
        assert row["answer_tokens"] == 7
    manifest = record.manifest
    assert manifest.tokens["reasoning"] == sum(row["reasoning_tokens"] for row in rows)
    assert manifest.tokens["answer"] == sum(row["answer_tokens"] for row in rows)
    assert manifest.tokens["generated"] == manifest.tokens["reasoning"] + manifest.tokens["answer"]
    assert " max_tokens:7 reasoning_tokens:5 " in record.estimates[0].signature
    assert manifest.settings["reasoning_tokens"] == 5
    assert "reasoning_effort" not in manifest.settings


def test_signatures_and_settings_without_a_budget_are_as_ever(
    thinker: Path, tasks: Path, tmp_path: Path
) -> None:
    _, (record,) = _run(thinker, tasks, tmp_path / "r", "--max-tokens", "12")
    assert "reasoning_" not in record.estimates[0].signature
    assert "reasoning_tokens" not in record.manifest.settings


@pytest.mark.parametrize("redact", ["none", "sensitive", "all"])
def test_thoughts_are_withheld_like_texts(thinker: Path, tasks: Path, tmp_path: Path, redact: str) -> None:
    path = tasks / "tell.yaml"
    path.write_text(f"{path.read_text()}\nsensitive: true\n")
    _, (shown,) = _run(thinker, tasks, tmp_path / "shown", *BUDGETS)
    _, (record,) = _run(thinker, tasks, tmp_path / "other", *BUDGETS, "--redact", redact)
    for plain, row in zip(shown.sample_rows("tell", 9), record.sample_rows("tell", 9), strict=True):
        for name in ("thoughts", "completion"):
            digest = hashlib.sha256(plain[name].encode()).hexdigest()
            assert row[name] == (plain[name] if redact == "none" else f"[withheld sha256:{digest}]")
        assert row["reasoning_tokens"] == plain["reasoning_tokens"]


def test_an_effort_that_the_template_has_no_word_for_is_refused(
    thinker: Path, tasks: Path, tmp_path: Path
) -> None:
    outcome, records = _run(thinker, tasks, tmp_path / "r", "--reasoning-effort", "low")
    assert outcome.code == 2
    assert "no variable that says how much to think" in outcome.err
    assert "--reasoning-effort" in outcome.err
    assert not records


def test_a_row_that_is_no_model_is_refused_by_name(tasks: Path, tmp_path: Path) -> None:
    outcome = call(
        "run", "--tasks", "tell", "--include", tasks, "--model", "builtin:uniform", "--out", tmp_path / "r",
        "--reasoning-tokens", "5",
    )  # fmt: skip
    assert outcome.code == 2
    assert "--reasoning-tokens" in outcome.err


def test_a_plan_counts_the_thoughts(thinker: Path, tasks: Path, tmp_path: Path) -> None:
    plain, _ = _run(thinker, tasks, tmp_path / "r", "--max-tokens", "7", "--dry-run")
    more, records = _run(thinker, tasks, tmp_path / "r", *BUDGETS, "--dry-run")
    assert plain.out != more.out
    assert not records
    assert json.dumps(more.out).count("tell") == 1
