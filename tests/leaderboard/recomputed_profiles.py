"""What a profile's numbers should be, from the batches that were measured alone. Shares no code with the package.

A rate is the sum of what batches did over the sum of their seconds, a time is a mean; both have Student's t over the batches. No percentiles:
profiles of batches have none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from recomputed_intervals import Ends
from scipy import stats

Batch = dict[str, Any]
"""One line of the table of batches."""
Cells = dict[str, list[Batch]]
"""By name: the batches that count, in the order of time."""
Pair = tuple[float, float]
"""What a batch did, and in how much: seconds, answers, or what the machine would have done in that time."""

T = "t(repeats)"
DIFFERENCE = "t(repeats, difference to reading alone)"
MOST = "none (the most of all repeats)"
UNITS = {
    "input_tokens_per_second": ("tokens/s", True), "output_tokens_per_second": ("tokens/s", True),
    "total_tokens_per_second": ("tokens/s", True), "decode_tokens_per_second": ("tokens/s", True),
    "requests_per_second": ("requests/s", True), "latency": ("s", False), "time_per_output_token": ("s", False),
    "flops_per_second": ("FLOP/s", True), "flops_share": ("fraction", True), "bytes_per_second": ("bytes/s", True),
    "bandwidth_share": ("fraction", True), "peak_memory": ("bytes", False), "peak_device_memory": ("bytes", False),
    "joules_per_token": ("J/token", False), "joules_per_request": ("J/request", False),
    "joules_per_1000_requests": ("J/1000 requests", False),
}  # fmt: skip
"""Of each metric its unit, and whether more is better."""


@dataclass(frozen=True)
class Measured:
    """One number; without a value where there can be none."""

    value: float | None
    ends: Ends | None
    n: int
    missing: int = 0
    method: str = T


def read_cells(path: Path) -> Cells:
    """Batches that warm up, and those that something disturbed, are in no number."""
    found: Cells = {}
    for row in pq.read_table(path).to_pylist():
        if not row["warm_up"] and row["disturbed"] is None:
            found.setdefault(row["cell"], []).append(row)
    return found


def parts_of(name: str) -> tuple[str, int, int, int]:
    """`decode_b4_p128_o32`: phase, prompts at a time, and tokens of a prompt and of its answer."""
    found = re.fullmatch(r"(prefill|decode)_b(\d+)_p(\d+)_o(\d+)", name)
    assert found is not None, f"{name}: not made anew yet"
    return found[1], int(found[2]), int(found[3]), int(found[4])


def title_of(name: str) -> str:
    """In words."""
    phase, prompts, length, written = parts_of(name)
    return f"{phase.capitalize()}, batch {prompts}, prompt {length}" + (
        f", output {written}" if phase == "decode" else ""
    )


def ratio(pairs: Sequence[Pair], method: str = T) -> Measured:
    """Sum over sum, as of a sample of batches (Cochran 1977, section 6.5). No end is below 0."""
    count = len(pairs)
    done, per = (math.fsum(side) for side in zip(*pairs, strict=True))
    value = done / per
    if count < 2:
        return Measured(value, None, count, method="none (one measurement)")
    apart = math.fsum((own - value * whole) ** 2 for own, whole in pairs)
    error = math.sqrt(count / (count - 1) * apart) / per
    reach = float(stats.t.ppf(0.975, count - 1)) * error
    return Measured(value, (max(value - reach, 0.0), value + reach), count, method=method)


def numbers_of(name: str, cells: Cells) -> dict[str, Measured]:
    """All of one cell, in the order in which they stand."""
    phase, prompts, _, _ = parts_of(name)
    rows = cells[name]
    rate = _rate(rows)
    read = {"input_tokens_per_second": rate(lambda row: row["prompt_tokens"])}
    answered = {
        "requests_per_second": rate(lambda _: prompts),
        "latency": ratio([(row["seconds"], 1.0) for row in rows]),
    }
    machine = _with_share(rows, phase, "flops")
    if phase == "prefill":
        return {
            **read, **answered, **machine, **_memory(rows), **_energy(rows, prompts, "prompt_tokens"),
        }  # fmt: skip
    return {
        "output_tokens_per_second": rate(lambda row: row["output_tokens"]),
        **_writing(name, cells),
        **read,
        "total_tokens_per_second": rate(lambda row: row["prompt_tokens"] + row["output_tokens"]),
        **answered,
        **machine,
        **_with_share(rows, phase, "bytes"),
        **_memory(rows),
        **_energy(rows, prompts, "output_tokens"),
    }


def _rate(rows: Sequence[Batch]) -> Callable[[Callable[[Batch], float]], Measured]:
    """A second of whole batches."""
    return lambda done: ratio([(done(row), row["seconds"]) for row in rows])


def _writing(name: str, cells: Cells) -> dict[str, Measured]:
    """Writing alone: in the engine's own passes, or what a batch took beyond one of its round that only read."""
    _, prompts, length, _ = parts_of(name)
    reading = {row["round"]: row["seconds"] for row in cells.get(f"prefill_b{prompts}_p{length}_o1", [])}
    told: list[Pair] = []
    for row in cells[name]:
        if row["decode_seconds"] is not None and row["decode_tokens"]:
            told.append((row["decode_tokens"], row["decode_seconds"]))
        elif row["decode_seconds"] is None and row["round"] in reading and row["output_tokens"] > prompts:
            told.append((row["output_tokens"] - prompts, row["seconds"] - reading[row["round"]]))
    names = ("decode_tokens_per_second", "time_per_output_token")
    if math.fsum(seconds for _, seconds in told) <= 0:
        return dict.fromkeys(names, Measured(None, None, 0))
    own = all(row["decode_seconds"] is not None for row in cells[name])
    method = T if own else DIFFERENCE
    # Each step writes one token of every prompt.
    steps = [(seconds, tokens / prompts) for tokens, seconds in told]
    return {names[0]: ratio(told, method), names[1]: ratio(steps, method)}


