"""Reads logs of Inspect: `.eval` (a zip file of JSON) and `.json`, without needing Inspect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsm_eval.importing.found import FoundMetric, FoundRun, FoundSample, FoundTask
from lsm_eval.importing.read import Archive
from lsm_eval.importing.shape import mapping, moment, number, sequence, some, text, whole, wrong

TOOL = "inspect"
_LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Inspect's values for correct, incorrect, partially correct, and no answer."""
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_MEANS = frozenset({"accuracy", "mean"})
_SAMPLE = re.compile(r"samples/.+\.json")
_FINISH = {"stop": "stop", "max_tokens": "length", "model_length": "length"}


def is_inspect(content: Any) -> bool:
    """Whether a JSON file is a log of Inspect."""
    return isinstance(content, dict) and "eval" in content and "plan" in content and "status" in content


def read_inspect(path: Path, content: dict[str, Any]) -> FoundRun:
    """A `.json` log. Raises `UserError`."""
    samples = content.get("samples")
    return _run(path, content, None if samples is None else sequence(samples, path, "samples"))


def read_inspect_archive(path: Path) -> FoundRun:
    """An `.eval` log. Raises `UserError`."""
    archive = Archive(path)
    try:
        names = archive.names()
        if "header.json" not in names:
            unfinished = "_journal/start.json" in names
            raise wrong(
                path, "its run did not end (no header.json)" if unfinished else "it has no header.json"
            )
        header = mapping(archive.json("header.json"), path, "header.json")
        if not is_inspect(header):
            raise wrong(path, "its header.json is no log of Inspect's")
        members = [name for name in names if _SAMPLE.fullmatch(name)]
        # Events are the largest part of a sample and are not needed.
        samples = [_slim(mapping(archive.json(name), path, name)) for name in members]
        return _run(path, header, samples or None)
    finally:
        archive.close()


def _slim(sample: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in sample.items() if key not in ("events", "events_data", "store")}


def _run(path: Path, content: dict[str, Any], samples: list[Any] | None) -> FoundRun:
    about = mapping(content.get("eval"), path, "eval")
    generation = some(about.get("model_generate_config"))
    packages = some(about.get("packages"))
    version = text(packages.get("inspect_ai"))
    run = FoundRun(
        tool=TOOL,
        version=version,
        model=text(about.get("model")) or "unknown",
        created=moment(about.get("created"), path, "eval.created"),
        tasks=[],
        files=[path],
        # The mock model gets its answers as an argument.
        model_identity={
            "args": {**some(about.get("model_args")), "custom_outputs": None},
            "base_url": about.get("model_base_url"),
        },
        seed=whole(generation.get("seed")),
        settings={
            key: value for key, value in generation.items() if isinstance(value, (str, int, float, bool))
        },
        versions={name: value for name, value in packages.items() if isinstance(value, str)},
        lacking=["shots", "the chat template", "the model's files"],
    )
    status = content.get("status")
    if status != "success":
        run.lacking.append(f"a whole run: its status is {str(status)[:40]!r}")
    run.tasks.append(_task(path, content, about, samples, run))
    return run


def _task(
    path: Path, content: dict[str, Any], about: dict[str, Any], samples: list[Any] | None, run: FoundRun
) -> FoundTask:
    dataset = some(about.get("dataset"))
    config = some(about.get("config"))
    limit = whole(config.get("limit"))
    name = text(about.get("task")) or path.stem
    plan = some(content.get("plan"))
    task = FoundTask(
        name=name,
        version=None if about.get("task_version") is None else str(about["task_version"]),
        request="generate",
        metrics=[],
        samples=None,
        no_samples="the log has none (log_samples was off)",
        limit=limit,
        dataset=text(dataset.get("name")) or text(dataset.get("location")) or "not in the file",
        rows=whole(dataset.get("samples")),
        config={
            "generate": about.get("model_generate_config"),
            "plan": {"steps": plan.get("steps"), "config": plan.get("config")},
            "task_args": about.get("task_args"),
            "scorers": about.get("scorers"),
            "epochs": config.get("epochs"),
            "epochs_reducer": config.get("epochs_reducer"),
        },
        seed=run.seed,
    )
    results = content.get("results")
    task.metrics = list(_metrics(some(results)))
    task.count = whole(some(results).get("total_samples")) if results else None
    if results is None:
        run.lacking.append("values over all samples")
    if samples is not None:
        task.samples, task.no_samples = list(_samples(path, samples)), None
        _bind(task)
    return task


