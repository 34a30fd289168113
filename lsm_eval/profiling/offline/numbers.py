"""The numbers of a cell, computed from its batches."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lsm_eval.profiling.offline.spec import Cell
from lsm_eval.profiling.offline.sweep import MeasuredBatch, SweepResult
from lsm_eval.results.profile_rows import CellRow, EnergyRow, MeasuredRow, ReachRow
from lsm_eval.statistics.repeats import RepeatedEstimate, repeated_mean, repeated_rate

_CACHE = (
    "it was more than what the machine reached, measured again in the same minute: caches hold what it reads, or something disturbed "
    "the measurement"
)
_UNKNOWN = "the model's operations are not known"
_BY_DIFFERENCE = "t(repeats, difference to reading alone)"


@dataclass(frozen=True, slots=True)
class _Decode:
    """Decoding in one batch: its time, and the tokens generated in it."""

    seconds: float
    tokens: float


def cell_row(cell: Cell, found: SweepResult, energy_why: str | None, counters: Sequence[str]) -> CellRow:
    """The record's row for a cell."""
    rows = found.of(cell)
    missing = found.missing.get(cell)
    if not rows:
        return CellRow(
            name=cell.name,
            title=cell.title,
            conditions=dict(cell.conditions),
            metrics=[],
            missing=missing or "Nothing was measured.",
        )
    return CellRow(
        name=cell.name,
        title=cell.title,
        conditions=dict(cell.conditions),
        metrics=_prefill(rows) if cell.phase == "prefill" else _decode(cell, rows, found),
        n=len(rows),
        seconds=sum(row.batch.seconds for row in rows),
        reach=_reach(rows),
        energy=_energy(rows, energy_why, counters),
    )


def _prefill(rows: Sequence[MeasuredBatch]) -> list[MeasuredRow]:
    return [
        _throughput("input_tokens_per_second", rows, lambda row: row.batch.prompt_tokens),
        *_of_requests(rows),
        *_flops(rows, "prefill"),
        *_memory(rows),
        *_joules(rows, lambda row: row.batch.prompt_tokens),
    ]


def _decode(cell: Cell, rows: Sequence[MeasuredBatch], found: SweepResult) -> list[MeasuredRow]:
    alone = _written(cell, rows, found)
    return [
        _throughput("output_tokens_per_second", rows, lambda row: row.batch.output_tokens),
        *_writing(cell, alone, by_difference=any(row.batch.decode_seconds is None for row in rows)),
        _throughput("input_tokens_per_second", rows, lambda row: row.batch.prompt_tokens),
        _throughput(
            "total_tokens_per_second", rows, lambda row: row.batch.prompt_tokens + row.batch.output_tokens
        ),
        *_of_requests(rows),
        *_flops(rows, "decode"),
        *_bandwidth(rows),
        *_memory(rows),
        *_joules(rows, lambda row: row.batch.output_tokens),
    ]


def _written(cell: Cell, rows: Sequence[MeasuredBatch], found: SweepResult) -> list[_Decode]:
    """Decoding in each batch: as the engine reports it, or as the difference to a prefill-only batch in the same round."""
    reading: Mapping[int, float] = {
        row.round: row.batch.seconds for row in found.of(Cell("prefill", cell.batch, cell.prompt, 1))
    }
    made = []
    for row in rows:
        batch = row.batch
        if batch.decode_seconds is not None and batch.decode_tokens:
            made.append(_Decode(batch.decode_seconds, batch.decode_tokens))
        elif batch.decode_seconds is None and row.round in reading and batch.output_tokens > cell.batch:
            made.append(_Decode(batch.seconds - reading[row.round], batch.output_tokens - cell.batch))
    return made


def _writing(cell: Cell, alone: Sequence[_Decode], *, by_difference: bool) -> list[MeasuredRow]:
    seconds, tokens = [one.seconds for one in alone], [one.tokens for one in alone]
    method = _BY_DIFFERENCE if by_difference else None
    if not alone or sum(seconds) <= 0:
        why = "the engine does not tell writing from reading, and reading alone took as long"
        return [
            _row(name, unit, better, RepeatedEstimate(None, None, None, None, f"none ({why})", 0), why=why)
            for name, unit, better in (
                ("decode_tokens_per_second", "tokens/s", True),
                ("time_per_output_token", "s", False),
            )
        ]
    # A pass generates one token for each prompt of the batch.
    return [
        _row("decode_tokens_per_second", "tokens/s", True, repeated_rate(tokens, seconds), method=method),
        _row(
            "time_per_output_token",
            "s",
            False,
            repeated_rate(seconds, [count / cell.batch for count in tokens]),
            method=method,
        ),
    ]


def _of_requests(rows: Sequence[MeasuredBatch]) -> list[MeasuredRow]:
    seconds = [row.batch.seconds for row in rows]
    return [
        _throughput("requests_per_second", rows, lambda row: row.cell.batch, "requests/s"),
        _row("latency", "s", False, repeated_mean(seconds)),
    ]


def _throughput(
    name: str, rows: Sequence[MeasuredBatch], amount: Callable[[MeasuredBatch], float], unit: str = "tokens/s"
) -> MeasuredRow:
    return _row(
        name, unit, True, repeated_rate([amount(row) for row in rows], [row.batch.seconds for row in rows])
    )


