"""The table in the form that the page's script reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsm_eval.leaderboard.board import ModelEntry
from lsm_eval.leaderboard.table.cell import Cell, TableColumn, shown
from lsm_eval.leaderboard.table.ranks import ColumnRanks
from lsm_eval.leaderboard.table.rows import Row

Json = dict[str, Any]


def row_data(models: Sequence[ModelEntry], rows: Sequence[Row]) -> Json:
    """Lists by the model's position: names, addresses, and values to filter by."""
    first = [model.runs[0].manifest.model for model in models]
    return {
        "name": [model.name for model in models],
        "short": [row.short for row in rows],
        "slug": [model.slug for model in models],
        "none": [place for place, model in enumerate(models) if model.no_model],
        "size": [row.parameters for row in rows],
        "licence": coded([row.licence for row in rows]),
        "backend": coded([row.backend for row in rows]),
        "date": [row.date for row in rows],
        "dtype": coded([one.dtype or "" for one in first]),
        "runs": [len(model.runs) for model in models],
        "behind": [model.behind for model in models],
        "out": {place: sorted(model.not_run) for place, model in enumerate(models) if model.not_run},
        "prints": {
            place: len(own) for place, model in enumerate(models) if len(own := model.fingerprints) > 1
        },
    }


def coded(texts: Sequence[str]) -> Json:
    """Encodes texts with many repetitions: each distinct text once, and its index for each position."""
    words = sorted(set(texts))
    places = {word: place for place, word in enumerate(words)}
    return {"words": words, "at": [places[text] for text in texts]}


def column_data(column: TableColumn, models: int, ranks: Mapping[str, ColumnRanks]) -> Json:
    """A column with its cells, in lists by the model's position. Numbers are rounded as the table shows them, so that a saved file has what
    was seen. `n` is a single number if all are equal."""
    cells = [column.cells.get(place) for place in range(models)]
    digits = column.digits

    def number(value: float | None) -> float | int | str | None:
        if value is None or value != value:
            return None
        text = shown(value, column.unit)
        if digits is None or "∞" in text:
            return text
        return int(text) if digits == 0 else float(text)

    counts = {cell.n for cell in cells if cell is not None}
    data: Json = {
        "id": column.id,
        "group": column.group,
        "label": column.label,
        "sub": column.sub,
        "unit": column.unit,
        "digits": digits,
        "higher": column.higher,
        "about": column.about,
        "anchor": column.anchor,
        "v": [None if cell is None else cell.text or number(cell.interval.value) for cell in cells],
        "n": counts.pop() if len(counts) == 1 else [None if cell is None else cell.n for cell in cells],
        "x": {place: more for place, cell in enumerate(cells) if cell is not None and (more := _more(cell))},
    }
    if any(cell is not None and not cell.text and cell.interval.low is not None for cell in cells):
        data["lo"] = [None if cell is None else number(cell.interval.low) for cell in cells]
        data["hi"] = [None if cell is None else number(cell.interval.high) for cell in cells]
    if column.id in ranks:
        own = ranks[column.id]
        data["ranks"] = {"low": own.low, "high": own.high, "told": own.told, "pairs": own.pairs}
    return data


def _more(cell: Cell) -> Json:
    """Values that only few cells have."""
    found: Json = {
        "missing": share(cell.missing, cell.asked),
        "cut": share(cell.cut, cell.answered),
        "mark": cell.mark,
        "why": cell.why,
        "part": cell.part,
        "notes": list(cell.notes),
    }
    return {name: thing for name, thing in found.items() if thing}


def share(count: int, whole: int) -> str:
    """A share in percent, never shown as 0 if it is above 0; empty if it is 0."""
    if not count or not whole:
        return ""
    percent = 100 * count / whole
    return "<0.1%" if percent < 0.1 else f"{percent:.1f}%"
