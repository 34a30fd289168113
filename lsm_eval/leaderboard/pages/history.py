"""The page of each name's numbers over its runs, and what changed between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.charts import Chart, Datum, chart
from lsm_eval.leaderboard.frame.page import Frame
from lsm_eval.leaderboard.history.lines import NameGroup, Point, compares, group_by_name, lines
from lsm_eval.leaderboard.site import Site
from lsm_eval.profiling.cells import TASK as PROFILE

_TICKS = 6


def write(board: Board, frame: Frame, site: Site) -> None:
    """Write `history/<slug>.html` for each name of one or more rows of the board."""
    page = frame.page("history")
    for group in group_by_name(board.models):
        path = f"history/{slug_of(group)}.html"
        site.put(path, page.render(path, **_values(group)))


def slug_of(group: NameGroup) -> str:
    """The page's file name is the slug of the first row."""
    return group.models[0].slug


def _values(group: NameGroup) -> dict[str, Any]:
    found = [line for line in lines(group) if not line.key[0].startswith(PROFILE)]
    several = [line for line in found if len(line.points) > 1]
    return {
        "group": group,
        "lines": [(line, _drawn(line.measured)) for line in several],
        "once": sorted({line.key[0] for line in found if len(line.points) == 1} - {line.key[0] for line in several}),
        "rows": {model.slug: place + 1 for place, model in enumerate(group.models)},
    }  # fmt: skip


def _drawn(points: Sequence[Point]) -> Chart | None:
    """Runs are spaced evenly in order of time, since the days between them say nothing about the numbers."""
    if len(points) < 2:
        return None
    every = max(1, -(-len(points) // _TICKS))
    ticks = [(float(at), f"{point.when:%Y-%m-%d}") for at, point in enumerate(points) if at % every == 0]
    scale = 100.0 if points[0].row.unit == "fraction" else 1.0
    # A run without a number is not drawn; its changes are shown between its neighbours.
    breaks = [bool(at) and not compares(points[at - 1], point) for at, point in enumerate(points)]
    data = [
        Datum(
            float(at),
            scale * float(point.row.value or 0.0),
            None if point.row.low is None else scale * point.row.low,
            None if point.row.high is None else scale * point.row.high,
            broken=breaks[at],
            text="" if len(points) > 12 else show.value(point.row.value, point.row.unit),
        )
        for at, point in enumerate(points)
    ]
    return chart([data], x_ticks=ticks)
