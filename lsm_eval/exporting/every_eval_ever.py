"""Records in Every Eval Ever's format, schema 0.3.0 (evalevalai.com): one `.json` per task with the numbers, samples beside it.

The files have the layout of its data store: `data/TASK/ORGANISATION/MODEL/UUID.json` and `UUID_samples.jsonl`.
"""

from __future__ import annotations

import hashlib
import json
import math
import shlex
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsm_eval.exporting.every_eval_ever_samples import SCHEMA, instance
from lsm_eval.exporting.files import check_folder, json_file, json_line, write_text
from lsm_eval.exporting.generation_settings import given_settings
from lsm_eval.exporting.naming import component, model_id
from lsm_eval.exporting.options import ExportOptions
from lsm_eval.exporting.samples import sample_rows
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow, Manifest, TaskRow

_UNITS = {"fraction": "proportion", "points": "points"}
_ENDLESS = ("-Infinity", "Infinity")


def export_every_eval_ever(record: Record, out: Path, options: ExportOptions) -> tuple[list[Path], list[str]]:
    """Write the files under `out`; returns them, and notes on what they lack. Raises `UserError`."""
    check_folder(out)
    written: list[Path] = []
    notes: list[str] = []
    for task in record.manifest.tasks:
        rows = [row for row in record.estimates if row.task == task.task]
        valued = [row for row in rows if row.value is not None and math.isfinite(row.value)]
        if len(valued) < len(rows):
            lost = ", ".join(row.metric for row in rows if row not in valued)
            notes.append(f"{task.task}: no value of {lost}, which the format has no form for: left out.")
        if valued:
            written += _write(record, task, valued, out, options)
    return written, notes


def _write(
    record: Record, task: TaskRow, rows: list[EstimateRow], out: Path, options: ExportOptions
) -> list[Path]:
    name = model_id(record.manifest.model, options.model_id)
    developer, _, model = name.partition("/")
    place = Path("data", component(task.task), component(developer), component(model))
    own = _uuid(record, task.task, name)
    moment = repr(record.created.timestamp())
    evaluation = f"{task.task}/{name}/{moment}"
    content: dict[str, Any] = {
        "schema_version": SCHEMA,
        "evaluation_id": evaluation,
        "evaluation_timestamp": moment,
        "retrieved_timestamp": moment,
        "source_metadata": _source(record, options),
        "eval_library": _library(record.manifest),
        "model_info": _model(record.manifest, name, developer),
        "evaluation_results": [_result(record, task, row, moment) for row in rows],
    }
    written = []
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for sample in sample_rows(record, task, options.redact):
            for row in rows:
                if (score := sample.get(f"score.{row.metric}")) is None:
                    continue  # missing, but the schema requires a number
                count += 1
                yield json_line(instance(sample, task, row, float(score), evaluation, name))

    if record.has_samples(task.task):
        samples = out / place / f"{own}_samples.jsonl"
        digest = write_text(samples, lines())
        if count:
            content["detailed_evaluation_results"] = {
                "format": "jsonl",
                "file_path": (place / samples.name).as_posix(),
                "hash_algorithm": "sha256",
                "checksum": digest,
                "total_rows": count,
            }
            written.append(samples)
        else:
            samples.unlink()
    path = out / place / f"{own}.json"
    write_text(path, [json_file(content)])
    return [path, *written]


def _uuid(record: Record, task: str, name: str) -> str:
    """A name that is the same for the same numbers in every export: a hash in the form of a UUID 4."""
    text = f"{record.manifest.run}\0{record.manifest.model.fingerprint}\0{task}\0{name}"
    return str(
        uuid.UUID(bytes=hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16], version=4)
    )


def _source(record: Record, options: ExportOptions) -> dict[str, Any]:
    imported = record.manifest.imported
    more = {"organisation_is": "not given"} if options.organisation is None else {}
    return {
        "source_name": imported.tool if imported else "lsm-eval",
        "source_type": "evaluation_run",
        "source_organization_name": options.organisation or "unknown",
        **({"source_organization_url": options.source_url} if options.source_url else {}),
        "evaluator_relationship": options.relationship,
        **({"additional_details": more} if more else {}),
    }


def _library(manifest: Manifest) -> dict[str, Any]:
    imported = manifest.imported
    if imported is None:
        return {
            "name": "lsm-eval",
            "version": manifest.versions.get("lsm-eval", "unknown"),
            "additional_details": {f"version_{name}": version for name, version in manifest.versions.items()},
        }
    return {
        "name": imported.tool,
        "version": imported.version or "unknown",
        "additional_details": {"imported_with_lsm-eval": manifest.versions.get("lsm-eval", "unknown")},
    }


