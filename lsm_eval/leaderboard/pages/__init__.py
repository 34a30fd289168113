"""The kinds of pages. Each is a module here, a template `templates/<kind>.html.j2` and, where it needs them, a script and styles
`assets/<kind>.js` and `.css`.

A module has `write(board, frame, site)`, which makes all pages of its kind, and may have `nav(board)`: the entry of every
page's header that links to it, or None if this board has no such page.
"""

from __future__ import annotations

from types import ModuleType
from typing import Protocol, cast

from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.frame.page import Frame, NavEntry
from lsm_eval.leaderboard.pages import compare, cost, front, history, model, samples, task
from lsm_eval.leaderboard.site import Site


class Kind(Protocol):
    """A module of this package."""

    def write(self, board: Board, frame: Frame, site: Site) -> None:
        """Make all pages of the kind and add them to the site."""
        ...


_MODULES: tuple[ModuleType, ...] = (front, cost, compare, model, task, samples, history)
"""In the order of the header's entries, one line per kind."""

KINDS: tuple[Kind, ...] = tuple(cast(Kind, module) for module in _MODULES)

ALONE: tuple[Kind, ...] = tuple(cast(Kind, module) for module in (front, cost, compare, history))
"""Kinds whose pages are made in a single process."""


def navigation(board: Board) -> list[NavEntry]:
    """The entries of the header."""
    found = [module.nav(board) for module in _MODULES if hasattr(module, "nav")]
    return [entry for entry in found if entry is not None]
