"""An offline profile from the model's name to its record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.base import Endless, Model, ModelInfo, ModelOptions
from lsm_eval.models.baselines import Baseline
from lsm_eval.models.create import create
from lsm_eval.profiling.energy import Energy, find_energy
from lsm_eval.profiling.energy_zeus import check_zeus, zeus_energy
from lsm_eval.profiling.memory import peak_memory
from lsm_eval.profiling.offline.measure import BatchRunner
from lsm_eval.profiling.offline.profile_row import profile_row, repeats_table
from lsm_eval.profiling.offline.reach import MachineMeter
from lsm_eval.profiling.offline.spec import OfflineSpec
from lsm_eval.profiling.offline.sweep import sweep
from lsm_eval.profiling.record import ProfileContents, write_profile
from lsm_eval.progress import Progress
from lsm_eval.requests import Generate
from lsm_eval.results.profile_rows import EnergyRow, ProfileRow
from lsm_eval.results.schema import EstimateRow, Manifest
from lsm_eval.results.writer import check_out, clear_leftovers
from lsm_eval.runner.environment import hardware, versions
from lsm_eval.runner.model_row import model_row
from lsm_eval.runner.spec import RunSpec
from lsm_eval.secrets import without_secrets

_SLOTTED = ("llama.cpp:", "onnx:")
"""Engines that are told how many sequences to compute at a time."""


@dataclass(frozen=True)
class ProfileResult:
    """A finished profile: its record and what is in it."""

    record: Path
    manifest: Manifest
    estimates: list[EstimateRow]
    profile: ProfileRow


def profile_model(spec: RunSpec, offline: OfflineSpec, progress: Progress) -> ProfileResult:
    """Measure the model of `spec`, and write the record below `spec.out`.

    Raises `UserError`, before anything is measured, for a model that cannot be profiled offline and for cells that do not fit its
    context; KeyboardInterrupt, with nothing written, if it is stopped before any cell is complete.
    """
    created, start = datetime.now(UTC), time.perf_counter()
    timed = _PhaseTimer()
    _ = offline.most
    check_out(spec.out)
    for left in clear_leftovers(spec.out):
        progress.note(f"removed {left}, which a run that was killed left half-written.")
    model = create(spec.model, _with_slots(spec, offline), progress)
    _check(model)
    if isinstance(model, Endless):
        model.ignore_ends()
    cells = offline.cells(model.info.name, model.info.context)
    if offline.energy == "zeus":
        check_zeus(model.info.device)
    with timed.phase("fingerprint"):
        fingerprint = model.fingerprint()
    with timed.phase("load"), progress.phase("load model"):
        model.load()
    if not model.cost([Generate("a", max_tokens=1)]):
        raise UserError(
            f"--model {spec.model} counts no tokens, so that its speed cannot be told: name another one."
        )
    info = model.info
    reach = MachineMeter(info.device or "cpu", _dtype(info))
    with timed.phase("measure"), _energy(offline, info.device) as energy:
        bench = BatchRunner(model, energy)
        before = peak_memory()
        joules, began = energy.joules(), time.perf_counter()
        found = sweep(model, cells, offline, bench, reach, progress)
        whole = _whole_energy(energy, joules, time.perf_counter() - began)
    if not any(found.of(cell) for cell in cells):
        why = found.missing[cells[0]]
        raise UserError(f"{info.name}: nothing could be measured: {why[:1].lower()}{why[1:]}")
    profile = profile_row(model, offline, cells, found, timed.seconds["load"], energy, whole, before)
    profiled = ProfileContents(
        profile=profile,
        model=model_row(
            model.info,
            fingerprint,
            dict(model.info.details or {}),
            name=spec.name,
            spec=without_secrets(spec.model),
        ),
        created=created,
        tables={"repeats": repeats_table(found.rows)},
        command=spec.command,
        settings=_settings(spec, offline),
        versions=versions(),
        hardware=hardware(model.info.device),
        phases=timed.seconds,
        seconds=time.perf_counter() - start,
    )
    record, manifest, estimates = write_profile(spec.out, profiled)
    return ProfileResult(record, manifest, estimates, profile)


def _energy(offline: OfflineSpec, device: str | None) -> Energy:
    return zeus_energy(device) if offline.energy == "zeus" else find_energy(device)


def _with_slots(spec: RunSpec, offline: OfflineSpec) -> ModelOptions:
    """Options that let an engine with slots compute a whole batch at a time."""
    if spec.model.startswith(_SLOTTED) and spec.options.slots is None:
        return replace(spec.options, slots=max(offline.batches))
    return spec.options


def _check(model: Model) -> None:
    info = model.info
    if isinstance(model, Baseline):
        raise UserError(
            f"--model {info.name} asks no model in this process, so that there is nothing to measure: name a checkpoint."
        )
    if info.likelihood == "pseudo":
        raise UserError(
            f"--model {info.name} is a masked language model, which writes no text: a profile measures reading and writing; name "
            "another one."
        )


def _dtype(info: ModelInfo) -> str:
    """The dtype for measuring the machine: the model's, if torch has it."""
    return info.dtype if info.dtype in ("float32", "bfloat16", "float16") else "float32"


def _whole_energy(energy: Energy, before: float | None, seconds: float) -> EnergyRow:
    after = energy.joules()
    if before is None or after is None:
        return EnergyRow(why=energy.why)
    return EnergyRow(counters=energy.names, joules=after - before, seconds=seconds)


def _settings(spec: RunSpec, offline: OfflineSpec) -> dict[str, Any]:
    options = spec.options
    return {
        "dtype": options.dtype,
        "device": options.device,
        "engine": options.engine,
        "batch_tokens": options.batch_tokens or "auto",
        "slots": options.slots,
        "threads": options.threads,
        "context": options.context,
        "adapter": options.adapter,
        "quantize": options.quantize,
        "trust_remote_code": options.trust_remote_code,
        "offline": options.offline,
        "repeats": offline.repeats,
        "max_repeats": offline.most,
        "energy": offline.energy,
    }


class _PhaseTimer:
    """Measures the seconds of each phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
