"""A record as evaluation results of a model's repository on the hub: `.eval_results/TASK.yaml`.

https://huggingface.co/docs/hub/eval-results: one value per benchmark, for tasks whose data set is on the hub.
"""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.exporting.files import check_folder, write_text
from lsm_eval.exporting.naming import component
from lsm_eval.exporting.options import ExportOptions
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow, TaskRow

FOLDER = ".eval_results"


def export_hub(record: Record, out: Path, options: ExportOptions) -> tuple[list[Path], list[str]]:
    """Write one file per task into `.eval_results` in the folder `out`; returns them, and notes on what they lack.

    Raises `UserError` if no task has both a data set on the hub and a value.
    """
    import yaml

    check_folder(out)
    _check_ids(record, options)
    written: list[Path] = []
    notes: list[str] = []
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for task in record.manifest.tasks:
        row = next((row for row in record.estimates if row.task == task.task), None)
        if task.dataset.source not in ("hub", "mirror"):
            notes.append(f"{task.task}: its data is no data set of the hub: left out.")
        elif row is None or row.value is None or not math.isfinite(row.value):
            notes.append(f"{task.task}: it has no value: left out.")
        else:
            entry = _entry(record, task, row, options)
            places[entry["dataset"]["id"], entry["dataset"]["task_id"]].append(task.task)
            path, more = out / FOLDER / f"{component(task.task)}.yaml", 2
            while path in written:
                path, more = out / FOLDER / f"{component(task.task)}_{more}.yaml", more + 1
            write_text(path, [yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=1_000)])
            written.append(path)
    if not written:
        raise UserError(
            f"{record.folder} has nothing for the hub: none of its tasks has both data of the hub and a value."
        )
    for (dataset, own), tasks in places.items():
        if len(tasks) > 1:
            notes.append(
                f"{', '.join(tasks)} go to the same place of {dataset} (task_id {own}): keep one, or name others with --task-id."
            )
    return written, notes


def _check_ids(record: Record, options: ExportOptions) -> None:
    unknown = [name for name in options.task_ids if name not in record.tasks]
    if unknown:
        raise UserError(f"--task-id names {unknown[0]!r}, which {record.folder} has no task of.")


def _entry(record: Record, task: TaskRow, row: EstimateRow, options: ExportOptions) -> dict[str, Any]:
    data = task.dataset
    entry: dict[str, Any] = {
        "dataset": {
            "id": data.name,
            # The task's id in its benchmark's eval.yaml, which is usually the configuration.
            "task_id": options.task_ids.get(
                task.task, data.configs[0] if len(data.configs) == 1 else "default"
            ),
            **({"revision": data.revision} if data.revision else {}),
        },
        "value": _shown(row, row.value),
        "date": record.created.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    if options.source_url:
        entry["source"] = {"url": options.source_url, "name": options.organisation or "lsm-eval"}
    entry["notes"] = _notes(record, task, row)
    return entry


def _shown(row: EstimateRow, value: float | None) -> float | None:
    """The value as boards of the hub show it: fractions in percent."""
    return value if value is None or row.unit != "fraction" else 100 * value


def _notes(record: Record, task: TaskRow, row: EstimateRow) -> str:
    notes = [f"{row.metric}{' in percent' if row.unit == 'fraction' else f' ({row.unit})'}"]
    low, high = _shown(row, row.low), _shown(row, row.high)
    if low is not None and high is not None:
        notes.append(f"{100 * row.level:g} % interval {low:.4g} to {high:.4g}")
    if row.n is not None:
        notes.append(f"n {row.n}")
    if row.missing:
        notes.append(f"{row.missing} missing")
    if task.limit is not None:
        notes.append(f"not the whole data set: limit {task.limit}")
    if task.chosen is not None:
        notes.append("not the whole data set: samples chosen by name")
    if task.shots is not None:
        notes.append(f"{task.shots} shots")
    if task.chat is not None:
        notes.append("chat template" if task.chat else "no chat template")
    if record.manifest.model.dtype:
        notes.append(record.manifest.model.dtype)
    if (adapter := record.manifest.model.details.get("adapter")) is not None:
        notes.append(f"with the adapter {adapter}")
    imported = record.manifest.imported
    tool = imported.tool if imported else "lsm-eval"
    version = imported.version if imported else record.manifest.versions.get("lsm-eval")
    notes.append(f"{tool} {version or ''}".strip())
    return "; ".join(notes)
