"""Records in the format of lm-evaluation-harness: `MODEL/results_DATE.json`, with `samples_TASK_DATE.jsonl` beside it."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsm_eval.exporting.files import check_folder, json_file, json_line, write_text
from lsm_eval.exporting.generation_settings import generation_keywords, given_settings
from lsm_eval.exporting.naming import component, model_id
from lsm_eval.exporting.options import ExportOptions
from lsm_eval.exporting.sample_text import texts_of
from lsm_eval.exporting.samples import is_plain_mean, sample_rows
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow, Manifest, TaskRow

_REQUESTS = {"score": "multiple_choice", "generate": "generate_until", "perplexity": "loglikelihood_rolling"}


def export_lm_eval(record: Record, out: Path, options: ExportOptions) -> tuple[list[Path], list[str]]:
    """Write the files under `out`; returns them, and notes on what they lack. Raises `UserError`."""
    check_folder(out)
    name = model_id(record.manifest.model, options.model_id)
    folder = out / component(name.replace("/", "__"))
    stamp = record.created.replace(tzinfo=None).isoformat(timespec="microseconds").replace(":", "-")
    written: dict[Path, str] = {}
    notes: list[str] = []
    for task in record.manifest.tasks:
        if record.has_samples(task.task):
            # The harness finds a task's samples by this name.
            safe = re.sub(r"\W", "_", task.task)
            path, more = folder / f"samples_{safe}_{stamp}.jsonl", 2
            while path in written:
                notes.append(
                    f"{task.task}: its samples have the name that the format gives to those of {written[path]}, and another number."
                )
                path, more = folder / f"samples_{safe}_{more}_{stamp}.jsonl", more + 1
            write_text(path, _lines(record, task, options))
            written[path] = task.task
    notes += [
        f"{row.task}: no value of {row.metric}, which the format has no form for: left out."
        for row in record.estimates
        if row.value is None or not math.isfinite(row.value)
    ]
    path = folder / f"results_{stamp}.json"
    write_text(path, [json_file(_results(record, name))])
    return [path, *written], notes


def _key(metric: str) -> tuple[str, str]:
    """A metric and its filter; the harness's own metrics keep their filter."""
    name, comma, chosen = metric.rpartition(",")
    return (name, chosen) if comma and re.fullmatch(r"[\w.-]+", chosen) else (metric, "none")


def _results(record: Record, name: str) -> dict[str, Any]:
    manifest, model = record.manifest, record.manifest.model
    rows: dict[str, list[EstimateRow]] = defaultdict(list)
    for row in record.estimates:
        rows[row.task].append(row)
    tasks = record.manifest.tasks
    # This format has one value for all tasks.
    chats = {task.chat for task in tasks}
    most = {task.limit for task in tasks}
    return {
        "results": {task.task: _numbers(task, rows[task.task]) for task in tasks},
        "group_subtasks": {task.task: [] for task in tasks},
        "configs": {task.task: _config(record, task, rows[task.task]) for task in tasks},
        "versions": {task.task: _version(task) for task in tasks},
        "n-shot": {task.task: task.shots for task in tasks},
        "higher_is_better": {
            task.task: {
                _key(row.metric)[0]: row.higher_is_better
                for row in rows[task.task]
                if row.higher_is_better is not None
            }
            for task in tasks
        },
        "n-samples": {
            task.task: {
                **({"original": task.dataset.rows} if task.dataset.rows is not None else {}),
                **({"effective": task.samples} if task.samples is not None else {}),
            }
            for task in tasks
        },
        "config": {
            "model": "lsm-eval",
            "model_args": {"pretrained": name, "spec": model.spec or model.name},
            "model_num_parameters": model.parameters,
            "model_dtype": f"torch.{model.dtype}" if model.dtype else None,
            "model_revision": model.revision,
            "model_fingerprint": model.fingerprint,
            "batch_size": manifest.settings.get("batch_tokens"),
            "device": model.device,
            "limit": next(iter(most)) if len(most) == 1 else None,
            "gen_kwargs": _run_keywords(manifest),
            "random_seed": manifest.seed,
        },
        "date": record.created.timestamp(),
        "lsm_eval_version": manifest.versions.get("lsm-eval"),
        **({"transformers_version": version} if (version := manifest.versions.get("transformers")) else {}),
        **({"imported_from": manifest.imported.tool} if manifest.imported else {}),
        "model_source": "lsm-eval",
        "model_name": name,
        "model_name_sanitized": name.replace("/", "__"),
        **_system(manifest),
        **({"chat_template": None, "chat_template_sha": None} if chats == {False} else {}),
        **({"chat_template": "the model's own; its text is not in the record"} if chats == {True} else {}),
        **({"max_length": model.context} if model.context is not None else {}),
        **({"total_evaluation_time_seconds": str(manifest.work.seconds)} if manifest.work else {}),
    }


def _run_keywords(manifest: Manifest) -> Any:
    """Generation keywords of the run; an imported record keeps those of its tool."""
    if manifest.imported and "gen_kwargs" in manifest.settings:
        return manifest.settings["gen_kwargs"]
    return generation_keywords(manifest, manifest.tasks) or None


