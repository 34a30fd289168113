"""HaluEval's tasks: data as pinned, both texts asked, what hangs together, and what rows without a model score."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirrored_tasks import row, samples_of, table_of

from lsm_eval.data import DataOptions, load
from lsm_eval.errors import UserError
from lsm_eval.requests import Score
from lsm_eval.statistics.auroc import auroc
from lsm_eval.tasks.registry import Registry, load_task

SUMMARIES = "halueval_summarization"
COLUMNS = {
    "halueval_qa": ("right_answer", "hallucinated_answer"),
    "halueval_dialogue": ("right_response", "hallucinated_response"),
    SUMMARIES: ("right_summary", "hallucinated_summary"),
}


@pytest.mark.parametrize(
    ("name", "number"), [("halueval_qa", 10_000), ("halueval_dialogue", 10_000), (SUMMARIES, 1000)]
)
def test_the_data_are_as_pinned(name: str, number: int, hub_mirror: Path) -> None:
    rows = table_of(name, hub_mirror)
    assert len(rows.rows) == len(set(rows.ids)) == number


@pytest.mark.parametrize("name", COLUMNS)
def test_both_texts_are_asked(name: str, hub_mirror: Path) -> None:
    right, wrong = COLUMNS[name]
    rows, samples = table_of(name, hub_mirror).rows[:50], samples_of(name, hub_mirror, limit=50)
    for given, sample in zip(rows, samples, strict=True):
        first, second = sample.requests
        assert isinstance(first, Score)
        assert isinstance(second, Score)
        assert first.continuations == second.continuations == (" Yes", " No")
        assert first.context.replace(given[right], "", 1) != first.context
        assert first.context.split("\nDoes the ")[1] == second.context.split("\nDoes the ")[1]
        assert f": {given[wrong]}\nDoes the " in second.context
        assert f": {given[right]}\nDoes the " in first.context
        assert sample.target == (1,)
        assert sample.metadata["hallucinated"] == [0, 1]


def test_items_of_one_source_are_a_cluster(hub_mirror: Path) -> None:
    assert len({sample.cluster for sample in samples_of(SUMMARIES, hub_mirror)}) == 999
    # Of the others the sources are counted, as rendering 10,000 rows takes a while.
    for name, sources in (("halueval_qa", 9936), ("halueval_dialogue", 9192)):
        assert len({given["knowledge"] for given in table_of(name, hub_mirror).rows}) == sources
        first, *_, last = samples_of(name, hub_mirror, limit=20)
        assert first.cluster != last.cluster


def test_only_the_first_rows_are_read_where_a_task_says_so(hub_mirror: Path) -> None:
    loaded = load_task(Registry().tasks[SUMMARIES])
    assert loaded.task.dataset.first == 1000
    few = loaded.task.dataset.model_copy(update={"first": 7})
    options = DataOptions(mirror=hub_mirror, offline=True)
    read = load(few, base=loaded.folder, options=options, pinned=None)
    assert read.rows == table_of(SUMMARIES, hub_mirror).rows[:7]
    with pytest.raises(UserError, match="other content"):
        load(few, base=loaded.folder, options=options, pinned=loaded.task.dataset.sha256)


@pytest.mark.parametrize(
    ("name", "expected"), [("halueval_qa", 0.9712), ("halueval_dialogue", 0.7216), (SUMMARIES, 0.8626)]
)
def test_length_alone_tells_hallucinations(name: str, expected: float, hub_mirror: Path) -> None:
    """What the benchmark's page says: the number of characters, without reading a word."""
    right, wrong = COLUMNS[name]
    rows = table_of(name, hub_mirror).rows
    scores = [len(given[right]) for given in rows] + [len(given[wrong]) for given in rows]
    found = auroc(scores, [False] * len(rows) + [True] * len(rows))
    assert found == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # accuracy, AUROC, paired, precision, recall, yes
        ("uniform", (0.5, 0.5, 0.5, 0.5, 0.5, 0.5)),
        ("first", (0.5, 0.5, 0.5, 0.5, 1.0, 1.0)),
        ("longest", (0.5, 0.5, 0.5, 0.5, 1.0, 1.0)),
    ],
)
def test_rows_that_need_no_model(model: str, expected: tuple[float, ...], hub_mirror: Path) -> None:
    found = row(SUMMARIES, model, samples_of(SUMMARIES, hub_mirror))
    assert tuple(estimate.value for estimate in found.values()) == expected
