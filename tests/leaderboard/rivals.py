"""Records of several models that answered the same samples, each number counted from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from records import Json, estimate, sample, task, write_record

Scores = NDArray[np.float64]


def drawn(models: int, samples: int, *, seed: int = 0, step: float = 0.1) -> Scores:
    """0 or 1 of models that get better by `step`, on samples of which some are harder [models, samples]."""
    rng = np.random.default_rng(seed)
    hard = rng.random(samples)
    share = 0.3 + step * np.arange(models)
    return np.asarray(0.5 * hard + 0.5 * rng.random((models, samples)) < share[:, None], float)


def rivals(
    root: Path,
    scores: Mapping[str, Sequence[Scores]],
    *,
    metrics: Mapping[str, str] | None = None,
    clusters: Mapping[str, Sequence[str]] | None = None,
    weights: Mapping[str, Sequence[float]] | None = None,
    fields: Mapping[str, Json] | None = None,
    names: Sequence[str] = (),
    manifest: Sequence[Json] = (),
) -> Path:
    """A record for each model in `root`. `scores`: by task, the models' scores [n] each, NaN for a sample that failed; `fields`: by task, what more its estimate
    says (unit, area …)."""
    count = len(next(iter(scores.values())))
    for at in range(count):
        rows: list[Json] = []
        samples: list[Json] = []
        tasks: list[Json] = []
        for name, own in scores.items():
            metric = (metrics or {}).get(name, "accuracy")
            values, more = own[at], (fields or {}).get(name, {})
            groups = None if clusters is None else clusters.get(name)
            weighed = None if weights is None else weights.get(name)
            rows.append(_counted(name, metric, values, groups, weighed, more))
            failed = int(np.isnan(values).sum())
            tasks.append(
                task(name, rows[-1]["area"], samples=len(values), failures={"nan": failed} if failed else {})
            )
            for place, value in enumerate(values.tolist()):
                row = _sample(name, metric, place, value, None if groups is None else groups[place])
                samples.append(row if weighed is None else {**row, "weight": weighed[place]})
        model = names[at] if names else f"org/model {at}"
        write_record(
            root / f"{at}", model, rows, tasks=tasks, samples=samples,
            model_fields={"fingerprint": f"{at:064x}", **(manifest[at].pop("model", {}) if manifest else {})},
            **(manifest[at] if manifest else {}),
        )  # fmt: skip
    return root


def _counted(
    name: str,
    metric: str,
    values: Scores,
    groups: Sequence[str] | None,
    weights: Sequence[float] | None,
    more: Json,
) -> Json:
    there = ~np.isnan(values)
    known = values[there]
    mean = np.average(known, weights=None if weights is None else np.array(weights)[there])
    value, spread = float(mean), 1.96 * float(known.std()) / len(known) ** 0.5
    found: dict[str, Any] = {
        "value": value, "low": value - spread, "high": value + spread, "stderr": spread / 1.96, "n": len(known),
        "missing": len(values) - len(known), "clusters": None if groups is None else len(set(groups)),
    }  # fmt: skip
    row = estimate(name, metric, 0.5)
    signature = row["signature"].replace(" n:200 ", f" n:{len(values)} ")
    return {**row, **found, "signature": signature, **more}


def _sample(name: str, metric: str, place: int, value: float, cluster: str | None) -> Json:
    failed = np.isnan(value)
    row = sample(name, place, cluster=cluster)
    del row["score.accuracy"], row["stats.accuracy"]
    if value == 0:
        row["logprobs"] = [-2.5, -1.25]
    return {
        **row,
        "failure": "nan" if failed else None,
        f"score.{metric}": None if failed else value,
        f"stats.{metric}": None if failed else [value, 1.0],
    }
