"""Small records on disk, following `lsm_eval.results.schema` to the letter."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lsm_eval.results.names import folder_name
from lsm_eval.results.schema import SAMPLE_COLUMNS, SCHEMA_VERSION

Json = dict[str, Any]

_TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "list<string>": pa.list_(pa.string()),
    "list<double>": pa.list_(pa.float64()),
    "list<int64>": pa.list_(pa.int64()),
    "list<bool>": pa.list_(pa.bool_()),
}


def estimate(task: str, metric: str = "accuracy", value: float | None = 0.5, **other: Any) -> Json:
    """One row of estimates.json, for the model with fingerprint `f`."""
    spread = None if value is None else 0.05 * max(abs(value), 0.01)
    row: Json = {
        "task": task, "task_version": 1, "title": f"The task {task}", "area": "accuracy", "metric": metric,
        "unit": "fraction", "higher_is_better": True, "value": value,
        "low": None if value is None or spread is None else value - spread,
        "high": None if value is None or spread is None else value + spread,
        "stderr": None if spread is None else spread / 1.96, "method": "wilson", "level": 0.95, "n": 200,
        "missing": 0, "ties": 0, "clusters": None, "metric_signature": f"{metric}|version:1",
        "signature": f"{task}:v1 data:abababababababab n:200 shots:0 chat:off metric:{metric}|version:1 lsm-eval:0 model:{'f' * 16}",
    }  # fmt: skip
    return {**row, **other}


def task(name: str, area: str = "accuracy", **other: Any) -> Json:
    """One row of the manifest's tasks."""
    row: Json = {
        "task": name, "version": 1, "title": f"The task {name}", "area": area, "licence": "MIT",
        "source": "A paper, 2024", "description": f"What {name} asks.", "departures": ["It differs so."],
        "references": [{"model": "some model", "metric": "accuracy", "value": 0.4, "source": "its card"}],
        "dataset": {
            "source": "mirror", "name": f"org/{name}", "configs": ["default"], "split": "test",
            "revision": "0123abc", "rows": 200, "sha256": "ab" * 32, "pinned": True,
        },
        "request": "score", "shots": 0, "sampler": "first", "chat": False, "limit": None, "samples": 200,
    }  # fmt: skip
    return {**row, **other}


def sample(name: str, index: int, **other: Any) -> Json:
    """One row of a sample table: a scored sample that picks its right choice."""
    row: Json = {
        "task": name, "sample": f"s{index}", "index": index, "cluster": None, "request": "score",
        "prompt": f"Q: question {index}?\nA:", "choices": ["yes", "no"], "continuations": [" yes", " no"],
        "logprobs": [-1.25, -2.5], "tokens": [1, 1], "greedy": [True, False], "completion": None,
        "finish": None, "truncated": 0, "target": ["0"], "metadata": "{}", "failure": None,
        "failure_detail": None, "score.accuracy": 1.0, "stats.accuracy": [1.0],
    }  # fmt: skip
    return {**row, **other}


def generated(
    name: str, index: int, prompt: str, completion: str, target: Sequence[str], **other: Any
) -> Json:
    """One row of a sample table: a generated sample."""
    fields: Json = {
        "request": "generate", "prompt": prompt, "choices": [], "continuations": [], "logprobs": [],
        "tokens": [7], "greedy": [], "completion": completion, "finish": "stop", "target": list(target),
    }  # fmt: skip
    return sample(name, index, **{**fields, **other})


def write_record(
    folder: Path,
    model: str,
    estimates: Sequence[Json],
    *,
    tasks: Sequence[Json] | None = None,
    samples: Sequence[Json] = (),
    created: str = "2025-01-02T03:04:05+00:00",
    model_fields: Json | None = None,
    **manifest: Any,
) -> Path:
    """Write one record; tasks default to those of the estimates, and counts of 200 become those of the samples where there are
    any. Returns its folder."""
    if tasks is None:
        areas = {row["task"]: row["area"] for row in estimates}
        tasks = [task(name, area) for name, area in areas.items()]
    counts = Counter(row["task"] for row in samples)
    tasks, estimates = [_counted(row, counts) for row in tasks], [_counted(row, counts) for row in estimates]
    fingerprint = (model_fields or {}).get("fingerprint", "f" * 64)
    for row in estimates:
        row["signature"] = row["signature"].replace(f"model:{'f' * 16}", f"model:{fingerprint[:16]}")
    written = sum(sum(row["tokens"] or ()) for row in samples if row["request"] == "generate")
    content: Json = {
        "schema_version": SCHEMA_VERSION, "run": folder.name, "created": created,
        "command": ["lsm-eval", "run", "--tasks", "core", "--model", model], "seed": 7,
        "model": {"name": model, "fingerprint": "f" * 64, **(model_fields or {})}, "tasks": list(tasks),
        "versions": {"python": "3.11.9", "torch": "2.5.0"}, "hardware": {"cpu": "a CPU", "cores": 2},
        "phases": [{"name": "load", "seconds": 1.5}, {"name": "score", "seconds": 12.25}],
        "requests": {"asked": 10, "unique": 9, "from_store": 0, "computed": 9, "failed": 0},
        "tokens": {"asked": 1000, "generated": written}, "settings": {"limit": None, "offline": True},
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({**content, **manifest}), encoding="utf-8")
    (folder / "estimates.json").write_text(json.dumps(list(estimates)), encoding="utf-8")
    by_task: dict[str, list[Json]] = {}
    for row in samples:
        by_task.setdefault(row["task"], []).append(row)
    for name, rows in by_task.items():
        write_samples(folder / "samples" / f"{folder_name(name)}.parquet", rows)
    return folder


def _counted(row: Json, counts: Counter[str]) -> Json:
    """A task's or an estimate's row of so many samples as there are."""
    count = counts[row["task"]]
    if not count:
        return dict(row)
    if "samples" in row:
        return {**row, "samples": count if row["samples"] == 200 else row["samples"]}
    signature = row["signature"].replace(" n:200 ", f" n:{count} ")
    return {**row, "n": count if row["n"] == 200 else row["n"], "signature": signature}


def write_samples(path: Path, rows: Sequence[Json]) -> None:
    """Write one sample table."""
    fields = [(name, _TYPES[text.split(":")[0].split(" ")[0]]) for name, text in SAMPLE_COLUMNS.items()]
    for name in rows[0]:
        if name.startswith("score.") or name in ("seconds", "weight"):
            fields.append((name, pa.float64()))
        elif name.startswith("stats."):
            fields.append((name, pa.list_(pa.float64())))
        elif name in ("asked", "thoughts", "further", "judgements"):
            fields.append((name, pa.string()))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=pa.schema(fields)), path)
