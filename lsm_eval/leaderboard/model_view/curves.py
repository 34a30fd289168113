"""Throughput against latency, from profiles: one line per workload, one point per batch size, concurrency or rate."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.leaderboard.charts import Chart, Datum, chart
from lsm_eval.results.profile_rows import CellRow, MeasuredRow, ProfileRow

SWEPT = ("concurrency", "rate", "batch")
"""Conditions that vary along a line."""

THROUGHPUT = (
    "output_tokens_per_second", "total_tokens_per_second", "tokens_per_second", "input_tokens_per_second",
    "requests_per_second",
)  # fmt: skip
LATENCY = (
    "ttft_p50", "ttft", "tpot_p50", "tpot", "itl_p50", "e2e_p50", "e2e", "latency_p50", "latency", "ttft_p99", "e2e_p99",
)  # fmt: skip
"""Latency metrics that are preferred to others in seconds."""

MOST = 4
"""The most charts of one phase of a profile."""


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell in the table below the curves."""

    title: str
    numbers: tuple[MeasuredRow, ...]
    why_not: tuple[str, ...]
    """Why its numbers are left out of the curves; empty if they are not."""
    failures: dict[str, int]
    missing: str | None


@dataclass(frozen=True, slots=True)
class Curves:
    """One chart: throughput on the x axis, latency on the y axis."""

    throughput: str
    latency: str
    unit: str
    chart: Chart
    names: tuple[str, ...]
    """Names of the lines: the conditions that distinguish them."""
    swept: str
    """The condition whose value labels each point (several if it differs between lines); empty if there is none."""
    phase: str
    """`prefill`, `decode`, `serving`; empty if the cells do not say."""


@dataclass(frozen=True, slots=True)
class ProfileView:
    """What a model's page shows of one profile."""

    curves: tuple[Curves, ...]
    cells: tuple[CellView, ...]
    kept_out: int
    """Number of cells left out of the curves because the client was measured, or the profile was stopped."""

    @property
    def phases(self) -> int:
        """Number of phases that have curves."""
        return len({curve.phase for curve in self.curves})


def profile_view(profile: ProfileRow) -> ProfileView:
    """The charts and the table of a profile. Numbers from too few measurements (`enough`) are drawn faint; those of a client-bound cell
    or of a profile that was stopped are not drawn at all."""
    cells = [_cell(profile, cell) for cell in profile.cells]
    kept = [cell for cell, view in zip(profile.cells, cells, strict=True) if not view.why_not]
    return ProfileView(
        tuple(_curves(kept)),
        tuple(cells),
        sum(bool(view.why_not) and view.missing is None for view in cells),
    )


def _cell(profile: ProfileRow, cell: CellRow) -> CellView:
    why = []
    if cell.check is not None and cell.check.client_bound:
        why += cell.check.reasons or ["the client was measured, not the model"]
    if profile.stopped is not None:
        why.append(profile.stopped)
    return CellView(cell.title, tuple(cell.metrics), tuple(why), cell.failures, cell.missing)


def _curves(cells: Sequence[CellRow]) -> list[Curves]:
    """Prefill and decoding have different throughputs, so each phase has its own charts."""
    phases: dict[str, list[CellRow]] = defaultdict(list)
    for cell in cells:
        phases[str(cell.conditions.get("phase", ""))].append(cell)
    return [curve for phase, own in phases.items() for curve in _of_phase(own, phase)]


def _of_phase(cells: Sequence[CellRow], phase: str) -> list[Curves]:
    have = {metric.metric: metric for cell in cells for metric in cell.metrics if _finite(metric)}
    across = next((name for name in THROUGHPUT if name in have), None)
    if across is None:
        return []
    others = [name for name, metric in have.items() if metric.unit == "s" and name not in LATENCY]
    found = []
    for name in [*(name for name in LATENCY if name in have), *others][:MOST]:
        lines, swept = _lines(cells, across, name)
        drawn = chart([points for _, points in lines], zero=True)
        if drawn is not None:
            names = tuple(words for words, _ in lines)
            found.append(Curves(across, name, have[name].unit, drawn, names, swept, phase))
    return found


def _lines(cells: Sequence[CellRow], across: str, up: str) -> tuple[list[tuple[str, list[Datum]]], str]:
    kept = [(cell, *_pair(cell, across, up)) for cell in cells]
    known = [
        (cell, first, second)
        for cell, first, second in kept
        if first is not None and second is not None and _finite(first) and _finite(second)
    ]
    values: dict[str, set[str]] = defaultdict(set)
    for cell, _, _ in known:
        for name, thing in cell.conditions.items():
            values[name].add(str(thing))
    groups: dict[str, list[tuple[float, Datum]]] = defaultdict(list)
    steps: dict[str, None] = {}
    for cell, first, second in known:
        swept = _swept(cell, values)
        # What distinguishes its line from others; a closed loop has no rate, and an open one no concurrency.
        telling = {
            name: thing for name, thing in cell.conditions.items() if len(values[name]) > 1 and name != swept
        }
        words = ", ".join(f"{name} {thing}" for name, thing in telling.items())
        step = None if swept is None else cell.conditions[swept]
        if swept is not None:
            steps[swept] = None
        groups[words].append((_number(step), _datum(first, second, "" if step is None else f"{step}")))
    lines = [
        (words, [datum for _, datum in sorted(own, key=lambda one: one[0])]) for words, own in groups.items()
    ]
    return lines, ", ".join(steps)


def _swept(cell: CellRow, values: Mapping[str, set[str]]) -> str | None:
    """The condition that varies along the cell's line: the first that differs among cells, else the first that the cell has."""
    own = [name for name in SWEPT if cell.conditions.get(name) is not None]
    return next((name for name in own if len(values[name]) > 1), next(iter(own), None))


def _pair(cell: CellRow, across: str, up: str) -> tuple[MeasuredRow | None, MeasuredRow | None]:
    by_name = {metric.metric: metric for metric in cell.metrics}
    return by_name.get(across), by_name.get(up)


def _datum(first: MeasuredRow, second: MeasuredRow, text: str) -> Datum:
    assert first.value is not None
    assert second.value is not None  # both are finite
    return Datum(
        first.value,
        second.value,
        second.low,
        second.high,
        first.low,
        first.high,
        text,
        faint=not (first.enough and second.enough),
    )


def _finite(metric: MeasuredRow) -> bool:
    return metric.value is not None and math.isfinite(metric.value)


def _number(thing: Any) -> float:
    return float(thing) if isinstance(thing, (int, float)) and not isinstance(thing, bool) else math.inf