def _system(manifest: Manifest) -> dict[str, Any]:
    """The run's system message, which this format has once for all tasks; empty if some tasks had none, or it is not known."""
    texts = {given_settings(manifest, task).get("system") for task in manifest.tasks}
    if len(texts) != 1 or manifest.imported:
        return {}
    (text,) = texts
    if text is None or "***" in text:  # the hash of a redacted text differs from that of the text
        return {"system_instruction": text}
    return {"system_instruction": text, "system_instruction_sha": _sha256(text)}


def _numbers(task: TaskRow, rows: list[EstimateRow]) -> dict[str, Any]:
    found: dict[str, Any] = {"alias": task.task}
    if task.samples is not None:
        found["sample_len"] = task.samples
    for row in rows:
        if row.value is None or not math.isfinite(row.value):
            continue
        metric, chosen = _key(row.metric)
        found[f"{metric},{chosen}"] = row.value
        stderr = _stderr(row)
        found[f"{metric}_stderr,{chosen}"] = "N/A" if stderr is None else stderr
    return found


def _stderr(row: EstimateRow) -> float | None:
    """The standard error; an imported number keeps its tool's own, in full precision."""
    imported = row.imported or {}
    return (
        imported["stderr"]
        if imported.get("stderr") is not None and imported.get("value") == row.value
        else row.stderr
    )


def _version(task: TaskRow) -> str | int:
    return task.version if task.own_version is None else task.own_version


def _config(record: Record, task: TaskRow, rows: list[EstimateRow]) -> dict[str, Any]:
    data, said = task.dataset, given_settings(record.manifest, task)
    return {
        "task": task.task,
        "task_alias": task.title,
        "dataset_path": data.name,
        **({"dataset_name": data.configs[0]} if len(data.configs) == 1 else {}),
        **({"dataset_kwargs": {"revision": data.revision}} if data.revision else {}),
        "test_split": data.split,
        "description": "",
        "num_fewshot": task.shots,
        "metric_list": [
            {
                "metric": _key(row.metric)[0],
                **({"aggregation": "mean"} if is_plain_mean(record, task.task, row.metric) else {}),
                **({"higher_is_better": row.higher_is_better} if row.higher_is_better is not None else {}),
            }
            for row in rows
        ],
        **({"output_type": _REQUESTS[task.request]} if task.request in _REQUESTS else {}),
        "metadata": {
            "version": _version(task),
            **({"system_instruction": said["system"]} if "system" in said else {}),
            "signatures": {row.metric: row.signature for row in rows},
            "intervals": {
                row.metric: {"low": row.low, "high": row.high, "level": row.level, "method": row.method}
                for row in rows
                if row.low is not None
            },
            "missing": {row.metric: row.missing for row in rows},
        },
    }


def _lines(record: Record, task: TaskRow, options: ExportOptions) -> Iterator[str]:
    names = [row.metric for row in record.estimates if row.task == task.task]
    filters: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        metric, chosen = _key(name)
        filters[chosen][metric] = f"score.{name}"
    keywords = generation_keywords(record.manifest, [task])
    for chosen, columns in (filters or {"none": {}}).items():
        for sample in sample_rows(record, task, options.redact):
            scores = {
                metric: score
                for metric, column in columns.items()
                if (score := sample.get(column)) is not None
            }
            yield json_line(_line(sample, chosen, scores, keywords))


def _line(
    sample: dict[str, Any], chosen: str, scores: dict[str, float], keywords: dict[str, Any]
) -> dict[str, Any]:
    document = {"id": sample["sample"], "metadata": json.loads(sample["metadata"] or "{}")}
    for name in ("cluster", "weight", "thoughts", "finish", "failure", "failure_detail"):
        if sample.get(name) is not None:
            document[name] = sample[name]
    prompt = sample["prompt"] or ""
    targets = texts_of(sample["target"])
    target = targets[0] if len(targets) == 1 else targets
    responses = _responses(sample)
    return {
        "doc_id": sample["index"],
        "doc": document,
        "target": target,
        "arguments": {f"gen_args_{at}": part for at, part in enumerate(_arguments(sample, prompt, keywords))},
        "resps": [[response] for response in responses],
        "filtered_resps": responses,
        "filter": chosen,
        "metrics": list(scores),
        "doc_hash": _sha256(json.dumps(document, indent=2, ensure_ascii=False)),
        "prompt_hash": _sha256(prompt),
        "target_hash": _sha256(str(target)),
        **scores,
    }


def _arguments(sample: dict[str, Any], prompt: str, keywords: dict[str, Any]) -> list[dict[str, Any]]:
    if sample["request"] == "score":
        return [{"arg_0": prompt, "arg_1": text} for text in sample["continuations"] or ()]
    if sample["request"] != "generate":
        return [{"arg_0": prompt}]
    if sample.get("further") and keywords.get("do_sample"):
        # If the task itself samples answers, its first answer, which is used here, is greedy.
        keywords = {name: keywords[name] for name in ("until", "max_gen_toks") if name in keywords}
    return [{"arg_0": prompt, "arg_1": keywords}]


def _responses(sample: dict[str, Any]) -> list[Any]:
    """Responses as the harness writes them: texts, and log-probabilities as text."""
    if sample["request"] == "generate":
        return [] if sample["completion"] is None else [sample["completion"]]
    logprobs = sample["logprobs"] or []
    if sample["request"] == "score":
        greedy = sample["greedy"] or [None] * len(logprobs)
        return [[repr(value), str(own)] for value, own in zip(logprobs, greedy, strict=True)]
    return [repr(value) for value in logprobs]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