def _model(manifest: Manifest, name: str, developer: str) -> dict[str, Any]:
    model = manifest.model
    kind = (model.spec or model.name).partition(":")[0]
    remote = bool(model.servers) or model.probed is not None or kind in ("openai", "python")
    details = {
        # A server's address does not say who runs it.
        "deployment_type": "unknown" if remote or manifest.imported else "self_deployed",
        "model_availability": "open_weights" if kind == "builtin" or model.revision else "unknown",
        "name_in_record": model.name,
        "fingerprint": model.fingerprint,
        **{key: str(value) for key in ("parameters", "revision", "dtype", "device", "context", "licence")
           if (value := getattr(model, key)) is not None},
        **{f"detail_{key}": value for key, value in model.details.items()},
    }  # fmt: skip
    return {
        "name": model.name,
        "id": name,
        "developer": developer,
        **({"inference_engine": {"name": engine}} if (engine := model.details.get("engine")) else {}),
        "additional_details": details,
    }


def _result(record: Record, task: TaskRow, row: EstimateRow, moment: str) -> dict[str, Any]:
    low, high = _bounds(row)
    doubt: dict[str, Any] = {}
    if row.stderr is not None:
        doubt["standard_error"] = {"value": row.stderr, "method": row.method}
    if row.low is not None and row.high is not None:
        doubt["confidence_interval"] = {
            "lower": row.low, "upper": row.high, "confidence_level": row.level, "method": row.method,
        }  # fmt: skip
    if row.n is not None:
        doubt["num_samples"] = row.n
    details = {
        "missing": str(row.missing),
        "signature": row.signature,
        "interval": row.method,
        **({"clusters": str(row.clusters)} if row.clusters is not None else {}),
        **({f"failed_{why}": str(count) for why, count in task.failures.items()}),
    }
    direction = {"higher_is_better": "neither"} if row.higher_is_better is None else {}
    return {
        "evaluation_result_id": f"{row.task}/{row.metric}",
        "evaluation_name": row.task,
        "source_data": _data(task),
        "evaluation_timestamp": moment,
        "metric_config": {
            "evaluation_description": task.title,
            "metric_id": f"lsm-eval.{row.metric}",
            "metric_name": row.metric,
            "metric_unit": _UNITS.get(row.unit, row.unit),
            "lower_is_better": row.higher_is_better is False,
            "score_type": "continuous",
            "min_score": low,
            "max_score": high,
            "additional_details": {"metric_signature": row.metric_signature, "area": row.area, **direction},
        },
        "score_details": {
            "score": row.value,
            "details": details,
            **({"uncertainty": doubt} if doubt else {}),
        },
        "generation_config": _generation(record.manifest, task),
    }


def _bounds(row: EstimateRow) -> tuple[float | str, float | str]:
    """Smallest and largest value of the unit; differences of fractions lie from -1 to 1."""
    values = [value for value in (row.value, row.low, row.high) if value is not None]
    scale = {"fraction": 1.0, "points": 100.0}.get(row.unit)
    if scale is not None:
        if all(0 <= value <= scale for value in values):
            return 0.0, scale
        if all(-scale <= value <= scale for value in values):
            return -scale, scale
    return _ENDLESS


def _data(task: TaskRow) -> dict[str, Any]:
    data = task.dataset
    details = {
        "sha256": data.sha256,
        **({"configs": ", ".join(data.configs)} if data.configs else {}),
        **({"revision": data.revision} if data.revision else {}),
        "task_version": task.own_version or str(task.version),
        "licence": task.licence,
    }
    if data.source in ("hub", "mirror"):
        return {
            "dataset_name": data.name,
            "source_type": "hf_dataset",
            "hf_repo": data.name,
            "hf_split": data.split,
            **({"samples_number": data.rows} if data.rows is not None else {}),
            "additional_details": details,
        }
    return {
        "dataset_name": data.name,
        "source_type": "other",
        "additional_details": {**details, "split": data.split},
    }


def _generation(manifest: Manifest, task: TaskRow) -> dict[str, Any]:
    said = given_settings(manifest, task)
    arguments: dict[str, Any] = {
        name: said[name] for name in ("max_tokens", "temperature", "top_p") if name in said
    }
    if manifest.command:
        arguments["execution_command"] = shlex.join(manifest.command)
    settings = {
        "request": task.request,
        "shots": task.shots,
        "chat_template": task.chat,
        "system_message": said.get("system", task.system),
        "system_message_place": task.system if "system" in said else None,
        "stop": said.get("stop"),
        "limit": task.limit,
        "chosen_samples": task.chosen,
        "seed": manifest.seed,
        "choices": task.choices,
    }
    return {
        "generation_args": arguments,
        "additional_details": {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in settings.items()
            if value is not None
        },
    }
