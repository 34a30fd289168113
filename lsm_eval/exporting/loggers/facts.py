"""The data of a run for a tracker: settings and numbers, without any text of a sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.results.names import shown_name
from lsm_eval.results.schema import EstimateRow, Manifest

_UNFIT = re.compile(r"[^A-Za-z0-9_.\-/]+")
_LONGEST = 250
_LONGEST_VALUE = 500


@dataclass(frozen=True, slots=True)
class Facts:
    """The data of one run."""

    name: str
    """Name of the run."""
    parameters: dict[str, str]
    metrics: dict[str, float]
    """`TASK/METRIC`, and `low`, `high`, `stderr`, `n`, `missing` below it; unknown values have no entry."""


def facts(manifest: Manifest, estimates: Sequence[EstimateRow]) -> Facts:
    """The data of a record. Names that trackers do not accept are changed, and stay unique."""
    model = manifest.model
    values: dict[str, object] = {
        "model": shown_name(model),
        "fingerprint": model.fingerprint,
        "revision": model.revision,
        "dtype": model.dtype,
        "device": model.device,
        "parameters": model.parameters,
        "context": model.context,
        "adapter": model.details.get("adapter"),
        "engine": model.details.get("engine"),
        "seed": manifest.seed,
        "run": manifest.run,
        **{f"version/{name}": version for name, version in manifest.versions.items()},
    }
    for task in manifest.tasks:
        own = {
            "version": task.own_version or task.version,
            "dataset": task.dataset.name,
            "data_sha256": task.dataset.sha256,
            "shots": task.shots,
            "chat": task.chat,
            "limit": task.limit,
            "samples": task.samples,
        }
        values |= {f"task/{task.task}/{name}": value for name, value in own.items()}
    parameters: dict[str, str] = {}
    for name, value in values.items():
        if value is not None:
            parameters[_fit(name, parameters)] = str(value)[:_LONGEST_VALUE]
    return Facts(manifest.run, parameters, _metrics(manifest, estimates))


def _metrics(manifest: Manifest, estimates: Sequence[EstimateRow]) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in estimates:
        if row.value is None:
            continue
        name = _fit(f"{row.task}/{row.metric}", found)
        parts = {"low": row.low, "high": row.high, "stderr": row.stderr, "n": row.n, "missing": row.missing}
        found[name] = float(row.value)
        found |= {f"{name}/{part}": float(value) for part, value in parts.items() if value is not None}
    if manifest.work is not None:
        found["run/seconds"] = manifest.work.seconds
    if manifest.cost is not None and manifest.cost.dollars is not None:
        found["run/dollars"] = float(manifest.cost.dollars)
    for kind in manifest.latency or ():
        found[f"speed/{kind.request}/requests_per_second"] = kind.requests_per_second
        if kind.output_tokens_per_second is not None:
            found[f"speed/{kind.request}/output_tokens_per_second"] = kind.output_tokens_per_second
        for timed in kind.times:
            found[f"speed/{kind.request}/{timed.what}_n"] = timed.n
            for one in timed.reliable:
                found[f"speed/{kind.request}/{timed.what}_p{100 * one.share:g}_seconds"] = one.seconds
    return found


def _fit(name: str, taken: dict[str, str] | dict[str, float]) -> str:
    plain = _UNFIT.sub("_", name)[:_LONGEST].strip("_/")
    found, more = plain, 2
    while found in taken:
        found, more = f"{plain}_{more}", more + 1
    return found
