"""The page that compares two models, which its address names: `compare.html?a=first&b=second`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lsm_eval.leaderboard.board import Board, ModelEntry
from lsm_eval.leaderboard.frame.page import Frame, NavEntry
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.versus.vectors import FOLDER, vectors_of
from lsm_eval.leaderboard.words import word
from lsm_eval.results.reader import Record

PATH = "compare.html"


def nav(board: Board) -> NavEntry | None:
    """The entry, if there are two models to compare."""
    return NavEntry(PATH, word("Compare")) if len(board.models) > 1 else None


def write(board: Board, frame: Frame, site: Site) -> None:
    """Write `compare.html`; its data is in pieces (`versus.vectors`)."""
    if nav(board) is None:
        return
    known = vectors_of(site)
    about = {
        "folder": FOLDER,
        "columns": known.columns,
        "models": [_model(board, model, site) for model in board.models],
        "answers": known.tasks,
        "folded": sorted(_folded(board)),
        "hashes": sorted(_hashes(board)),
    }
    site.put(PATH, frame.page("compare").render(PATH, models=board.models, about=about))


def _model(board: Board, model: ModelEntry, site: Site) -> dict[str, Any]:
    pages = [
        at for at, task in enumerate(board.task_slugs)
        if task in model.tables and site.shows(model.slug, task) and model.tables[task].has_samples(task)
    ]  # fmt: skip
    return {
        "slug": model.slug,
        "name": model.name,
        "record": site.place(_run(model)),
        # Positions of the tasks whose samples have a page; 1 if all have.
        "pages": 1 if len(pages) == len(board.task_slugs) else pages,
    }


def _run(model: ModelEntry) -> Record:
    """The run that gives most of the model's numbers, the newest of several; a profile only if there is no other run."""
    counts = Counter(id(number.record) for number in model.numbers.values())
    return max(model.runs, key=lambda run: (run.manifest.profile is None, counts[id(run)]))


def _hashes(board: Board) -> set[str]:
    """Tasks some of whose texts are replaced by their SHA-256, because a record withholds them or the licence requires it."""
    return set(board.unshown) | {
        task for model in board.models for task, record in model.tables.items() if record.tasks[task].redacted
    }


def _folded(board: Board) -> set[str]:
    """Tasks whose texts may be harmful according to any run. Early records do not say which tasks are sensitive."""
    return {
        task
        for model in board.models
        for task, record in model.tables.items()
        if (how := record.tasks[task]).sensitive or how.area == "safety"
    }
