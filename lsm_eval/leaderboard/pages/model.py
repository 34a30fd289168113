"""The page of each model."""

from __future__ import annotations

from typing import Any

from lsm_eval.leaderboard.collect import Board, ModelEntry, Number, area_order
from lsm_eval.leaderboard.frame.page import Frame
from lsm_eval.leaderboard.site import Site

_NAMESAKES = 5


def write(board: Board, frame: Frame, site: Site) -> None:
    """`models/<slug>.html`."""
    page = frame.page("model")
    for model in board.models:
        path = f"models/{model.slug}.html"
        site.put(path, page.render(path, **_values(board, model)))


def _values(board: Board, model: ModelEntry) -> dict[str, Any]:
    tasks: dict[str, list[Number]] = {}
    for number in model.numbers.values():
        tasks.setdefault(number.row.task, []).append(number)
    # A task whose metrics all went missing from the estimates still has a section: it was run.
    areas: dict[str, list[str]] = {}
    for name in sorted(model.tables, key=lambda name: (area_order(_area(model, name)), name)):
        areas.setdefault(_area(model, name), []).append(name)
        tasks.setdefault(name, [])
    pages = model.pages()
    return {
        "model": model,
        "tasks": tasks,
        "areas": areas,
        "sources": {task: [run for name, run, _ in pages if name == task] for task in model.tables},
        "page_of": lambda task, record: next(
            f"{board.task_slugs[task]}{page}.html"
            for name, run, page in pages
            if name == task and run is record
        ),
        "namesakes": _namesakes(board, model),
    }


def _namesakes(board: Board, model: ModelEntry) -> list[ModelEntry]:
    """Rows of the same weights, run in the same way, under another name."""
    own = model.runs[0].manifest.model.fingerprint
    others = (other for other in board.models if other is not model)
    return [other for other in others if other.runs[0].manifest.model.fingerprint == own][:_NAMESAKES]


def _area(model: ModelEntry, task: str) -> str:
    return model.tables[task].tasks[task].area
