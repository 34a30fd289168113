"""An offline profile from the model's name to its record."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.base import Endless, Model, ModelInfo, ModelOptions
from lsm_eval.models.baselines import Baseline
from lsm_eval.models.create import create
from lsm_eval.profiling import prompts
from lsm_eval.profiling.cells import workload_hash
from lsm_eval.profiling.energy import Energy, find_energy
from lsm_eval.profiling.energy_zeus import check_zeus, zeus_energy
from lsm_eval.profiling.memory import peak_device_memory, peak_memory
from lsm_eval.profiling.offline.measure import Bench
from lsm_eval.profiling.offline.numbers import cell_row
from lsm_eval.profiling.offline.reach import Reach
from lsm_eval.profiling.offline.spec import Cell, OfflineSpec
from lsm_eval.profiling.offline.sweep import Measured, Sweep, sweep
from lsm_eval.profiling.record import Profiled, write_profile
from lsm_eval.progress import Progress
from lsm_eval.requests import Generate
from lsm_eval.results.profile_rows import REPEAT_COLUMNS, EnergyRow, ProfileRow, WorkloadRow
from lsm_eval.results.schema import EstimateRow, Manifest
from lsm_eval.results.writer import check_out, clear_leftovers
from lsm_eval.runner.environment import hardware, versions
from lsm_eval.runner.model_row import model_row
from lsm_eval.runner.spec import RunSpec
from lsm_eval.secrets import without_secrets
from lsm_eval.statistics.repeats import repeated_mean

VERSION = 2
"""Of the way of measuring (`ProfileRow.version`). In 1 shares were the mean of those batches' that were possible."""
_SLOTTED = ("llama.cpp:", "onnx:")
"""Engines that compute so many sequences at a time as they are told."""


@dataclass(frozen=True)
class Made:
    """What a profile left behind."""

    record: Path
    manifest: Manifest
    estimates: list[EstimateRow]
    profile: ProfileRow


def profile_model(spec: RunSpec, offline: OfflineSpec, progress: Progress) -> Made:
    """Measure the model of `spec`, and write the record below `spec.out`.

    Raises `UserError` for a model that cannot be profiled so, and for cells that do not fit its context, before anything is measured; KeyboardInterrupt, with
    nothing written, where it is stopped before any cell is whole.
    """
    created, start = datetime.now(UTC), time.perf_counter()
    timed = _Timed()
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
    reach = Reach(info.device or "cpu", _dtype(info))
    with timed.phase("measure"), _energy(offline, info.device) as energy:
        bench = Bench(model, energy)
        before = peak_memory()
        joules, began = energy.joules(), time.perf_counter()
        found = sweep(model, cells, offline, bench, reach, progress)
        whole = _whole_energy(energy, joules, time.perf_counter() - began)
    if not any(found.of(cell) for cell in cells):
        why = found.missing[cells[0]]
        raise UserError(f"{info.name}: nothing could be measured: {why[:1].lower()}{why[1:]}")
    profile = _profile(model, offline, cells, found, timed, energy, whole, before)
    profiled = Profiled(
        profile=profile,
        model=model_row(
            model.info,
            fingerprint,
            dict(model.info.details or {}),
            name=spec.name,
            spec=without_secrets(spec.model),
        ),
        created=created,
        tables={"repeats": _table(found.rows)},
        command=spec.command,
        settings=_settings(spec, offline),
        versions=versions(),
        hardware=hardware(model.info.device),
        phases=timed.seconds,
        seconds=time.perf_counter() - start,
    )
    record, manifest, estimates = write_profile(spec.out, profiled)
    return Made(record, manifest, estimates, profile)


def _energy(offline: OfflineSpec, device: str | None) -> Energy:
    return zeus_energy(device) if offline.energy == "zeus" else find_energy(device)


def _with_slots(spec: RunSpec, offline: OfflineSpec) -> ModelOptions:
    """An engine that is told how many sequences it computes at a time is to compute a whole batch."""
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
    """That machine's products are measured in: the model's, where torch has it."""
    return info.dtype if info.dtype in ("float32", "bfloat16", "float16") else "float32"


def machine_line(info: ModelInfo) -> str:
    """What computes a model, in one line: a GPU; or a processor with its cores and the threads that are used."""
    there = hardware(info.device)
    if "gpu" in there:
        return str(there["gpu"])
    threads = (info.details or {}).get("threads") or there.get("threads")
    used = f", {threads} thread{'' if str(threads) == '1' else 's'}" if threads is not None else ""
    return f"{there['cpu']}, {there['cores']} cores{used}"


