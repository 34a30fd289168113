"""The pages of samples: of each model, task and run that a number is of."""

from __future__ import annotations

from typing import Any

from lsm_eval.leaderboard.collect import Board, ModelEntry
from lsm_eval.leaderboard.frame.page import Frame
from lsm_eval.leaderboard.samples import TEXT_LIMIT, sample_view
from lsm_eval.leaderboard.site import Site
from lsm_eval.results.reader import Record


def write(board: Board, frame: Frame, site: Site) -> None:
    """`samples/<model>/<task>.html`, and `<task>.2.html` … of further runs."""
    page = frame.page("samples")
    for model in board.models:
        for task, record, suffix in model.pages():
            if not record.has_samples(task):
                continue
            path = f"samples/{model.slug}/{board.task_slugs[task]}{suffix}.html"
            with site.showing(record, record.sample_file(task)):
                site.put(path, page.render(path, **_values(model, task, record, site)))


def _values(model: ModelEntry, task: str, record: Record, site: Site) -> dict[str, Any]:
    how = record.tasks[task]
    return {
        "model": model,
        "task": how,
        "record": record,
        "table": site.place(record, record.sample_file(task)),
        "total": record.sample_count(task),
        "rows": [sample_view(row) for row in record.sample_rows(task, site.options.samples)],
        "text_limit": TEXT_LIMIT,
        # Early records do not say which tasks are sensitive.
        "folded": how.sensitive or how.area == "safety",
    }
