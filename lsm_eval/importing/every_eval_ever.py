"""Reads files of Every Eval Ever: a `.json` with the numbers, and per-sample JSON Lines beside it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from lsm_eval.importing.found import FoundMetric, FoundRun, FoundSample, FoundTask
from lsm_eval.importing.read import read_lines, sha256
from lsm_eval.importing.shape import mapping, moment, number, sequence, some, text, whole, wrong

TOOL = "every-eval-ever"


def is_every_eval_ever(content: Any) -> bool:
    """Whether a JSON file is in this schema."""
    return (
        isinstance(content, dict)
        and {"schema_version", "evaluation_id", "evaluation_results"} <= content.keys()
    )


def read_every_eval_ever(path: Path, content: dict[str, Any]) -> FoundRun:
    """The content of the files. Raises `UserError`."""
    model = mapping(content.get("model_info"), path, "model_info")
    results = sequence(content.get("evaluation_results"), path, "evaluation_results")
    library = some(content.get("eval_library"))
    engine = some(model.get("inference_engine"))
    when = content.get("evaluation_timestamp") or content.get("retrieved_timestamp")
    more = some(model.get("additional_details"))
    run = FoundRun(
        tool=TOOL,
        version=text(content.get("schema_version")),
        model=text(model.get("id")) or text(model.get("name")) or "unknown",
        created=moment(when, path, "retrieved_timestamp"),
        tasks=[],
        files=[path],
        model_identity={"engine": engine, "platform": model.get("inference_platform"), "details": more},
        dtype=text(more.get("dtype")),
        settings={"library": text(library.get("name")), "source": text(some(content.get("source_metadata")).get("source_name"))},
        versions={str(library.get("name")): version} if (version := text(library.get("version"))) else {},
        lacking=["the chat template", "shots", "task versions"],
    )  # fmt: skip
    if not content.get("evaluation_timestamp"):
        run.lacking.append("when it was evaluated (the time is that of the file)")
    by_name: dict[str, list[dict[str, Any]]] = {}
    for place, row in enumerate(results):
        result = mapping(row, path, f"evaluation_results[{place}]")
        name = text(result.get("evaluation_name"))
        if name is None:
            raise wrong(path, f"evaluation_results[{place}] has no evaluation_name")
        by_name.setdefault(name, []).append(result)
    instances = _instances(path, content, run)
    for name, rows in by_name.items():
        run.tasks.append(_task(path, name, rows, instances, library))
    return run


def _instances(path: Path, content: dict[str, Any], run: FoundRun) -> list[dict[str, Any]] | str:
    """Rows of the per-sample file, or the reason why there are none."""
    about = content.get("detailed_evaluation_results")
    if about is None:
        return "the file names no per-sample results"
    named = text(some(about).get("file_path"))
    if named is None:
        raise wrong(path, "detailed_evaluation_results has no file_path")
    # The path is within a repository; here the file lies beside this one.
    file = path.with_name(named.replace("\\", "/").rpartition("/")[2] or "-")
    if not file.is_file():
        return f"there is no {file.name} beside it"
    checksum, kind = text(some(about).get("checksum")), some(about).get("hash_algorithm")
    if checksum and kind == "sha256" and sha256(file) != checksum:
        raise wrong(file, f"it is not the file that {path.name} means (another SHA-256)")
    rows = [mapping(row, file, f"line {place}") for place, row in enumerate(read_lines(file), 1)]
    total = whole(some(about).get("total_rows"))
    if total is not None and total != len(rows):
        raise wrong(file, f"it has {len(rows)} rows, and {path.name} says {total}")
    others = {str(row.get("evaluation_id")) for row in rows} - {str(content.get("evaluation_id"))}
    if others:
        raise wrong(file, f"it has rows of another evaluation, {min(others)!r}")
    run.files.append(file)
    return rows


def _task(
    path: Path,
    name: str,
    results: list[dict[str, Any]],
    instances: list[dict[str, Any]] | str,
    library: dict[str, Any],
) -> FoundTask:
    source = some(results[0].get("source_data"))
    metrics, ids = [], []
    for result in results:
        metric = _metric(path, result)
        metrics.append(metric)
        ids.append(text(result.get("evaluation_result_id")))
    _unlike(metrics)
    task = FoundTask(
        name=name,
        version=None,
        request="generate",
        metrics=metrics,
        samples=None,
        count=next((m.n for m in metrics if m.n is not None), whole(source.get("samples_number"))),
        dataset=text(source.get("hf_repo")) or text(source.get("dataset_name")) or "not in the file",
        split=text(source.get("hf_split")) or "not in the file",
        rows=whole(source.get("samples_number")),
        config={"library": library, "generation": [result.get("generation_config") for result in results]},
    )
    if isinstance(instances, str):
        task.no_samples = instances
        return task
    known = {own: metric.name for own, metric in zip(ids, metrics, strict=True) if own}
    rows = [
        row
        for row in instances
        if row.get("evaluation_result_id") in known or row.get("evaluation_name") == name
    ]
    if not rows:
        task.no_samples = "no row of the per-sample file is of it"
        return task
    task.samples = _samples(path, rows, known, metrics)
    return task


def _metric(path: Path, result: dict[str, Any]) -> FoundMetric:
    about = mapping(result.get("metric_config"), path, "metric_config")
    score = mapping(result.get("score_details"), path, "score_details")
    doubt = some(score.get("uncertainty"))
    error = some(doubt.get("standard_error"))
    name = text(about.get("metric_name")) or text(about.get("metric_id")) or "score"
    lower = about.get("lower_is_better")
    low, high = number(about.get("min_score")), number(about.get("max_score"))
    n = whole(doubt.get("num_samples"))
    more = {
        key: doubt[key]
        for key in ("confidence_interval", "standard_deviation", "num_bootstrap_samples")
        if doubt.get(key) is not None
    }
    if error.get("method") is not None:
        more["stderr_method"] = error["method"]
    if some(score.get("details")):
        more["details"] = score["details"]
    return FoundMetric(
        name=name,
        own_name=text(result.get("evaluation_result_id")) or text(about.get("metric_id")) or name,
        value=number(score.get("score")),
        stderr=number(error.get("value")),
        n=n,
        higher_is_better=not lower if isinstance(lower, bool) else None,
        fraction=(low, high) == (0.0, 1.0),
        more=more,
    )


def _unlike(metrics: list[FoundMetric]) -> None:
    """Gives metrics with the same name unique names, from the file's own names or from their positions."""
    for by in (lambda m, at: m.own_name, lambda m, at: f"{m.name} ({at + 1})"):
        counts = Counter(metric.name for metric in metrics)
        for at, metric in enumerate(metrics):
            if counts[metric.name] > 1:
                metric.name = by(metric, at)