def _profile(
    model: Model,
    offline: OfflineSpec,
    cells: Sequence[Cell],
    found: Sweep,
    timed: _Timed,
    energy: Energy,
    whole: EnergyRow,
    before: int | None,
) -> ProfileRow:
    info = model.info
    # Measuring the machine takes memory of its own, which is the model's where the system cannot begin anew alone.
    own = [row.batch.peak_memory for row in found.rows]
    peaks = [before, *own] if any(own) else [peak_memory()]
    device_peaks = [peak_device_memory(info.device), *(row.batch.peak_device_memory for row in found.rows)]
    return ProfileRow(
        kind="offline",
        version=VERSION,
        formulas="vllm",
        workload=WorkloadRow(
            name="made-up prompts",
            sha256=workload_hash({"prompts": prompts.VERSION, "seed": offline.seed}),
            seed=offline.seed,
            prompt_tokens=", ".join(map(str, offline.prompts)),
            output_tokens=", ".join(map(str, offline.outputs)),
            requests=sum(row.cell.batch for row in found.rows if row.counts),
            ends_ignored=isinstance(model, Endless),
        ),
        asked={
            "batch": list(offline.batches),
            "prompt_tokens": list(offline.prompts),
            "output_tokens": list(offline.outputs),
            "repeats": offline.repeats,
            "max_repeats": offline.most,
            "within": offline.within,
        },
        cache="cold",
        machine=machine_line(info),
        cells=[cell_row(cell, found, energy.why, energy.names) for cell in cells],
        load_seconds=timed.seconds["load"],
        peak_memory_bytes=max((peak for peak in peaks if peak is not None), default=None),
        peak_device_memory_bytes=max((peak for peak in device_peaks if peak is not None), default=None),
        energy=whole,
        stopped=found.stopped,
        notes=_notes(model, cells, found, offline),
    )


def _notes(model: Model, cells: Sequence[Cell], found: Sweep, offline: OfflineSpec) -> list[str]:
    notes = []
    if not isinstance(model, Endless):
        notes.append("The model ends its answers where it likes, so that they may be shorter than asked for.")
    for cell in cells:
        rows = found.of(cell)
        lengths = {row.batch.prompt_tokens for row in rows} - {cell.batch * cell.prompt}
        if lengths:
            notes.append(
                f"{cell.title}: its tokenizer has no way to that length: prompts have {max(lengths) / cell.batch:,.1f} tokens."
            )
    if not found.stopped:
        notes += _wide(cells, found, offline)
    return notes


def _wide(cells: Sequence[Cell], found: Sweep, offline: OfflineSpec) -> list[str]:
    """A sentence where intervals are wider than they were to be."""
    widths = {
        cell: repeated_mean([row.batch.seconds for row in rows]).half_width
        for cell in cells
        if (rows := found.of(cell))
    }
    wide = {cell: width for cell, width in widths.items() if width > offline.within}
    if not wide:
        return []
    worst = max(wide, key=lambda cell: wide[cell])
    sentence = (
        f"{len(wide):,} of {len(widths):,} cells have an interval of more than {100 * offline.within:.0f} % either way after "
        f"{len(found.of(worst)):,} rounds ({worst.title}: {100 * wide[worst]:.0f} %): something else ran on the machine, or more "
        "rounds are needed (--max-repeats)."
    )
    return [sentence]


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


def _table(rows: Sequence[Measured]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in REPEAT_COLUMNS}
    for row in rows:
        batch = row.batch
        values = {
            "cell": row.cell.name,
            "round": max(row.round, 0),
            "order": row.order,
            "warm_up": row.round < 0,
            "disturbed": row.disturbed,
            "start": row.start,
            "seconds": batch.seconds,
            "prefill_seconds": batch.prefill_seconds,
            "decode_seconds": batch.decode_seconds,
            "prompt_tokens": batch.prompt_tokens,
            "output_tokens": batch.output_tokens,
            "decode_tokens": batch.decode_tokens,
            "prefill_flops": batch.prefill_flops,
            "decode_flops": batch.decode_flops,
            "decode_bytes": batch.decode_bytes,
            "reach_flops": row.machine.flops_per_second,
            "reach_bytes": row.machine.bytes_per_second,
            "peak_memory": batch.peak_memory,
            "peak_device_memory": batch.peak_device_memory,
            "joules": batch.joules,
            "cpu_seconds": batch.cpu_seconds,
        }
        for name in REPEAT_COLUMNS:
            columns[name].append(values[name])
    return columns


class _Timed:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
