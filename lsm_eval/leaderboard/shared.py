"""Functions for all templates about numbers, tasks and runs."""

from __future__ import annotations

from typing import Any

from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.board import AREAS, Board, Number
from lsm_eval.leaderboard.precedence import departures, extent, limited, part
from lsm_eval.leaderboard.site import Site
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import Manifest
from lsm_eval.results.summary import work_summary


def shared(board: Board, site: Site) -> dict[str, Any]:
    """Names that every template may use."""
    return {
        "board": board,
        "areas_with_words": AREAS,
        "shows": site.shows,
        "number_title": number_title,
        "marks_of": marks_of,
        "extent": extent,
        "departures": departures,
        "work": _work,
    }


def marks_of(record: Record, task: str) -> list[str]:
    """Notes that a reader must see beside a number: that it covers a part of the samples only, or has other settings."""
    how = record.tasks[task]
    return [*([part(how)] if limited(how) else []), *departures(record, task)]


def _work(manifest: Manifest) -> dict[str, str]:
    """What a run did, without its phases, which are shown separately."""
    return {name: text for name, text in work_summary(manifest).items() if name != "time"}


def number_title(number: Number) -> str:
    """A number in words, for a tooltip."""
    row = number.row
    parts = [f"{row.metric} {show.value(row.value, row.unit)} ({show.direction(row.higher_is_better)})"]
    if show.interval(row):
        parts.append(f"{show.level(row)} interval {show.interval(row)}, {row.method}")
    parts.append(f"{'unknown' if row.n is None else row.n} samples, {row.missing} missing, {row.ties} ties")
    if row.clusters is not None:
        parts.append(f"{row.clusters} clusters")
    parts += [how for how in (extent(number.task), ", ".join(number.departures)) if how]
    if number.others:
        parts.append(f"{show.plural(len(number.others), 'other run', 'other runs')} on the model's page")
    if number.why:
        parts.append(number.why)
    return "; ".join(parts)
