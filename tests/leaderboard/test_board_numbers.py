"""Every number that the published site's tables show is made anew from the records' samples, by code that shares nothing with it."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from board_agreement import check_agreement
from board_columns import check_columns
from board_numbers import Board, alike, differing, for_front, intervals_made, read_board, read_published
from board_pages import Page, check_model_page, check_task_page
from front_page import check_page
from recomputed_scores import SCORES

pytestmark = pytest.mark.slow
NAME, TASK = "builtin:gemma3-270m (float32)", "harmbench"
"""Whose samples are changed to see that it is found."""


@pytest.fixture(scope="module")
def records(repo: Path) -> Path:
    folder = repo / "reports" / "board"
    if not folder.is_dir():
        pytest.skip("needs the published records")
    return folder


@pytest.fixture(scope="module")
def site(repo: Path) -> Path:
    folder = repo / "leaderboard"
    if not folder.is_dir():
        pytest.skip("needs the published site")
    return folder


@pytest.fixture(scope="module")
def board(records: Path) -> Board:
    return read_board(records)


@pytest.fixture(scope="module")
def suites(repo: Path) -> dict[str, list[str]]:
    """The tasks of each suite."""
    found: dict[str, list[str]] = {}
    for path in sorted((repo / "tasks" / "suites").glob("*.yaml")):
        said = yaml.safe_load(path.read_bytes())
        found[said["suite"]] = [one if isinstance(one, str) else one["task"] for one in said["tasks"]]
    return {
        suite: [one for task in tasks for one in found.get(task, [task])] for suite, tasks in found.items()
    }


def unlike(board: Board) -> list[str]:
    """Scores in sample tables that are not what the model's answers make."""
    return [
        f"{name}: {table.task} {metric} {row['sample']}"
        for name, numbers in board.items()
        for table in {id(one.table): one.table for one in numbers.values()}.values()
        for row in table.rows
        if row["failure"] is None
        for metric in SCORES
        if f"score.{metric}" in row and not alike(row[f"score.{metric}"], SCORES[metric](row))
    ]


def test_what_makes_them_anew_shares_no_code_with_the_package() -> None:
    here = Path(__file__).parent
    paths = [*here.glob("recomputed*.py"), *here.glob("board_*.py"), *here.glob("front_*.py"), Path(__file__)]
    assert len(paths) >= 12
    own = re.compile(r"^\s*(?:from|import) (?:lsm_eval|made_|records\b)", re.MULTILINE)
    assert [path.name for path in paths if own.search(path.read_text(encoding="utf-8"))] == []


def test_estimates_are_what_the_samples_make(board: Board) -> None:
    assert differing(board) == []
    numbers = [one for own in board.values() for one in own.values()]
    assert len(numbers) >= 1659
    assert sum(one.value is not None for one in numbers) >= 1062


def test_scores_are_what_the_answers_make(board: Board) -> None:
    assert unlike(board) == []


def test_intervals_are_made_anew(board: Board) -> None:
    """As many as there were when it was written; areas under curves and simulated errors are the record's own."""
    made, kept = intervals_made(board)
    assert sum(made.values()) >= 590
    assert set(kept) <= {"obuchowski", "calibrated null"}


def test_the_front_page_shows_them(board: Board, site: Path, suites: dict[str, list[str]]) -> None:
    seen = check_page(site, for_front(board), None, suites)
    assert seen["task"] >= 203
    assert seen["area"] >= 49
    assert seen["suite"] >= 21


def test_further_columns_show_them(board: Board, site: Path) -> None:
    first = {tuple(column.split(":", 2)[1:]) for column in for_front(board)[1].values()}
    least = sum(
        one.value is not None and of not in first for own in board.values() for of, one in own.items()
    )
    assert check_columns(site, for_front(board))["values"] == least > 800


def test_task_pages_show_them(board: Board, site: Path, records: Path) -> None:
    shown, published = for_front(board), read_published(records)
    seen: Counter[str] = Counter()
    tasks = {task for own in board.values() for task, _ in own}
    for task in sorted(tasks):
        page = Page((site / "tasks" / f"{task.replace('_', '-')}.html").read_text(encoding="utf-8"))
        assert page.title.beside.strip() == task
        seen += check_task_page(page, board, shown, published, task)
    assert seen["values"] == sum(one.value is not None for own in board.values() for one in own.values())
    assert seen["intervals"] == sum(one.ends is not None for own in board.values() for one in own.values())


def test_task_pages_show_how_alike_models_answer(board: Board, site: Path) -> None:
    seen: Counter[str] = Counter()
    for task in sorted({task for own in board.values() for task, _ in own}):
        page = Page((site / "tasks" / f"{task.replace('_', '-')}.html").read_text(encoding="utf-8"))
        seen += check_agreement(page, board, task)
    assert seen["pairs"] >= 48
    assert seen["samples"] >= 228


def test_model_pages_show_them(board: Board, site: Path) -> None:
    shown = for_front(board)
    seen: Counter[str] = Counter()
    pages = [Page(path.read_text(encoding="utf-8")) for path in sorted((site / "models").glob("*.html"))]
    assert {page.title.names[0] for page in pages} == set(board)
    for page in pages:
        seen += check_model_page(page, board, shown, page.title.names[0])
    assert seen["values"] == sum(one.value is not None for own in board.values() for one in own.values())
    assert seen["areas"] >= 36
    assert seen["cut off"] >= 7


def changed(records: Path, folder: Path, task: str, column: str, value: Any) -> Board:
    """The records of one model, copied, with a task's first sample changed."""
    (path,) = (records / "gemma3-270m").rglob(f"samples/{task}.parquet")
    shutil.copytree(path.parents[1], folder / "record")
    path = folder / "record" / "samples" / path.name
    table = pq.read_table(path)
    rows = table.to_pylist()
    assert rows[0][column] != value
    rows[0][column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    (numbers,) = read_board(folder).values()
    return {NAME: numbers}


def test_one_changed_score_is_found_on_every_page(
    board: Board, records: Path, site: Path, suites: dict[str, list[str]], tmp_path: Path
) -> None:
    other = board | changed(records, tmp_path, TASK, "score.refusal_rate", 1.0)
    assert f"{NAME}: {TASK} refusal_rate value 0.0, not {1 / 15}" in differing(other)
    shown = for_front(other)
    with pytest.raises(AssertionError, match=re.escape(NAME)):
        check_page(site, shown, None, suites)
    model = Page((site / "models" / "builtin-gemma3-270m-float32.html").read_text(encoding="utf-8"))
    with pytest.raises(AssertionError, match=re.escape(NAME)):
        check_model_page(model, other, shown, NAME)
    task = Page((site / "tasks" / f"{TASK}.html").read_text(encoding="utf-8"))
    with pytest.raises(AssertionError, match=TASK):
        check_task_page(task, other, shown, read_published(records), TASK)


def test_a_score_that_is_not_that_of_the_answer_is_found(records: Path, tmp_path: Path) -> None:
    """Where it can be made anew, the estimate hangs on the answer, and the table's own score is compared with it."""
    scored = changed(records, tmp_path / "score", "arc_easy", "score.acc", 0.0)
    assert [one.partition(" arc_easy ")[2] for one in unlike(scored)] == ["acc Mercury_SC_401777"]
    assert differing(scored) == []
    asked = changed(records, tmp_path / "answer", "arc_easy", "logprobs", [0.0, -9.0, -9.0, -9.0])
    assert {one.removeprefix(f"{NAME}: ").split()[1] for one in differing(asked)} == {"acc"}
    assert f"{NAME}: arc_easy acc value 0.55, not {43 / 80}" in differing(asked)