def _flops(rows: Sequence[MeasuredBatch], phase: str) -> list[MeasuredRow]:
    known = [
        (flops, seconds, row.machine.flops_per_second)
        for row in rows
        if (flops := getattr(row.batch, f"{phase}_flops"))
        and (seconds := getattr(row.batch, f"{phase}_seconds"))
    ]
    rate = repeated_rate([flops for flops, _, _ in known], [seconds for _, seconds, _ in known])
    shares = [(flops, seconds * reach) for flops, seconds, reach in known if reach]
    return _with_share("flops_per_second", "FLOP/s", "flops_share", rate, shares, len(rows))


def _bandwidth(rows: Sequence[MeasuredBatch]) -> list[MeasuredRow]:
    known = [
        (row.batch.decode_bytes, row.batch.decode_seconds, row.machine.bytes_per_second)
        for row in rows
        if row.batch.decode_bytes and row.batch.decode_seconds
    ]
    rate = repeated_rate([read for read, _, _ in known], [seconds for _, seconds, _ in known])
    shares = [(read, seconds * reach) for read, seconds, reach in known if reach]
    return _with_share("bytes_per_second", "bytes/s", "bandwidth_share", rate, shares, len(rows))


def _with_share(
    name: str,
    unit: str,
    share_name: str,
    rate: RepeatedEstimate,
    parts: Sequence[tuple[float, float]],
    number: int,
) -> list[MeasuredRow]:
    """A rate, and its share of the machine's: `parts` has for each batch what it did, and what the machine would have done in
    the same time. If any batch exceeds the machine there is no share, not even of the other batches: leaving out the
    impossible shares, which are the high ones, would bias it downwards."""
    if rate.value is None:
        return []
    found = [_row(name, unit, True, rate)]
    beyond = sum(part > whole for part, whole in parts)
    if parts and not beyond:
        share = repeated_rate([part for part, _ in parts], [whole for _, whole in parts])
        if share.high is not None and share.high > 1:
            share = replace(share, high=1.0)
        found.append(_row(share_name, "fraction", True, share, missing=number - len(parts)))
    else:
        why = f"in {beyond:,} of {len(parts):,} batches {_CACHE}" if parts else _UNKNOWN
        nothing = RepeatedEstimate(None, None, None, None, f"none ({why})", 0)
        found.append(_row(share_name, "fraction", True, nothing, missing=number, why=why))
    return found


def _memory(rows: Sequence[MeasuredBatch]) -> list[MeasuredRow]:
    found = []
    for name, known in (
        ("peak_memory", [row.batch.peak_memory for row in rows]),
        ("peak_device_memory", [row.batch.peak_device_memory for row in rows]),
    ):
        values = [value for value in known if value is not None]
        if values:
            most = RepeatedEstimate(
                float(max(values)), None, None, None, "none (the most of all repeats)", len(values)
            )
            found.append(_row(name, "bytes", False, most))
    return found


def _joules(rows: Sequence[MeasuredBatch], tokens: Callable[[MeasuredBatch], float]) -> list[MeasuredRow]:
    known = [(row, row.batch.joules) for row in rows if row.batch.joules is not None]
    if not known:
        return []
    joules = [value for _, value in known]
    requests = [float(row.cell.batch) for row, _ in known]
    return [
        _row("joules_per_token", "J/token", False, repeated_rate(joules, [tokens(row) for row, _ in known])),
        _row("joules_per_request", "J/request", False, repeated_rate(joules, requests)),
        _row(
            "joules_per_1000_requests",
            "J/1000 requests",
            False,
            repeated_rate(joules, [count / 1000 for count in requests]),
        ),
    ]


def _row(
    name: str,
    unit: str,
    better: bool,
    found: RepeatedEstimate,
    *,
    method: str | None = None,
    missing: int = 0,
    why: str | None = None,
) -> MeasuredRow:
    return MeasuredRow(
        metric=name,
        unit=unit,
        higher_is_better=better,
        value=found.value,
        low=found.low,
        high=found.high,
        stderr=found.stderr,
        level=found.level,
        method=method if method is not None and found.low is not None else found.method,
        n=found.n,
        missing=missing,
        why=why,
    )


def _reach(rows: Sequence[MeasuredBatch]) -> ReachRow | None:
    flops = [row.machine.flops_per_second for row in rows if row.machine.flops_per_second is not None]
    read = [row.machine.bytes_per_second for row in rows if row.machine.bytes_per_second is not None]
    if not flops and not read:
        return None
    return ReachRow(
        flops_per_second=statistics.median(flops) if flops else None,
        bytes_per_second=statistics.median(read) if read else None,
    )


def _energy(rows: Sequence[MeasuredBatch], why: str | None, counters: Sequence[str]) -> EnergyRow:
    known = [row.batch for row in rows if row.batch.joules is not None]
    if not known:
        return EnergyRow(why=why or "no counter was read")
    return EnergyRow(
        counters=list(counters),
        joules=sum(batch.joules or 0.0 for batch in known),
        seconds=sum(batch.seconds for batch in known),
    )