def _with_share(rows: Sequence[Batch], phase: str, what: str) -> dict[str, Measured]:
    """Operations or bytes a second, and as a share of what the machine reached beside each batch: none where one batch was above it."""
    known = [row for row in rows if row[f"{phase}_{what}"] and row[f"{phase}_seconds"]]
    if not known:
        return {}
    pairs = [(row[f"{phase}_{what}"], row[f"{phase}_seconds"]) for row in known]
    reached = [
        (done, seconds * row[f"reach_{what}"])
        for row, (done, seconds) in zip(known, pairs, strict=True)
        if row[f"reach_{what}"]
    ]
    share = Measured(None, None, 0, len(rows))
    if reached and all(done <= could for done, could in reached):
        found = ratio(reached)
        ends = None if found.ends is None else (found.ends[0], min(found.ends[1], 1.0))
        share = Measured(found.value, ends, found.n, len(rows) - len(reached), found.method)
    name = {"flops": "flops_share", "bytes": "bandwidth_share"}[what]
    return {f"{what}_per_second": ratio(pairs), name: share}


def _memory(rows: Iterable[Batch]) -> dict[str, Measured]:
    found = {}
    for name in ("peak_memory", "peak_device_memory"):
        held = [row[name] for row in rows if row[name] is not None]
        if held:
            found[name] = Measured(float(max(held)), None, len(held), method=MOST)
    return found


def _energy(rows: Sequence[Batch], prompts: int, tokens: str) -> dict[str, Measured]:
    known = [row for row in rows if row["joules"] is not None]
    if not known:
        return {}
    return {
        "joules_per_token": ratio([(row["joules"], row[tokens]) for row in known]),
        "joules_per_request": ratio([(row["joules"], prompts) for row in known]),
        "joules_per_1000_requests": ratio([(row["joules"], prompts / 1000) for row in known]),
    }


def wide(made: dict[str, dict[str, Measured]], within: float) -> str | None:
    """What is said of cells whose latency is known less well than it was to be; `made`: by cell."""
    halves = {}
    for name, numbers in made.items():
        found = numbers["latency"]
        halves[name] = (
            math.inf
            if found.ends is None or not found.value
            else (found.ends[1] - found.ends[0]) / 2 / found.value
        )
    over = [name for name, half in halves.items() if half > within]
    if not over:
        return None
    worst = max(over, key=lambda name: halves[name])
    return (
        f"{len(over)} of {len(halves)} cells have an interval of more than {100 * within:.0f} % either way after "
        f"{made[worst]['latency'].n} rounds ({title_of(worst)}: {100 * halves[worst]:.0f} %)"
    )
