"""Tasks that ask how likely whole texts are, of a model of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import PERPLEXITY, QUESTIONS, call, write_task
from own_models import Lengths

import lsm_eval


@pytest.fixture(autouse=True)
def _own_place(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small_tasks(tmp_path: Path) -> Path:
    """Folder of the task `read`."""
    write_task(tmp_path / "tasks", "read", QUESTIONS, **PERPLEXITY)
    return tmp_path / "tasks"


def test_whole_texts_are_what_follows_an_empty_context(small_tasks: Path) -> None:
    class Counts(Lengths):
        def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> Any:
            return [
                (*told, len(text.split()))
                for told, (_, text) in zip(super().loglikelihood(pairs), pairs, strict=True)
            ]

    model = Counts()
    record = lsm_eval.run("read", model, include=small_tasks)
    pairs = [pair for batch in model.pairs for pair in batch]
    assert {context for context, _ in pairs} == {""}
    assert sorted(text for _, text in pairs) == sorted(set(record.samples("read")["prompt"]))
    assert record.samples("read")["tokens"].tolist() == [
        len(text.split()) for text in record.samples("read")["prompt"]
    ]
    # Each character halves the probability, and all are ASCII.
    assert record.estimates["value"].tolist() == pytest.approx([2.0])
    assert call("record", "check", record.path).code == 0


def test_without_a_number_of_tokens_there_is_no_answer(small_tasks: Path) -> None:
    record = lsm_eval.run("read", Lengths(), include=small_tasks)
    assert record.estimates["value"].isna().all()
    assert record.estimates["missing"].tolist() == [24]
    assert set(record.samples("read")["failure"]) == {"unsupported"}


def test_not_each_token_of_a_whole_text(small_tasks: Path, tmp_path: Path) -> None:
    write_task(tmp_path / "tasks", "closely", QUESTIONS, **{**PERPLEXITY, "detail": True})
    with pytest.raises(lsm_eval.UserError, match="but not of each of its tokens, which this task needs"):
        lsm_eval.run("closely", Lengths(), include=tmp_path / "tasks")
