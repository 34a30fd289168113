"""Adds the ranks to the site. They are computed before the pages, together with the pieces of scores, which need the same tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from weakref import WeakKeyDictionary

from lsm_eval.leaderboard.board import Board, Column, ModelEntry
from lsm_eval.leaderboard.ranking.board import Ranking, rank_board
from lsm_eval.leaderboard.ranking.columns import ColumnRanking
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.table.means import averaged
from lsm_eval.leaderboard.table.ranks import ColumnRanks
from lsm_eval.leaderboard.table.suites import known_suites
from lsm_eval.leaderboard.versus.vectors import Collector

_RANKINGS: WeakKeyDictionary[Site, dict[str, ColumnRanking]] = WeakKeyDictionary()


def with_ranks(board: Board, site: Site) -> Board:
    """The board with its ranks; the pieces of scores are written in the same pass. A board of one model has neither."""
    if len(board.models) < 2:
        return board
    collector = Collector(board, site)
    made = rank_board(
        board, mean_columns(board, site.options.include), digest=collector.digest, keep=collector.keep
    )
    collector.finish()
    _RANKINGS[site] = by_id(made)
    shown = {name: _shown(board.models, own) for name, own in _RANKINGS[site].items() if own.top}
    return replace(board, ranks=shown)


def rankings_of(site: Site) -> dict[str, ColumnRanking]:
    """The ranks by the id of the column on the front page; empty if none were computed."""
    return _RANKINGS.get(site, {})


def mean_columns(board: Board, include: Sequence[Path] = ()) -> dict[str, list[Column]]:
    """The tasks of each area's and suite's mean, by the id of its column. `include`: folders with more suites."""
    found = {f"area:{area}": averaged(own) for area, own in board.areas}
    every = averaged(board.columns)
    for name, tasks in known_suites(include).items():
        found[f"suite:{name}"] = [column for column in every if column.row.task in set(tasks)]
    return {name: columns for name, columns in found.items() if columns}


def by_id(made: Ranking) -> dict[str, ColumnRanking]:
    """The ranks by the id of the column on the front page."""
    return {f"task:{task}:{metric}": own for (task, metric), own in made.columns.items()} | made.means


def _shown(models: Sequence[ModelEntry], own: ColumnRanking) -> ColumnRanks:
    # Numbers that are not comparable with most of the column get no rank beside the others.
    places = [own.places.get(model.slug) for model in models]
    unmarked = [None if place is None or place.mark else place for place in places]
    return ColumnRanks(
        low=tuple(0 if place is None else place.low for place in unmarked),
        high=tuple(0 if place is None else place.high for place in unmarked),
        told=own.told,
        pairs=own.neighbours,
        level=own.level,
    )
