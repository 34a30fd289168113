"""The pages of samples, one for each model, task and run that gives a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lsm_eval.leaderboard.board import Board, ModelEntry
from lsm_eval.leaderboard.frame.page import Frame, Page
from lsm_eval.leaderboard.frame.safe import in_parts
from lsm_eval.leaderboard.outcomes.fields import Fields, fields_of, first_row, sample_metric
from lsm_eval.leaderboard.outcomes.flags import OtherOutcomes, counts, flags, letters, others
from lsm_eval.leaderboard.outcomes.outcome import answered, columns, graded
from lsm_eval.leaderboard.parallel import each
from lsm_eval.leaderboard.sample_pieces import INDEX_INLINE, Shown, portions, starts
from lsm_eval.leaderboard.samples import TEXT_LIMIT, sample_view
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.words import word
from lsm_eval.results.reader import Record
from lsm_eval.results.redaction import redact_row
from lsm_eval.results.schema import EstimateRow

FLAGS = {
    "wrong": word("wrong"),
    "missing": word("missing"),
    "truncated": word("truncated"),
    "disagrees": word("unlike most other models"),
    "slow": word("slow"),
}
"""Names of the filters: as in the address, and as the reader sees them."""

_SECONDS = ("seconds", "latency")
"""Columns with the time that an answer took, in seconds."""

_LINKED = 200
"""The most pieces of data that a page links to for readers without scripts."""


def write(board: Board, frame: Frame, site: Site) -> None:
    """Write `samples/<model>/<task>.html`, `<task>.2.html` … for other runs, and pieces of data for tasks with many samples."""
    page = frame.page("samples")
    fields = fields_of(board, site)
    tables: dict[str, list[tuple[ModelEntry, Record, str]]] = {}
    for model in board.models:
        for task, record, suffix in model.pages():
            if site.shows(model.slug, task) and record.has_samples(task):
                tables.setdefault(task, []).append((model, record, suffix))

    def make(task: str) -> None:
        for model, record, suffix in tables[task]:
            with site.showing(record, record.sample_file(task)):
                path = f"samples/{model.slug}/{board.task_slugs[task]}{suffix}"
                _write(path, page, site, fields, model, task, record, unshown=task in board.unshown)

    each([*tables], make, site, pages=4 * sum(map(len, tables.values())))


def _write(
    path: str,
    page: Page,
    site: Site,
    fields: Fields,
    model: ModelEntry,
    task: str,
    record: Record,
    *,
    unshown: bool,
) -> None:
    how = record.tasks[task]
    row = first_row(record, task)
    total, found, among = _index(fields, model, record, task, row, site.options.samples)
    count = len(found)
    closed = how.redacted or unshown
    rows = portions(_shown(record, task, count, found, among, hidden=unshown and not how.redacted))
    first = next(rows)
    places: list[str] = []
    lengths = [len(first)]
    for portion in rows:
        places.append(
            site.piece_of(f"{path}.p{len(lengths)}.js", f"[{','.join(one.json for one in portion)}]")
        )
        lengths.append(len(portion))
    index = letters(found)
    pieces = list(zip(places, starts(lengths)[1:], strict=True))
    site.put(
        f"{path}.html",
        page.render(
            f"{path}.html",
            model=model,
            task=how,
            record=record,
            table=site.place(record, record.sample_file(task)),
            total=total,
            count=count,
            first=first,
            counts=counts(found),
            flags=FLAGS,
            graded=row is not None and graded(row),
            pieces=pieces,
            most_linked=_LINKED,
            about={
                "n": count,
                # Very long samples need thousands of pieces, so their names follow from their positions.
                "piece": f"{path}.p",
                "starts": [start for _, start in pieces],
                "index": index if count <= INDEX_INLINE else None,
                "indexed": site.piece(f"{path}.index.js", in_parts(index)) if count > INDEX_INLINE else None,
                "folded": _folded(how.sensitive, how.area),
                "redacted": closed,
            },
            text_limit=TEXT_LIMIT,
            closed=closed,
            folded=_folded(how.sensitive, how.area),
        ),
    )


def _folded(sensitive: bool, area: str) -> bool:
    # Early records do not say which tasks are sensitive.
    return sensitive or area == "safety"


def _index(
    fields: Fields, model: ModelEntry, record: Record, task: str, row: EstimateRow | None, most: int
) -> tuple[int, Any, OtherOutcomes | None]:
    """The number of samples, flags of the first `most`, and the outcomes of other models on them. `row`: the task's first metric."""
    metric = sample_metric(row, record) if row is not None and graded(row) else None
    wanted = ["sample", "failure", "truncated", "finish", *_SECONDS]
    whole = record.samples(task, [*wanted, *(columns(metric)[1:] if metric is not None else ())])
    table = whole.select([name for name in wanted if name in whole.column_names]).slice(0, most)
    count = table.num_rows
    column = {name: table[name].to_pylist() for name in table.column_names}
    own = None if row is None or metric is None else answered(whole, row, metric)
    if own is not None:
        own = own.first(count)
    among = None
    if own is not None and count:
        ids = [one or "" for one in column["sample"]]
        among = others(fields.of(task).field, model.slug, ids, own.asked.to_pylist())
    none = [None] * count
    seconds = next((column[name] for name in _SECONDS if name in column), none)
    found = flags(
        own,
        among,
        [one is not None for one in column["failure"]],
        [
            bool(cut) or ended == "length"
            for cut, ended in zip(column["truncated"], column["finish"], strict=True)
        ],
        seconds,
    )
    return whole.num_rows, found, among


def _shown(
    record: Record, task: str, count: int, found: Any, among: OtherOutcomes | None, *, hidden: bool
) -> Iterator[Shown]:
    at = 0
    for batch in record.sample_batches(task, count):
        for row in batch:
            right, answered = (0, 0) if among is None else (int(among.right[at]), int(among.answered[at]))
            seconds = next((row[name] for name in _SECONDS if row.get(name) is not None), None)
            known = None if seconds is None or np.isnan(seconds) else float(seconds)
            yield Shown(
                sample_view(redact_row(row) if hidden else row), int(found[at]), right, answered, known
            )
            at += 1
