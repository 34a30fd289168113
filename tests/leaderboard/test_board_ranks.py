"""Every rank that the published site shows is made anew from the samples that models share."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from board_numbers import Board, read_board
from board_profiles import named
from board_ranks import Columns, add_means, check_ranks, means_of, read_columns
from front_page import Table
from recomputed_ranks import Apart, Column, coins, compared, freedom_of, needed, p_of, ranks_of, told_apart
from scipy import stats

pytestmark = pytest.mark.slow
KEY = ("harmbench", "refusal_rate")
"""Whose scores are changed to see that it is found."""


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
def order(site: Path) -> list[str]:
    """Models as the page has them."""
    names: list[str] = Table((site / "index.html").read_text(encoding="utf-8")).data["rows"]["name"]
    return names


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


@pytest.fixture(scope="module")
def columns(board: Board, order: list[str], suites: dict[str, list[str]]) -> Columns:
    return add_means(read_columns(board, order), board, means_of(board, suites))


def test_the_front_page_shows_them(columns: Columns, site: Path) -> None:
    seen = check_ranks(site, columns)
    assert seen["columns"] >= 160
    assert seen["ranks"] >= 480
    assert seen["told"] >= 5
    assert seen["unsure"] <= seen["columns"] / 8
    assert seen["shown"] >= 8


def test_changed_scores_are_found(
    columns: Columns, board: Board, records: Path, site: Path, order: list[str], tmp_path: Path
) -> None:
    name, names = columns[f"task:{KEY[0]}:{KEY[1]}"].names[0], named(board)
    (folder,) = [
        path.parent
        for path in records.rglob("manifest.json")
        if any(path.parent.glob("samples/*.parquet"))
        and names[json.loads(path.read_text(encoding="utf-8"))["model"]["fingerprint"][:16]] == name
    ]
    shutil.copytree(folder, tmp_path / "record")
    path = tmp_path / "record" / "samples" / f"{KEY[0]}.parquet"
    table = pq.read_table(path)
    rows = [row | {f"score.{KEY[1]}": 1.0} for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    (changed,) = read_board(tmp_path).values()
    other = {one: {KEY: own[KEY]} for one, own in (board | {name: changed}).items()}
    with pytest.raises(AssertionError, match=KEY[0]):
        check_ranks(site, columns | read_columns(other, order))


def test_p_is_that_of_the_textbooks() -> None:
    """0 or 1: McNemar's, or the mid-p of the pairs that differ. Numbers: Student's t of the differences."""
    assert coins(10, 8 / 10**0.5) == pytest.approx(
        stats.binom.sf(9, 10, 0.5) + stats.binom.pmf(9, 10, 0.5) / 2
    )
    rng = np.random.default_rng(4)
    values = rng.normal(size=(2, 4000)) + np.array([[0.0], [0.07]])
    column = compared(values, [*range(4000)], np.ones(4000))
    student = stats.ttest_rel(values[0], values[1]).pvalue
    assert p_of(column.pairs[0, 1], exact=False) == pytest.approx(float(student), rel=0.05)
    assert freedom_of(np.ones(30))[0] == pytest.approx(29)
    hits = (rng.random((2, 900)) < np.array([[0.5], [0.56]])).astype(float)
    column = compared(hits, [*range(900)], np.ones(900))
    lost, won = (int(((hits[0] - hits[1]) == sign).sum()) for sign in (1, -1))
    assert column.exact
    assert p_of(column.pairs[0, 1], exact=True) == pytest.approx(
        2 * float(stats.norm.sf((won - lost) / (won + lost) ** 0.5))
    )


def test_the_level_is_tukeys_where_models_are_independent() -> None:
    """The range of m means of equal variance (Tukey's studentised range, without degrees of freedom)."""
    for models in (3, 6):
        pair = Apart(0.1, 1.0, 0.0, 99.0, 1.0, 1.0, 100.0, True)
        pairs = {(one, two): pair for one in range(models) for two in range(one + 1, models)}
        column = Column(np.zeros(models), pairs, np.eye(models))
        range_ = float(stats.studentized_range.ppf(0.95, models, 1e6)) / 2**0.5
        assert needed(column, [*pairs]) == pytest.approx(2 * float(stats.norm.sf(range_)), rel=0.1)


def test_ranks_are_intervals_of_what_is_shown() -> None:
    values = np.array(
        [np.arange(100) < 90, np.arange(100) < 40, np.arange(100) < 38, np.arange(100) < 42], float
    )
    column = compared(values, [*range(100)], np.ones(100))
    found = ranks_of(column, told_apart(column, higher=True)[0], higher=True)
    assert (found.low, found.high) == ((1, 2, 2, 2), (1, 4, 4, 4))
    assert (found.told, found.pairs) == (1, 3)
    found = ranks_of(column, told_apart(column, higher=False)[0], higher=False)
    assert (found.low, found.high) == ((4, 1, 1, 1), (4, 3, 3, 3))
