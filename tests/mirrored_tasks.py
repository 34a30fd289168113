"""Tasks with the real data of a mirror: rows as pinned, samples as asked, and what rows without a model score."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from lsm_eval.data import DataOptions, Table, load
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.metrics.joint import join
from lsm_eval.models.baselines import Baseline
from lsm_eval.requests import Response
from lsm_eval.scoring import registry as metrics
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.build import BuildOptions, build_samples, where_filter
from lsm_eval.tasks.registry import Registry, load_task
from lsm_eval.tasks.sample import Sample


@cache
def table_of(name: str, hub: Path | None = None, files: Path | None = None) -> Table:
    """The task's rows."""
    loaded = load_task(Registry().tasks[name])
    dataset = loaded.task.dataset
    options = DataOptions(mirror=hub, files=files, offline=True)
    assert dataset.sha256 is not None
    data = load(
        dataset, base=loaded.folder, options=options, pinned=dataset.sha256, keep=where_filter(loaded)
    )
    assert data.pinned
    return data


@cache
def samples_of(
    name: str, hub: Path | None = None, files: Path | None = None, limit: int | None = None, shots: int = 0
) -> list[Sample]:
    """The task's samples, or the first of them, with so many of its examples."""
    loaded = load_task(Registry().tasks[name])
    return build_samples(
        loaded, table_of(name, hub, files), None, BuildOptions(shots=shots, limit=limit, first=True)
    )


def metrics_of(name: str) -> list[AnyMetric]:
    """The task's metrics."""
    return [metrics.create(spec) for spec in load_task(Registry().tasks[name]).task.metrics]


def row(name: str, model: str, samples: list[Sample]) -> Mapping[str, Estimate]:
    """Estimates of a row without a model, by metric."""
    answers: dict[int, Response] = {}
    for batch in Baseline(model).answer([request for sample in samples for request in sample.requests]):
        answers.update(batch)
    in_turn = (answers[place] for place in range(len(answers)))
    responses = [join([next(in_turn) for _ in sample.requests]) for sample in samples]
    found, _ = score_task(metrics_of(name), samples, responses, seed=0)
    return {metric.name: estimate for metric, estimate in found}
