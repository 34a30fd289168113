"""HalluQA: data as pinned, options shuffled, patterns as clusters, and what rows without a model score."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from mirrored_tasks import row, samples_of, table_of

from lsm_eval.benchmarks.hallucination.halluqa.code import rows as read
from lsm_eval.errors import UserError
from lsm_eval.requests import Score


def test_the_options_are_shuffled(data_files: Path) -> None:
    rows, items = table_of("halluqa", None, data_files).rows, samples_of("halluqa", None, data_files)
    assert len(items) == len({sample.id for sample in items}) == 450
    moved = 0
    for given, sample in zip(rows, items, strict=True):
        assert isinstance(sample.request, Score)
        # The last of the examples is the authors', too; the question stands behind it.
        asked = sample.request.context.rsplit("\n\nQuestion: ", 1)[1]
        assert asked.startswith(given["question"])
        (index,) = sample.target
        assert isinstance(index, int)
        assert f" {'ABCDE'[index]}:{given['options'][given['right']]}" in asked
        assert len(sample.choices) == len(given["options"])
        assert all(option in asked for option in given["options"])
        moved += index != given["right"]
    places = Counter(sample.target[0] for sample in items)
    assert moved > 300
    assert max(places.values()) < 140
    assert Counter(len(sample.choices) for sample in items) == {5: 421, 2: 29}


def test_questions_of_one_pattern_are_a_cluster(data_files: Path) -> None:
    rows, items = table_of("halluqa", None, data_files).rows, samples_of("halluqa", None, data_files)
    # 20 patterns, and every other question by itself.
    assert sum(given["pattern"] is None for given in rows) == 206 + 69
    assert len({sample.cluster for sample in items}) == 20 + 206 + 69
    assert Counter(sample.metadata["category"] for sample in items) == {
        "Misleading": 175, "Misleading-hard": 69, "Knowledge": 206,
    }  # fmt: skip


def test_an_item_in_another_form_is_refused(tmp_path: Path) -> None:
    broken = [{"question_id": 1, "question": "Question: x A:one C:two ", "answer": "Answer: A"}]
    for name, content in (("mc.json", broken), ("all.json", [{"question_id": 1, "Category": "Knowledge"}])):
        (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(UserError, match="item 1 in another form"):
        read([tmp_path / "mc.json", tmp_path / "all.json"])


def test_rows_that_need_no_model(data_files: Path) -> None:
    items = samples_of("halluqa", None, data_files)
    uniform, first = row("halluqa", "uniform", items), row("halluqa", "first", items)
    assert uniform["acc"].value == pytest.approx((421 / 5 + 29 / 2) / 450)
    assert first["acc"].value == pytest.approx(0.2, abs=0.04)
    assert uniform["brier"].value is first["brier"].value is None
