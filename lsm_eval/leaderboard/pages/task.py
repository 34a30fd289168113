"""The page of each task: what it measures, all numbers of all models, and how models agree on its samples."""

from __future__ import annotations

from lsm_eval.folders.own_code import metrics_beside
from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.frame.page import Frame
from lsm_eval.leaderboard.outcomes.fields import fields_of
from lsm_eval.leaderboard.parallel import each
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.task_view import DIRECTIONS, newest_numbers, published, task_view


def write(board: Board, frame: Frame, site: Site) -> None:
    """Write `tasks/<task>.html`."""
    page = frame.page("task")
    fields = fields_of(board, site)
    newest = newest_numbers(board)
    described = metrics_beside(site.options.include)[0]

    def make(name: str) -> None:
        slug = board.task_slugs[name]
        path = f"tasks/{slug}.html"
        view = task_view(board, name, fields.of(name), site.options.samples, newest, described)
        site.put(path, page.render(path, view=view, slug=slug, published=published, directions=DIRECTIONS))

    each([*board.task_slugs], make, site, pages=len(board.task_slugs) * len(board.models) // 20)
