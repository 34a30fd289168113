"""Reads `results_*.json` of lm-evaluation-harness, with the `samples_*.jsonl` beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lsm_eval.importing.found import FoundMetric, FoundRun, FoundSample, FoundTask
from lsm_eval.importing.read import read_lines
from lsm_eval.importing.shape import mapping, moment, number, some, text, whole, wrong

TOOL = "lm-eval"
_STAMP = re.compile(r"results_(.+)\.json")
_FRACTIONS = frozenset(
    {
        "acc",
        "acc_norm",
        "acc_bytes",
        "acc_mutual_info",
        "exact_match",
        "em",
        "f1",
        "mc1",
        "mc2",
        "pass@1",
        "pass_at_1",
    }
)
_REQUESTS = {"generate_until": "generate", "loglikelihood_rolling": "perplexity"}
_OWN_KEYS = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash",
     "prompt_hash", "target_hash"}
)  # fmt: skip


def is_lm_eval(content: Any) -> bool:
    """Whether a JSON file is a results file of the harness."""
    return (
        isinstance(content, dict) and "results" in content and "versions" in content and "n-shot" in content
    )


def read_lm_eval(path: Path, content: dict[str, Any]) -> FoundRun:
    """The content of the harness's files. Raises `UserError`."""
    results = mapping(content.get("results"), path, "results")
    config = some(content.get("config"))
    arguments = some(config.get("model_args"))
    named = text(content.get("model_name")) or text(arguments.get("pretrained")) or text(config.get("model"))
    run = FoundRun(
        tool=TOOL,
        version=text(content.get("lm_eval_version")),
        model=named or "unknown",
        created=moment(content.get("date"), path, "date"),
        tasks=[],
        files=[path],
        model_identity={
            "args": config.get("model_args"),
            "sha": config.get("model_sha"),
            "kind": config.get("model"),
        },
        revision=text(config.get("model_sha")) or text(config.get("model_revision")),
        dtype=(text(config.get("model_dtype")) or "").removeprefix("torch.") or None,
        device=text(config.get("device")),
        parameters=whole(config.get("model_num_parameters")),
        context=whole(content.get("max_length")),
        seed=whole(config.get("random_seed")),
        settings={
            "limit": config.get("limit"),
            "batch_size": config.get("batch_size"),
            "gen_kwargs": config.get("gen_kwargs"),
            "fewshot_seed": config.get("fewshot_seed"),
            "bootstrap_iters": config.get("bootstrap_iters"),
        },
        versions=_versions(content),
    )
    if not named:
        run.lacking.append("the model's name")
    for name, numbers in results.items():
        run.tasks.append(_task(path, content, name, mapping(numbers, path, f"results.{name}"), run))
    return run


def _versions(content: dict[str, Any]) -> dict[str, str]:
    found = {"lm_eval": content.get("lm_eval_version"), "transformers": content.get("transformers_version")}
    return {name: version for name, version in found.items() if isinstance(version, str)}


def _task(
    path: Path, content: dict[str, Any], name: str, numbers: dict[str, Any], run: FoundRun
) -> FoundTask:
    own = some(some(content.get("configs")).get(name))
    counts = some(some(content.get("n-samples")).get(name))
    subtasks = some(content.get("group_subtasks")).get(name)
    version = some(content.get("versions")).get(name)
    limit = number(some(content.get("config")).get("limit"))
    means = _means(own)
    better = some(some(content.get("higher_is_better")).get(name))
    metrics = list(_metrics(numbers, means, better))
    request = _REQUESTS.get(str(own.get("output_type")), "score")
    task = FoundTask(
        name=name,
        version=None if version is None else str(version),
        request=request,  # type: ignore[arg-type]
        metrics=metrics,
        samples=None,
        count=whole(counts.get("effective")) if counts else whole(numbers.get("sample_len")),
        shots=whole(some(content.get("n-shot")).get(name)),
        chat=content["chat_template"] is not None if "chat_template" in content else None,
        limit=int(limit) if limit is not None and limit >= 1 else None,
        dataset=text(own.get("dataset_path")) or "not in the file",
        configs=[own["dataset_name"]] if text(own.get("dataset_name")) else [],
        split=text(own.get("test_split")) or text(own.get("validation_split")) or "not in the file",
        rows=whole(counts.get("original")),
        config={
            "config": {key: value for key, value in own.items() if key != "metadata"},
            "gen_kwargs": some(content.get("config")).get("gen_kwargs"),
            "system_instruction_sha": content.get("system_instruction_sha"),
            "chat_template_sha": content.get("chat_template_sha"),
            "fewshot_as_multiturn": content.get("fewshot_as_multiturn"),
        },
        seed=whole(some(content.get("config")).get("fewshot_seed")),
    )
    if isinstance(subtasks, list) and subtasks:
        task.description = f"A group of {', '.join(map(str, subtasks))}."
        task.no_samples = "it is a group, and its samples are those of its tasks"
        return task
    if not own:
        task.no_samples = "the file has no settings of it, as of a group"
    _add_samples(path, task, run)
    return task


def _means(config: dict[str, Any]) -> dict[str, bool]:
    rows = config.get("metric_list")
    found = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("metric"), str):
            found[row["metric"]] = row.get("aggregation") == "mean"
    return found