def _samples(
    path: Path, rows: list[dict[str, Any]], known: dict[str, str], metrics: list[FoundMetric]
) -> list[FoundSample]:
    """Samples with the scores of all metrics to which rows can be assigned."""
    found: dict[str, FoundSample] = {}
    only = metrics[0].name if len(metrics) == 1 else None
    seen: set[tuple[str, str | None]] = set()
    for place, row in enumerate(rows):
        own = text(row.get("sample_id"))
        if own is None:
            raise wrong(path, f"row {place} of its per-sample file has no sample_id")
        metric = known.get(text(row.get("evaluation_result_id")) or "") or only
        if (own, metric) in seen:
            # Several answers to one sample.
            draw = 1 + sum(key.startswith(f"{own}, draw ") or key == own for key in found)
            name, cluster = f"{own}, draw {draw}", own
            found[own].cluster = own
        else:
            name, cluster = own, None
        seen.add((own, metric))
        sample = found.get(name)
        if sample is None:
            sample = found[name] = _sample(name, row)
            sample.cluster = cluster
        score = number(some(row.get("evaluation")).get("score"))
        several = _lm_eval_scores(row)
        names = {m.name for m in metrics}
        if several:
            sample.scores.update(
                {
                    key: number(value)
                    for key, value in several.items()
                    if key in names and number(value) is not None
                }
            )
        elif metric is not None:
            sample.scores[metric] = score
        if not several and metric is None:
            sample.metadata["score of an unnamed metric"] = score
        if row.get("error") is not None:
            sample.failure, sample.failure_detail = "error", str(row["error"])[:2000]
    scored = {name for sample in found.values() for name in sample.scores}
    for sample in found.values():
        sample.scores = {} if sample.failure else {name: sample.scores.get(name) for name in scored}
        if sample.failure:
            sample.completion = None
    return list(found.values())


def _lm_eval_scores(row: dict[str, Any]) -> dict[str, Any]:
    """A sample from lm-eval has the scores of all its metrics in its metadata."""
    scores = some(row.get("metadata")).get("lm_eval_metrics")
    if not isinstance(scores, str):
        return {}
    try:
        return some(json.loads(scores))
    except (ValueError, RecursionError):
        return {}


def _sample(name: str, row: dict[str, Any]) -> FoundSample:
    given, output = some(row.get("input")), some(row.get("output"))
    texts = output.get("raw")
    reference = given.get("reference")
    thoughts = output.get("reasoning_trace")
    said = [one for one in texts if isinstance(one, str)] if isinstance(texts, list) else []
    if not said:
        said = [
            str(some(m).get("content"))
            for m in _list(row.get("messages"))
            if some(m).get("role") == "assistant"
        ][-1:]
    return FoundSample(
        id=name,
        prompt=text(given.get("formatted")) or text(given.get("raw")) or "",
        target=[str(one) for one in _list(reference)] if not isinstance(reference, str) else [reference],
        completion=said[0] if said else None,
        tokens=whole(some(row.get("token_usage")).get("output_tokens")),
        thoughts="\n".join(map(str, thoughts)) if isinstance(thoughts, list) and thoughts else None,
        metadata={
            **some(row.get("metadata")),
            **{key: row[key] for key in ("sample_hash", "answer_attribution") if row.get(key) is not None},
            **(
                {"is_correct": some(row.get("evaluation")).get("is_correct")} if row.get("evaluation") else {}
            ),
        },
        digest=text(row.get("sample_hash")) or "",
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
