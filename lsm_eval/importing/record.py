"""Makes a record of the content of an imported file."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval import __version__
from lsm_eval.errors import UserError
from lsm_eval.importing.columns import digest_of, plain, table_of
from lsm_eval.importing.found import FoundMetric, FoundRun, FoundSample, FoundTask
from lsm_eval.importing.read import sha256
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.schema import (
    SCHEMA_VERSION,
    DatasetRow,
    EstimateRow,
    ImportedRow,
    Manifest,
    TaskRow,
)
from lsm_eval.secrets import without_secrets
from lsm_eval.statistics import methods
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate

AS_IMPORTED = "none (as imported)"
"""The method of a number without samples for an interval; its standard error is the tool's own."""
NOT_THE_MEAN = "none (as imported: not the mean of its samples' scores)"
UNKNOWN = "unknown"
_SAME = 1e-9
"""Sums in different orders differ by less than this."""
_LONGEST = 100


class _Mean:
    """A plain mean, for `statistics.intervals`."""

    mean = True

    def __init__(self, unit: str, *, proportion: bool) -> None:
        self.unit = unit
        self.proportion = proportion

    def aggregate(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of values divided by the sum of weights."""
        found: NDArray[np.float64] = sums[..., 0] / sums[..., 1]
        return found


def record_of(run: FoundRun) -> tuple[Manifest, list[EstimateRow], dict[str, dict[str, list[Any]]]]:
    """Manifest, estimates and sample tables. Raises `UserError` if two samples or tasks cannot be distinguished."""
    identity = json.dumps(
        [run.tool, run.model, run.revision, run.dtype, run.model_identity], sort_keys=True, default=str
    )
    fingerprint = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
    rows: list[TaskRow] = []
    estimates: list[EstimateRow] = []
    tables: dict[str, dict[str, list[Any]]] = {}
    names = _names(run.tasks)
    for task in run.tasks:
        row = _task_row(names[task.name], task, run)
        rows.append(row)
        estimates += [_estimate(row, task, metric, run, fingerprint) for metric in task.metrics]
        if task.samples is not None:
            tables[row.task] = table_of(row.task, task, task.samples, run)
    generated = sum(sample.tokens or 0 for task in run.tasks for sample in task.samples or ())
    every = [sample for task in run.tasks for sample in task.samples or ()]
    known = bool(every) and all(sample.tokens is not None or sample.failure for sample in every)
    files = {file.name: sha256(file) for file in run.files}
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        # Several files can have the same time.
        run=f"{run.created.strftime('%Y%m%dT%H%M%S.%fZ')}-{files[run.files[0].name][:8]}",
        created=run.created.isoformat(),
        command=[],
        seed=run.seed,
        model=ModelRow(
            name=without_secrets(run.model),
            fingerprint=fingerprint,
            parameters=run.parameters,
            revision=run.revision,
            dtype=run.dtype,
            device=run.device,
            context=run.context,
            details={"engine": f"{run.tool} {run.version or ''}".strip()},
        ),
        tasks=rows,
        versions={**run.versions, "lsm-eval": __version__},
        hardware={},
        phases=[],
        requests={},
        tokens={"generated": generated} if known else {},
        settings={key: _safe(value) for key, value in run.settings.items() if value is not None},
        imported=ImportedRow(
            tool=run.tool,
            version=run.version,
            files=files,
            lacking=[*run.lacking, "the command", "phases, requests and work of the run", "the machine"],
        ),
    )
    return manifest, estimates, tables


def _safe(value: Any) -> Any:
    """A setting, with secrets removed from all of its texts."""
    return json.loads(without_secrets(json.dumps(plain(value), default=str)))


def _names(tasks: Sequence[FoundTask]) -> dict[str, str]:
    """Valid task names for the tool's names: lower-case letters, digits, `_`, `.` and `-`."""
    found: dict[str, str] = {}
    for task in tasks:
        plain = (
            re.sub(r"[^a-z0-9_.-]+", "_", task.name.lower()).strip("_.-")[:_LONGEST].rstrip("_.-") or "task"
        )
        name, more = plain, 2
        while name in found.values():
            name, more = f"{plain[: _LONGEST - 5]}_{more}", more + 1
        if task.name in found:
            raise UserError(f"the file has two tasks called {task.name!r}, which cannot be told apart.")
        found[task.name] = name
    return found


def _version(version: str | None) -> int:
    try:
        return int(float(version)) if version is not None else 0
    except (ValueError, OverflowError):
        return 0


def _task_row(name: str, task: FoundTask, run: FoundRun) -> TaskRow:
    samples = task.samples
    failures: dict[str, int] = {}
    for sample in samples or ():
        if sample.failure:
            failures[sample.failure] = failures.get(sample.failure, 0) + 1
    return TaskRow(
        task=name,
        version=_version(task.version),
        title=task.name,
        area="imported",
        licence="not in the file",
        source=f"imported from {run.tool}",
        description=task.description,
        dataset=DatasetRow(
            source="imported",
            name=task.dataset,
            configs=task.configs,
            split=task.split,
            revision=task.revision,
            rows=task.rows,
            sha256=digest_of(samples) if samples is not None else UNKNOWN,
            pinned=False,
        ),
        request=task.request,
        shots=task.shots,
        sampler="as imported",
        chat=task.chat,
        limit=task.limit,
        samples=len(samples) if samples is not None else task.count,
        failures=failures,
        thoughts=sum(bool(sample.thoughts) for sample in samples or ()),
        own_shots=task.shots,
        own_chat=task.chat,
        drifted=False,
        no_samples=task.no_samples if samples is None else None,
        own_version=task.version,
    )


def _estimate(
    row: TaskRow, task: FoundTask, metric: FoundMetric, run: FoundRun, fingerprint: str
) -> EstimateRow:
    scores = [sample.scores.get(metric.name) for sample in task.samples or ()]
    values = [score for score in scores if score is not None]
    unit, proportion = _unit(metric, values)
    ours = _from_samples(task.samples, metric, unit, proportion) if task.samples else None
    given = {
        "name": metric.own_name,
        "value": metric.value,
        "stderr": metric.stderr,
        "n": metric.n,
        **plain(metric.more),
    }
    method = AS_IMPORTED
    stderr = metric.stderr if metric.stderr is not None and metric.stderr >= 0 else None
    differs = ours is not None and metric.value is not None and not _same(ours.value, metric.value)
    if differs and not metric.mean:
        ours, method = None, NOT_THE_MEAN
    if ours is None:
        made: dict[str, Any] = {
            "value": metric.value, "low": None, "high": None, "stderr": stderr, "level": 0.95, "ties": 0,
            "method": method if metric.value is not None else "none (the file gives no value)",
            "n": metric.n if metric.n is not None else row.samples, "missing": 0, "clusters": None,
        }  # fmt: skip
    else:
        made = {name: getattr(ours, name) for name in Estimate.__slots__}
        if _same(ours.value, metric.value):
            made["value"] = metric.value  # in full precision
    signature = _metric_signature(metric)
    return EstimateRow(
        task=row.task,
        task_version=row.version,
        title=row.title,
        area=row.area,
        metric=metric.name,
        unit=unit,
        higher_is_better=metric.higher_is_better,
        metric_signature=signature,
        signature=_signature(row, task, signature, run, fingerprint),
        imported={**given, "differs": differs},
        **made,
    )  # fmt: skip


def _unit(metric: FoundMetric, values: Sequence[float]) -> tuple[str, bool]:
    """The unit, and whether each sample's score is 0 or 1."""
    binary = bool(values) and all(value in (0.0, 1.0) for value in values)
    within = all(0 <= value <= 1 for value in values) and (metric.value is None or 0 <= metric.value <= 1)
    return ("fraction" if within and (metric.fraction or binary) else "other"), binary


def _from_samples(
    samples: Sequence[FoundSample], metric: FoundMetric, unit: str, proportion: bool
) -> Estimate | None:
    """The mean of the samples' scores with our interval; None if they have no scores."""
    if not any(metric.name in sample.scores for sample in samples):
        return None
    counted = [sample for sample in samples if sample.scores.get(metric.name) is not None]
    stats = np.array([[sample.scores[metric.name], 1.0] for sample in counted], float).reshape(-1, 2)
    with np.errstate(over="ignore", invalid="ignore"):
        made = estimate(
            _Mean(unit, proportion=proportion),
            stats,
            [sample.cluster for sample in counted],
            missing=len(samples) - len(counted),
            ties=0,
            seed=0,
        )
    if all(end is None or math.isfinite(end) for end in (made.low, made.high, made.stderr)):
        return made
    return replace(made, low=None, high=None, stderr=None, method="none (infinite)")


def _same(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and math.isclose(one, other, rel_tol=_SAME, abs_tol=1e-12)


def _metric_signature(metric: FoundMetric) -> str:
    return re.sub(r"\s+", "_", metric.own_name)


def _signature(row: TaskRow, task: FoundTask, metric: str, run: FoundRun, fingerprint: str) -> str:
    shots = "?" if row.shots is None else row.shots
    parts = [
        f"{row.task}:v{row.version}",
        f"data:{row.dataset.sha256[:16]}!unpinned",
        f"n:{'?' if row.samples is None else row.samples}",
        f"shots:{shots}",
    ]
    if task.version != str(row.version):
        parts.append(f"own_version:{task.version or '?'}")
    if task.seed is not None and (row.shots or task.request == "generate"):
        parts.append(f"seed:{task.seed}")
    parts.append(f"chat:{'?' if row.chat is None else 'on' if row.chat else 'off'}")
    if task.config is not None:
        config = json.dumps(task.config, sort_keys=True, default=str)
        parts.append(f"config:{hashlib.sha256(config.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}")
    parts += [
        f"metric:{metric}",
        f"imported:{run.tool}/{run.version or '?'}",
        f"intervals:{methods.fingerprint()}",
        f"model:{fingerprint[:16]}",
    ]
    return " ".join(re.sub(r"\s+", "_", part) for part in parts)
