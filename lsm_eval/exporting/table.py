"""Records as one table of numbers (CSV, RFC 4180): one row per number, with everything known about it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from lsm_eval.exporting.naming import model_id
from lsm_eval.results.names import shown_name
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow, TaskRow

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_parts(records: Sequence[Record]) -> Iterator[str]:
    """The table's lines, with the header first. Missing values are empty cells."""
    names: list[str] | None = None
    for record in records:
        tasks = record.tasks
        for row in record.estimates:
            cells = _cells(record, tasks[row.task], row)
            if names is None:
                names = list(cells)
                yield _line(names)
            yield _line([_cell(value) for value in cells.values()])


def _cells(record: Record, task: TaskRow, row: EstimateRow) -> dict[str, Any]:
    manifest, model = record.manifest, record.manifest.model
    work, cost, imported = manifest.work, manifest.cost, row.imported or {}
    return {
        "model": shown_name(model),
        "model_id": model_id(model),
        "fingerprint": model.fingerprint,
        "revision": model.revision,
        "dtype": model.dtype,
        "device": model.device,
        "parameters": model.parameters,
        "model_licence": model.licence,
        "adapter": model.details.get("adapter"),
        "quantisation": model.details.get("quantisation"),
        "engine": model.details.get("engine"),
        "run": manifest.run,
        "created": record.created.isoformat(),
        "lsm_eval": manifest.versions.get("lsm-eval"),
        "imported_from": manifest.imported.tool if manifest.imported else None,
        "seed": manifest.seed,
        "task": row.task,
        "task_version": task.own_version or row.task_version,
        "title": row.title,
        "area": row.area,
        "licence": task.licence,
        "dataset": task.dataset.name,
        "dataset_configs": ", ".join(task.dataset.configs) or None,
        "dataset_split": task.dataset.split,
        "dataset_revision": task.dataset.revision,
        "dataset_sha256": task.dataset.sha256,
        "pinned": task.dataset.pinned,
        "request": task.request,
        "shots": task.shots,
        "chat": task.chat,
        "limit": task.limit,
        "samples": task.samples,
        "cut_off": task.cut_off.samples if task.cut_off else None,
        "metric": row.metric,
        "unit": row.unit,
        "higher_is_better": row.higher_is_better,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "level": row.level,
        "stderr": row.stderr,
        "method": row.method,
        "n": row.n,
        "missing": row.missing,
        "ties": row.ties,
        "clusters": row.clusters,
        "imported_value": imported.get("value"),
        "imported_stderr": imported.get("stderr"),
        "metric_signature": row.metric_signature,
        "signature": row.signature,
        "run_seconds": work.seconds if work else None,
        "run_dollars": cost.dollars if cost else None,
    }


def _cell(value: Any) -> str:
    """Numbers in full precision; a text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
