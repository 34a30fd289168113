"""The page of quality against cost, whose axes its address names: `cost.html?y=area:accuracy&x=cost:memory`."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.frame.page import Frame, NavEntry
from lsm_eval.leaderboard.frame.safe import in_parts
from lsm_eval.leaderboard.ranking.site_ranks import rankings_of
from lsm_eval.leaderboard.show import measured
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.table.cell import Cell, Cells, TableColumn, task_cells
from lsm_eval.leaderboard.table.means import area_columns, suite_columns
from lsm_eval.leaderboard.table.rows import table_rows
from lsm_eval.leaderboard.table.suites import known_suites
from lsm_eval.leaderboard.table.tasks import task_columns
from lsm_eval.leaderboard.tradeoff.costs import SPEED, cost_axes
from lsm_eval.leaderboard.tradeoff.figure import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Figure,
    cell_text,
    figure,
)
from lsm_eval.leaderboard.words import word
from lsm_eval.statistics.combined import Interval

PATH = "cost.html"
FOLDER = "pieces/cost"
MOST_MARKS = 20_000
"""The most marks of all charts together; on larger boards the charts of single tasks are left out."""

_THERE = Cell(Interval(0.0, None, None), None)


def nav(board: Board) -> NavEntry | None:
    """The entry, if at least two models have both a score and a cost."""
    if sum(not model.no_model for model in board.models) < 2:
        return None
    # Only which numbers exist matters here.
    there: Cells = {
        (key, place): _THERE
        for place, model in enumerate(board.models)
        for key, number in model.numbers.items()
        if measured(number.row)
    }
    every = task_columns(board, there)
    costs = cost_axes(board, every)
    some = any(_both(board, score, cost) for score in _tasks(every) for cost in costs)
    return NavEntry(PATH, word("Quality and cost")) if some else None


def write(board: Board, frame: Frame, site: Site) -> None:
    """Write `cost.html`, and a piece for each pair of axes."""
    figures = _figures(board, site)
    if not figures:
        return
    names = [row.short for row in table_rows(board.models)]
    said: dict[str, None] = {}
    shared = {
        "names": names, "cell_text": cell_text, "width": WIDTH, "height": HEIGHT,
        "left": LEFT, "top": TOP, "right": RIGHT, "bottom": BOTTOM,
    }  # fmt: skip
    pieces: dict[str, str] = {}
    for number, (key, made) in enumerate(figures.items()):
        text, texts = frame.fragment("cost_figure.html.j2", figure=made, **shared)
        said.update(dict.fromkeys(texts))
        pieces[key] = site.piece(f"{FOLDER}/{number}.js", in_parts(text))
    first = next(iter(figures.values()))
    scores = list({made.score.id: made.score for made in figures.values()}.values())
    costs = list({made.cost.id: made.cost for made in figures.values()}.values())
    site.put(
        PATH,
        frame.page("cost").render(
            PATH, tuple(said), figure=first, scores=scores, costs=costs, about={"pieces": pieces}, **shared
        ),
    )


def _figures(board: Board, site: Site) -> dict[str, Figure]:
    """The charts by the ids of both axes."""
    cells = task_cells(board)
    scores = [*area_columns(board, cells), *suite_columns(board, cells, known_suites(site.options.include))]
    every = task_columns(board, cells)
    costs, tasks = cost_axes(board, every), _tasks(every)
    if len(board.models) * len(costs) * (len(scores) + len(tasks)) <= MOST_MARKS or not scores:
        scores += tasks
    names = [row.short for row in table_rows(board.models)]
    known = rankings_of(site)
    found: dict[str, Figure] = {}
    for score in scores:
        for cost in costs:
            made = figure(board, names, score, cost, known.get(score.id))
            if made is not None:
                found[f"{score.id} {cost.id}"] = made
    return found


def _tasks(every: Sequence[TableColumn]) -> list[TableColumn]:
    return [column for column in every if column.first and column.higher is not None and column.group != SPEED]  # fmt: skip


def _both(board: Board, score: TableColumn, cost: TableColumn) -> bool:
    with_cost: Sequence[int] = [
        place for place, model in enumerate(board.models)
        if not model.no_model and place in score.cells and place in cost.cells
    ]  # fmt: skip
    return len(with_cost) > 1
