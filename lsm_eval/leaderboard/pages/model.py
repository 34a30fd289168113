"""The page of each model."""

from __future__ import annotations

from typing import Any

from markupsafe import escape

from lsm_eval.leaderboard.board import Board, Key, ModelEntry, Number, area_order
from lsm_eval.leaderboard.frame.page import Frame
from lsm_eval.leaderboard.history.lines import group_by_name
from lsm_eval.leaderboard.model_view.areas import area_mean
from lsm_eval.leaderboard.model_view.command import is_call, shell_command
from lsm_eval.leaderboard.model_view.curves import profile_view
from lsm_eval.leaderboard.model_view.profile_notes import note_of
from lsm_eval.leaderboard.model_view.standing import BoardPeers
from lsm_eval.leaderboard.pages.history import slug_of
from lsm_eval.leaderboard.parallel import each
from lsm_eval.leaderboard.shared import marks_of
from lsm_eval.leaderboard.site import Site
from lsm_eval.profiling.cells import TASK as PROFILE
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow

_NAMESAKES = 5
_RUNS = 50
"""The most runs of a model that its page shows in full."""
_WHOLE = 3_000
"""Up to this number of tables on the board, models' pages say for every task how it was asked."""


def write(board: Board, frame: Frame, site: Site) -> None:
    """Write `models/<slug>.html`."""
    page = frame.page("model")
    peers = BoardPeers(board)
    compact = sum(len(model.tables) for model in board.models) > _WHOLE
    groups = {model.slug: group for group in group_by_name(board.models) for model in group.models}

    def make(model: ModelEntry) -> None:
        path = f"models/{model.slug}.html"
        history = f"../history/{slug_of(groups[model.slug])}.html"
        site.put(
            path,
            page.render(
                path, history=history, compact=compact, most_runs=_RUNS, **_values(board, model, peers)
            ),
        )

    each(board.models, make, site, pages=len(board.models) * len(board.task_slugs) // 20)


def _values(board: Board, model: ModelEntry, peers: BoardPeers) -> dict[str, Any]:
    tasks: dict[str, list[Number]] = {}
    for number in model.numbers.values():
        tasks.setdefault(number.row.task, []).append(number)
    # A task without any estimate still has a section, since it was run.
    areas: dict[str, list[str]] = {}
    for name in sorted(model.tables, key=lambda name: (area_order(_area(model, name)), name)):
        if not name.startswith(PROFILE):  # these are shown as curves
            areas.setdefault(_area(model, name), []).append(name)
        tasks.setdefault(name, [])
    pages = model.pages()
    shown = {id(run) for run in model.shown}
    sources: dict[str, list[Record]] = {task: [] for task in model.tables}
    for name, run, _ in pages:
        sources[name].append(run)
    first = _first_keys(model)
    rows: dict[str, list[EstimateRow]] = {area: [] for area in areas}
    for key in first:
        if not key[0].startswith(PROFILE):
            rows[_area(model, key[0])].append(model.numbers[key].row)
    means = [area_mean(area, own) for area, own in rows.items()]
    standings = [] if model.no_model else peers.standings(model, [key for key in first if not key[0].startswith(PROFILE)])  # fmt: skip
    profiles = [run for run in model.runs if run.manifest.profile is not None]
    return {
        "model": model,
        "tasks": tasks,
        "areas": areas,
        "means": [mean for mean in means if mean is not None],
        "apart_in": lambda mean: sum(
            bool(model.numbers[key].mark or marks_of(model.numbers[key].record, key[0]))
            for key in first
            if key[0] in mean.tasks
        ),
        "standings": standings,
        "profiles": [(run, profile_view(run.manifest.profile)) for run in profiles if run.manifest.profile],
        # The whole command, however long: a part of it would not run. It contains no invisible characters.
        "command_of": lambda words: escape(shell_command(words)),
        "is_call": is_call,
        "note_of": note_of,
        "stands": lambda run: id(run) in shown,
        "sources": sources,
        "page_of": lambda task, record: next(
            f"{board.task_slugs[task]}{page}.html"
            for name, run, page in pages
            if name == task and run is record
        ),
        "namesakes": _namesakes(board, model),
    }


def _first_keys(model: ModelEntry) -> list[Key]:
    """The first metric of each task that has a number."""
    found: dict[str, Key] = {}
    for key in model.numbers:
        found.setdefault(key[0], key)
    return list(found.values())


def _namesakes(board: Board, model: ModelEntry) -> list[ModelEntry]:
    """Rows under another name with the same weights, run in the same way."""
    own = model.runs[0].manifest.model.fingerprint
    others = (other for other in board.models if other is not model)
    return [other for other in others if other.runs[0].manifest.model.fingerprint == own][:_NAMESAKES]


def _area(model: ModelEntry, task: str) -> str:
    return model.tables[task].tasks[task].area
