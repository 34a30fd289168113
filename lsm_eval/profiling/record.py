"""A profile as an ordinary record: a task for each cell, an estimate for each metric, and the raw measurements in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lsm_eval.profiling.cells import metric_signature, signature, task_of
from lsm_eval.results.cost_rows import CostRow
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.profile_rows import CellRow, MeasuredRow, ProfileRow
from lsm_eval.results.schema import (
    SCHEMA_VERSION,
    DatasetRow,
    EstimateRow,
    ImportedRow,
    LeftOutRow,
    Manifest,
    TaskRow,
)
from lsm_eval.results.work_rows import Phase, Work
from lsm_eval.results.writer import write_record
from lsm_eval.secrets import without_secrets

AREA = "speed"
NO_SAMPLES = "it is a profile, whose measurements are in its folder profile"


@dataclass(frozen=True)
class ProfileContents:
    """Everything that a record says about one profile."""

    profile: ProfileRow
    model: ModelRow
    """With the model's fingerprint, so that a profile appears in the same row as the model's scores."""
    created: datetime
    tables: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)
    """Raw measurements: `requests` or `repeats` (`results.writer.PROFILE_TABLES`), column by column."""
    command: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase; `other` is added, so that they add up to `seconds`."""
    seconds: float | None = None
    """Total wall time; None if it was not measured (imported profiles)."""
    requests: Mapping[str, int] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: CostRow | None = None
    imported: ImportedRow | None = None
    own_numbers: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """For an imported profile: the tool's own numbers, by cell and metric (`EstimateRow.imported`)."""
    run_suffix: str = ""
    """Suffix to the time in the run's name, if several records may have the same time."""


def write_profile(out: Path, profiled: ProfileContents) -> tuple[Path, Manifest, list[EstimateRow]]:
    """Write the record of a profile below `out`. Raises `UserError`, leaving nothing behind, if it cannot be written."""
    manifest, estimates = profile_record(profiled)
    place = write_record(out, manifest, estimates, {}, profile=profiled.tables)
    return place, manifest, estimates


def profile_record(profiled: ProfileContents) -> tuple[Manifest, list[EstimateRow]]:
    """The manifest and the estimates of a profile."""
    profile, created = profiled.profile, profiled.created
    listed = [cell for cell in profile.cells if cell.listed]
    measured = [cell for cell in listed if cell.missing is None]
    estimates = [_estimate(profiled, cell, metric) for cell in measured for metric in cell.metrics]
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        run=created.strftime("%Y%m%dT%H%M%S.%fZ") + profiled.run_suffix,
        created=created.isoformat(),
        command=[without_secrets(part) for part in profiled.command],
        seed=profile.workload.seed,
        model=profiled.model,
        tasks=[_task(profiled, cell) for cell in measured],
        versions=dict(profiled.versions),
        hardware=dict(profiled.hardware),
        phases=_phases(profiled),
        requests=dict(profiled.requests),
        tokens=dict(profiled.tokens),
        work=_work(profiled),
        left_out=[
            LeftOutRow(task=task_of(cell), why=without_secrets(cell.missing))
            for cell in listed
            if cell.missing is not None
        ],
        imported=profiled.imported,
        settings=dict(profiled.settings),
        cost=profiled.cost,
        profile=profile,
    )
    return manifest, estimates


def _task(profiled: ProfileContents, cell: CellRow) -> TaskRow:
    profile = profiled.profile
    return TaskRow(
        task=task_of(cell),
        version=profile.version,
        title=cell.title,
        area=AREA,
        licence="made up on the spot" if profile.workload.seed is not None else "not said",
        source="lsm-eval profile" if profiled.imported is None else f"imported from {profiled.imported.tool}",
        description=_described(profile, cell),
        dataset=DatasetRow(
            source="profile",
            name=profile.workload.name,
            split="all",
            rows=None,
            sha256=profile.workload.sha256,
            pinned=True,
        ),
        request="profile",
        shots=None,
        sampler="none",
        chat=None,
        limit=None,
        samples=None,
        failures=dict(cell.failures),
        no_samples=NO_SAMPLES,
    )


def _described(profile: ProfileRow, cell: CellRow) -> str:
    conditions = ", ".join(f"{key} {value}" for key, value in cell.conditions.items() if value is not None)
    return f"{profile.kind} profile, {conditions}; cache {profile.cache}; on {profile.machine}."


def _estimate(profiled: ProfileContents, cell: CellRow, metric: MeasuredRow) -> EstimateRow:
    profile = profiled.profile
    imported = profiled.imported
    tool = None if imported is None else f"{imported.tool}/{imported.version or '?'}"
    own = profiled.own_numbers.get((cell.name, metric.metric))
    return EstimateRow(
        task=task_of(cell),
        task_version=profile.version,
        title=cell.title,
        area=AREA,
        metric=metric.metric,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        value=metric.value,
        low=metric.low,
        high=metric.high,
        stderr=metric.stderr,
        method=metric.method,
        level=metric.level,
        n=metric.n,
        missing=metric.missing,
        ties=0,
        clusters=None,
        metric_signature=metric_signature(profile, metric),
        signature=signature(profile, cell, metric, fingerprint=profiled.model.fingerprint, imported=tool),
        imported=None if own is None else dict(own),
    )


def _phases(profiled: ProfileContents) -> list[Phase]:
    if profiled.seconds is None:
        return []
    known = sum(profiled.phases.values())
    every = {**profiled.phases, "other": max(profiled.seconds - known, 0.0)}
    return [Phase(name=name, seconds=round(seconds, 3)) for name, seconds in every.items()]


def _work(profiled: ProfileContents) -> Work | None:
    if profiled.seconds is None:
        return None
    profile = profiled.profile
    return Work(
        seconds=round(profiled.seconds, 3),
        peak_memory_bytes=profile.peak_memory_bytes,
        peak_device_memory_bytes=profile.peak_device_memory_bytes,
    )
