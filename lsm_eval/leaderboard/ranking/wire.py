"""Where the ranks come into the site: made before the pages, together with the pieces of scores that the same reading gives."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from lsm_eval.leaderboard.collect import Board
from lsm_eval.leaderboard.ranking.board import Ranking, rank_board
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.versus.vectors import Collector

_RANKINGS: WeakKeyDictionary[Site, Ranking] = WeakKeyDictionary()


def with_ranks(board: Board, site: Site) -> Board:
    """The board with its ranks."""
    collector = Collector(board, site) if len(board.models) > 1 else None
    made = rank_board(board, seen=None if collector is None else collector.take)
    if collector is not None:
        collector.finish()
    _RANKINGS[site] = made
    return board


def ranking_of(site: Site) -> Ranking:
    """The ranks of the board that the site shows; none where nobody made them."""
    return _RANKINGS.get(site, Ranking())