def _metrics(results: dict[str, Any]) -> Iterator[FoundMetric]:
    rows = results.get("scores")
    for row in rows if isinstance(rows, list) else ():
        score = some(row)
        values = some(score.get("metrics"))
        reducer = text(score.get("reducer"))
        stderr = next(
            (number(some(v).get("value")) for k, v in values.items() if _plain(k) == "stderr"), None
        )
        for key, metric in values.items():
            kind = _plain(key)
            if kind == "stderr":
                continue
            mean = kind in _MEANS and reducer in (None, "mean")
            name = f"{score.get('name')}/{key}" + (f"/{reducer}" if reducer not in (None, "mean") else "")
            yield FoundMetric(
                name=name,
                own_name=f"{score.get('scorer')}: {name}",
                value=number(some(metric).get("value")),
                stderr=stderr if kind in _MEANS else None,
                n=whole(score.get("scored_samples")),
                mean=mean,
                fraction=kind == "accuracy",
                more={"score": str(score.get("name"))},
            )


def _plain(name: str) -> str:
    return name.rpartition("/")[2]


def _samples(path: Path, rows: list[Any]) -> Iterator[FoundSample]:
    several = any(some(row).get("epoch") not in (None, 1) for row in rows)
    for place, row in enumerate(rows):
        sample = mapping(row, path, f"sample {place}")
        if not isinstance(sample.get("id"), (str, int)):
            raise wrong(path, f"sample {place} has no id")
        yield _sample(sample, several)


def _sample(row: dict[str, Any], several: bool) -> FoundSample:
    own, epoch = str(row["id"]), row.get("epoch")
    attached = some(row.get("attachments"))
    output = some(row.get("output"))
    choices = output.get("choices")
    choice = some(choices[0]) if isinstance(choices, list) and choices else {}
    target = row.get("target")
    usage = some(output.get("usage"))
    error = row.get("error")
    sample = FoundSample(
        id=f"{own}, epoch {epoch}" if several else own,
        prompt=_words(row.get("input"), attached),
        target=[str(one) for one in target]
        if isinstance(target, list)
        else []
        if target is None
        else [str(target)],
        completion=_attached(output["completion"], attached)
        if isinstance(output.get("completion"), str)
        else None,
        tokens=whole(usage.get("output_tokens")),
        finish=_FINISH.get(str(choice.get("stop_reason"))),
        cluster=own if several else None,
    )
    sample.digest = repr((sample.prompt, sample.target))
    kept: dict[str, Any] = {}
    for name, score in some(row.get("scores")).items():
        value = some(score).get("value")
        kept[name] = {
            "value": value,
            **{k: score[k] for k in ("answer", "reason") if some(score).get(k) is not None},
        }
        if isinstance(value, dict):
            sample.scores.update({str(key): _value(part) for key, part in value.items()})
        elif not isinstance(value, list):
            sample.scores[name] = _value(value)
    metadata = some(row.get("metadata"))
    sample.metadata = {**metadata, "scores": kept} if kept else dict(metadata)
    if error is not None:
        sample.failure, sample.failure_detail = (
            "error",
            (text(some(error).get("message")) or "no message")[:2000],
        )
        sample.completion = None
        sample.scores = {}
    return sample


def _bind(task: FoundTask) -> None:
    """Assign scores to each metric that is a mean; scores without a metric get one."""
    samples = task.samples or []
    scored = list(dict.fromkeys(name for sample in samples for name in sample.scores))
    of: dict[str, list[str]] = {}
    for metric in task.metrics:
        score = str(metric.more.pop("score"))
        if score in scored and metric.mean:
            of.setdefault(score, []).append(metric.name)
    for name in scored:
        if name not in of:
            found = FoundMetric(name=f"{name}/mean", own_name=name, value=None, mean=True)
            task.metrics.append(found)
            of[name] = [found.name]
    for sample in samples:
        if sample.failure is None:
            sample.scores = {own: sample.scores.get(name) for name in scored for own in of[name]}


def _value(value: Any) -> float | None:
    """A score as a number, converted like Inspect's `value_to_float`; None if it is not a number (NaN is Inspect's "not scored")."""
    if not isinstance(value, str):
        return number(value)
    if value in _LETTERS:
        return _LETTERS[value]
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    try:
        return number(float(value))
    except (ValueError, OverflowError):
        return None


def _words(given: Any, attached: dict[str, Any]) -> str:
    """The input as text; messages are written with their roles."""
    if isinstance(given, str):
        return _attached(given, attached)
    lines = []
    for message in given if isinstance(given, list) else ():
        content = some(message).get("content")
        parts = content if isinstance(content, list) else [content]
        words = [part if isinstance(part, str) else str(some(part).get("text", "")) for part in parts if part]
        lines.append(
            f"{some(message).get('role')}: " + "\n".join(_attached(word, attached) for word in words)
        )
    return "\n".join(lines)


def _attached(words: str, attached: dict[str, Any]) -> str:
    """Resolves long texts, which are stored once in the sample's attachments."""
    found = attached.get(words.removeprefix("attachment://")) if words.startswith("attachment://") else None
    return found if isinstance(found, str) else words
