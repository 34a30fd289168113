"""Makes a sample table of the samples in an imported file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.importing.found import FoundRun, FoundSample, FoundTask


def digest_of(samples: Sequence[FoundSample]) -> str:
    """A hash of the samples that does not depend on their order, or on repeated answers to each."""
    lines = sorted({f"{sample.cluster or sample.id}\t{sample.digest}" for sample in samples})
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def plain(value: Any) -> Any:
    """A JSON value that any JSON reader accepts: numbers that are not finite become texts."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def table_of(
    name: str, task: FoundTask, samples: Sequence[FoundSample], run: FoundRun
) -> dict[str, list[Any]]:
    """The sample table, column by column. Raises `UserError` if two samples have the same id."""
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise UserError(f"{run.files[-1]} has the sample {sample.id!r} of {task.name} twice.")
        seen.add(sample.id)
    scoring = task.request == "score"
    columns: dict[str, list[Any]] = {
        "task": [name] * len(samples),
        "sample": [s.id for s in samples],
        "index": list(range(len(samples))),
        "cluster": [s.cluster for s in samples],
        "request": [task.request] * len(samples),
        "prompt": [s.prompt for s in samples],
        "choices": [s.choices if scoring else None for s in samples],
        "continuations": [s.continuations if scoring else None for s in samples],
        "logprobs": [s.logprobs for s in samples],
        "tokens": [None if s.tokens is None else [s.tokens] for s in samples],
        "greedy": [s.greedy for s in samples],
        "completion": [s.completion for s in samples],
        "finish": [s.finish for s in samples],
        "truncated": [None] * len(samples),
        "target": [s.target for s in samples],
        "metadata": [
            json.dumps(plain(s.metadata), ensure_ascii=False, sort_keys=True, default=str) for s in samples
        ],
        "failure": [s.failure for s in samples],
        "failure_detail": [s.failure_detail for s in samples],
    }
    if any(s.thoughts for s in samples):
        columns["thoughts"] = [s.thoughts or None for s in samples]
    for metric in dict.fromkeys(metric.name for metric in task.metrics):
        if any(metric in sample.scores for sample in samples):
            columns |= _score_columns(metric, samples)
    return columns


def _score_columns(metric: str, samples: Sequence[FoundSample]) -> Mapping[str, list[Any]]:
    scores = [sample.scores.get(metric) for sample in samples]
    stats = [
        None if sample.failure else [0.0, 0.0, 1.0] if score is None else [score, 1.0]
        for sample, score in zip(samples, scores, strict=True)
    ]
    return {f"score.{metric}": scores, f"stats.{metric}": stats}
