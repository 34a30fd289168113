"""The front page."""

from __future__ import annotations

from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.collect import Board, ModelEntry, Number
from lsm_eval.leaderboard.families import families, speeds
from lsm_eval.leaderboard.frame.page import Frame, NavEntry
from lsm_eval.leaderboard.site import Site


def nav(board: Board) -> NavEntry:
    """It is always there."""
    return NavEntry("index.html", "Board")


def write(board: Board, frame: Frame, site: Site) -> None:
    """`index.html`."""
    cells = {
        (model.name, column.key): model.numbers.get(column.key)
        for model in board.models
        for column in board.columns
    }
    reasons = {
        (model.name, column.key): _absence(model, column.row.task, column.row.metric, number)
        for model in board.models
        for column in board.columns
        if (number := cells[model.name, column.key]) is None or not show.measured(number.row)
    }
    marks = any(number.mark for model in board.models for number in model.numbers.values())
    path = "index.html"
    page = frame.page("front").render(
        path,
        cells=cells,
        reasons=reasons,
        marks=marks,
        left_out=site.left_out,
        families=families(board),
        speeds=speeds(board),
    )
    site.put(path, page)


def _absence(model: ModelEntry, task: str, metric: str, number: Number | None) -> str:
    if number is not None:
        return show.missing_reason(number.row, number.task.failures)
    if task in model.tables:
        return f"the run did not measure {metric}"
    why = model.not_run.get(task)
    return f"not run: {why}" if why else "not run"
