"""What the published site says of two models, and of quality against cost, is made anew from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import yaml
from board_cost import Axes, axes_of, check_cost, read_costs, read_scores
from board_numbers import Board, Json, for_front, read_board
from board_profiles import Profiles, named, read_profiles
from board_ranks import Columns, add_means, means_of, read_columns
from board_two import READ, Shown, check_lines, check_pieces, lines_of, read_shown, unpacked
from browsing import quiet_page, running_browser
from front_page import NO_MODEL, Table
from playwright.sync_api import Browser
from recomputed_differences import difference, holm
from recomputed_fronts import Cost, observed, statuses
from scipy import stats

pytestmark = pytest.mark.slow


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
def profiles(records: Path, board: Board) -> Profiles:
    return read_profiles(records, named(board))


@pytest.fixture(scope="module")
def table(site: Path) -> Table:
    return Table((site / "index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def means(repo: Path, board: Board) -> dict[str, list[str]]:
    """What areas and suites are over."""
    said = [yaml.safe_load(path.read_bytes()) for path in sorted((repo / "tasks" / "suites").glob("*.yaml"))]
    own = {
        one["suite"]: [task if isinstance(task, str) else task["task"] for task in one["tasks"]]
        for one in said
    }
    suites = {suite: [one for task in tasks for one in own.get(task, [task])] for suite, tasks in own.items()}
    return means_of(board, suites)


@pytest.fixture(scope="module")
def columns(board: Board, table: Table, means: dict[str, list[str]]) -> Columns:
    return add_means(read_columns(board, table.data["rows"]["name"]), board, means)


@pytest.fixture(scope="module")
def axes(records: Path, board: Board, profiles: Profiles, table: Table, means: dict[str, list[str]]) -> Axes:
    return axes_of(
        read_scores(for_front(board), means, table.columns), read_costs(records, named(board), profiles)
    )


@pytest.fixture(scope="module")
def shown(site: Path) -> Shown:
    return read_shown(site)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def test_the_page_of_two_loads_the_records_scores(shown: Shown, board: Board, profiles: Profiles) -> None:
    seen = check_pieces(shown, board, for_front(board), profiles)
    assert seen["values"] >= 1500
    assert seen["scores"] >= 20_000


def test_its_script_makes_differences_intervals_and_p(shown: Shown, site: Path, browser: Browser) -> None:
    """Of every two models, and of one that asks none."""
    seen: Counter[str] = Counter()
    models = [name for name in shown.models if name not in NO_MODEL]
    for one, two in [*combinations(models, 2), (NO_MODEL[0], models[0])]:
        rows, status = opened(browser, site, shown, one, two)
        seen += check_lines(rows, status, lines_of(shown, one, two), (one, two))
    assert seen["values"] >= 857
    assert seen["intervals"] >= 181
    assert seen["better"] + seen["worse"] >= 10


def opened(browser: Browser, site: Path, shown: Shown, one: str, two: str) -> tuple[list[Json], str]:
    """What a browser shows of two models."""
    with quiet_page(browser) as page:
        page.goto(f"{(site / 'compare.html').as_uri()}?a={shown.slugs[one]}&b={shown.slugs[two]}")
        page.wait_for_selector("#result tbody tr")
        return page.evaluate(READ), page.locator("#status").inner_text()


def test_one_changed_score_is_found(shown: Shown, board: Board, profiles: Profiles) -> None:
    name = next(name for name in shown.models if name not in NO_MODEL)
    rows = board[name]["arc_easy", "acc"].table.rows
    at, row = next((at, row) for at, row in enumerate(rows) if row["score.acc"] == 1)
    rows[at] = {key: one for key, one in row.items() if key != "made anew"} | {
        "logprobs": [-one for one in row["logprobs"]]
    }
    try:
        with pytest.raises(AssertionError, match="arc_easy"):
            check_pieces(shown, board, for_front(board), profiles)
    finally:
        rows[at] = row


def test_the_cost_page_shows_both_numbers_and_the_front(
    site: Path, axes: Axes, columns: Columns, table: Table
) -> None:
    seen = check_cost(site, axes, columns, table.data["rows"])
    assert seen["drawings"] >= 1000
    assert seen["values"] >= 8000
    assert seen["places"] >= 15_000
    assert seen["fronts"] >= 900
    assert seen["told"] >= 200
    assert seen["unsure"] <= seen["drawings"] / 8


def test_a_changed_cost_is_found(site: Path, axes: Axes, columns: Columns, table: Table) -> None:
    held = axes.costs["cost:memory"]
    name = min(held)
    other = {**axes.costs, "cost:memory": held | {name: replace(held[name], value=2 * held[name].value)}}
    with pytest.raises(AssertionError, match="cost:memory"):
        check_cost(site, replace(axes, costs=other), columns, table.data["rows"])


def test_differences_are_those_of_the_textbooks() -> None:
    """Tango 1998, table 2 (43 gained, 0 … of 44 pairs that differ one way), and plain t where the spread is even."""
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 500))
    found = difference(first, second, "nats", tested=True)
    plain = stats.ttest_rel(second, first)
    assert found.p == pytest.approx(float(plain.pvalue), rel=0.02)
    assert found.ends == pytest.approx(tuple(plain.confidence_interval()), abs=0.002)
    one, two = (np.repeat([0.0, 1.0, 0.0, 1.0], counts) for counts in ((30, 40, 20, 10), (30, 40, 0, 0)))
    two = np.concatenate([two, np.ones(20), np.zeros(10)])
    found = difference(one, two, "fraction", tested=True)
    assert (found.n, found.differs) == (100, 30)
    assert found.value == pytest.approx(0.1)
    # The ends solve Tango's equation for z² = 3.84: here by the likelihood itself.
    assert found.ends is not None
    for end in found.ends:
        shares = np.linspace(max(0.0, -end) + 1e-9, (1 - end) / 2 - 1e-9, 2_000_001)
        likely = 20 * np.log(shares + end) + 10 * np.log(shares) + 70 * np.log(1 - 2 * shares - end)
        best = float(shares[int(likely.argmax())])
        assert abs(100 * (0.1 - end)) / (100 * (2 * best + end - end**2)) ** 0.5 == pytest.approx(
            1.959964, abs=1e-4
        )
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_scores_are_unpacked() -> None:
    assert unpacked([5, [0, 1], 1, "Gg=="]).tolist() == [0, 1, 0, 1, 1]
    np.testing.assert_array_equal(unpacked([3, [0, 0.5, None], 2, "CQ=="]), [0.5, np.nan, 0])


def test_fronts_follow_from_what_is_shown() -> None:
    """The first is shown to be better than the last and is cheaper: that one is off. The second may be on, and is, where it is shown to be cheapest."""
    costs = [Cost(2.0, None, None), Cost(1.0, None, None), Cost(3.0, None, None)]
    assert statuses(frozenset({(0, 2)}), costs, more_is_cheaper=False) == ["may", "on", "off"]
    assert statuses(frozenset({(0, 1), (0, 2)}), costs, more_is_cheaper=False) == ["on", "on", "off"]
    wide = [replace(one, ends=(one.value / 3, one.value * 3), n=6) for one in costs]
    assert statuses(frozenset({(0, 2)}), wide, more_is_cheaper=False) == ["may", "may", "may"]
    assert observed([0.5, 0.4, 0.45], costs, higher=True, more_is_cheaper=False) == [True, True, False]