def _metrics(numbers: dict[str, Any], means: dict[str, bool], better: dict[str, Any]) -> Any:
    for key, value in numbers.items():
        metric, comma, chosen = key.partition(",")
        if not comma or metric.endswith("_stderr"):
            continue
        stderr = numbers.get(f"{metric}_stderr,{chosen}")
        up = better.get(metric)
        yield FoundMetric(
            name=_name(metric, chosen),
            own_name=key,
            value=number(value),
            stderr=number(stderr),
            higher_is_better=up if isinstance(up, bool) else None,
            mean=means.get(metric, False),
            fraction=metric in _FRACTIONS,
            more={} if number(value) is not None else {"as_written": str(value)[:80]},
        )


def _name(metric: str, chosen: str) -> str:
    return metric if chosen == "none" else f"{metric},{chosen}"


def _add_samples(path: Path, task: FoundTask, run: FoundRun) -> None:
    stamp = _STAMP.fullmatch(path.name)
    safe = re.sub(r"\W", "_", task.name)
    file = path.with_name(f"samples_{safe}_{stamp[1]}.jsonl") if stamp else None
    if file is None or not file.is_file():
        said = f"there is no {file.name} beside it" if file else "its name has no date to find them by"
        task.no_samples = task.no_samples or f"{said} (lm-eval writes samples with --log_samples)"
        return
    run.files.append(file)
    samples: dict[str, FoundSample] = {}
    seen: set[tuple[str, str]] = set()
    for place, line in enumerate(read_lines(file), 1):
        row = mapping(line, file, f"line {place}")
        if "doc_id" not in row:
            raise wrong(file, f"line {place} has no doc_id")
        name, chosen = str(row["doc_id"]), str(row.get("filter", "none"))
        if (name, chosen) in seen:
            raise wrong(file, f"line {place} is the second of sample {name} with the filter {chosen}")
        seen.add((name, chosen))
        sample = samples.get(name)
        if sample is None:
            sample = samples[name] = _sample(name, row, task)
        _scores(sample, row, chosen)
    task.samples, task.no_samples = list(samples.values()), None
    names = {metric.name for metric in task.metrics}
    scored = {name for sample in task.samples for name in sample.scores}
    for sample in task.samples:
        sample.scores = {name: sample.scores.get(name) for name in scored & names}


def _sample(name: str, row: dict[str, Any], task: FoundTask) -> FoundSample:
    arguments = [some(part) for part in some(row.get("arguments")).values()]
    raw: Any = row.get("resps")
    responses: list[Any] = raw if isinstance(raw, list) else []
    first = arguments[0].get("arg_0") if arguments else None
    hashes = {
        key: row[key] for key in ("doc_hash", "prompt_hash", "target_hash") if isinstance(row.get(key), str)
    }
    target = row.get("target")
    sample = FoundSample(
        id=name,
        prompt=first if isinstance(first, str) else "",
        target=[str(one) for one in target]
        if isinstance(target, list)
        else []
        if target is None
        else [str(target)],
        metadata={**hashes, "doc": row.get("doc")},
        digest=hashes.get("doc_hash", ""),
    )
    if task.request == "generate":
        answer = _first(responses)
        sample.completion = answer if isinstance(answer, str) else None
        if len(responses) > 1 or (responses and isinstance(responses[0], list) and len(responses[0]) > 1):
            sample.metadata["answers"] = responses
    elif task.request == "score":
        pairs = [_first(response) for response in responses]
        read = [_pair(pair) for pair in pairs]
        sample.continuations = [str(part.get("arg_1", "")) for part in arguments]
        sample.choices = list(sample.continuations)
        if read and all(pair is not None for pair in read):
            sample.logprobs = [pair[0] for pair in read if pair]
            sample.greedy = [pair[1] for pair in read if pair]
    else:
        value = _first(responses)
        while isinstance(value, list) and value:
            value = value[0]
        logprob = _float(value)
        sample.logprobs = None if logprob is None else [logprob]
    return sample


def _first(value: Any) -> Any:
    """The first answer to the first request: `resps` is a list of answers for each request."""
    if isinstance(value, list) and value:
        inner = value[0]
        return inner[0] if isinstance(inner, list) and inner and not _pair(inner) else inner
    return None


def _pair(value: Any) -> tuple[float, bool] | None:
    if not isinstance(value, list) or len(value) != 2 or str(value[1]) not in ("True", "False"):
        return None
    logprob = _float(value[0])
    return None if logprob is None else (logprob, str(value[1]) == "True")


def _float(value: Any) -> float | None:
    """A number that may be written as text, as the harness does with log-probabilities."""
    try:
        return number(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _scores(sample: FoundSample, row: dict[str, Any], chosen: str) -> None:
    metrics = row.get("metrics")
    names = [key for key in row if key not in _OWN_KEYS] if not isinstance(metrics, list) else metrics
    if chosen != "none":
        sample.metadata.setdefault("filtered", {})[chosen] = row.get("filtered_resps")
    for metric in map(str, names):
        value = row.get(metric)
        key = _name(metric, chosen)
        if isinstance(value, (bool, int, float)):
            sample.scores[key] = number(value)
        elif value is not None:
            # Not a score, but the input of an aggregate: (reference, answer), (log-likelihood, words).
            sample.metadata.setdefault("parts", {})[key] = value
