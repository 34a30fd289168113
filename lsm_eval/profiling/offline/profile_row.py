"""What an offline profile's record says of its measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.models.base import Endless, Model, ModelInfo
from lsm_eval.profiling import prompts
from lsm_eval.profiling.cells import workload_hash
from lsm_eval.profiling.energy import Energy
from lsm_eval.profiling.memory import peak_device_memory, peak_memory
from lsm_eval.profiling.offline.numbers import cell_row
from lsm_eval.profiling.offline.spec import Cell, OfflineSpec
from lsm_eval.profiling.offline.sweep import MeasuredBatch, SweepResult
from lsm_eval.results.profile_rows import REPEAT_COLUMNS, EnergyRow, ProfileRow, WorkloadRow
from lsm_eval.runner.environment import hardware
from lsm_eval.statistics.repeats import repeated_mean

VERSION = 2
"""Version of the measurement method (`ProfileRow.version`). In version 1, shares were means over the batches with possible values."""


def profile_row(
    model: Model,
    offline: OfflineSpec,
    cells: Sequence[Cell],
    found: SweepResult,
    load_seconds: float,
    energy: Energy,
    whole: EnergyRow,
    before: int | None,
) -> ProfileRow:
    info = model.info
    # Measuring the machine needs memory, too: it is excluded if the system can reset its record of the peak.
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
        load_seconds=load_seconds,
        peak_memory_bytes=max((peak for peak in peaks if peak is not None), default=None),
        peak_device_memory_bytes=max((peak for peak in device_peaks if peak is not None), default=None),
        energy=whole,
        stopped=found.stopped,
        notes=_notes(model, cells, found, offline),
    )


def repeats_table(rows: Sequence[MeasuredBatch]) -> dict[str, list[Any]]:
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


def machine_line(info: ModelInfo) -> str:
    """The hardware a model runs on, in one line: a GPU; or a processor with its cores and the threads in use."""
    there = hardware(info.device)
    if "gpu" in there:
        return str(there["gpu"])
    threads = (info.details or {}).get("threads") or there.get("threads")
    used = f", {threads} thread{'' if str(threads) == '1' else 's'}" if threads is not None else ""
    return f"{there['cpu']}, {there['cores']} cores{used}"


def _notes(model: Model, cells: Sequence[Cell], found: SweepResult, offline: OfflineSpec) -> list[str]:
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


def _wide(cells: Sequence[Cell], found: SweepResult, offline: OfflineSpec) -> list[str]:
    """A sentence if intervals are wider than requested."""
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
