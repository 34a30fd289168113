"""Throughput against latency, from profiles: a line a workload, a point a batch size, concurrency or rate."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.leaderboard.charts import Chart, Datum, chart
from lsm_eval.results.profile_rows import CellRow, MeasuredRow, ProfileRow

SWEPT = ("concurrency", "rate", "batch")
"""Conditions along which a line goes; the first one that differs."""

THROUGHPUT = (
    "output_tokens_per_second", "total_tokens_per_second", "tokens_per_second", "input_tokens_per_second",
    "requests_per_second",
)  # fmt: skip
LATENCY = (
    "ttft_p50", "ttft", "tpot_p50", "tpot", "itl_p50", "e2e_p50", "e2e", "latency_p50", "latency", "ttft_p99", "e2e_p99",
)  # fmt: skip
"""Metrics that are drawn before others in seconds."""

MOST = 4
"""Drawings of one profile."""


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell as the table below the curves has it."""

    title: str
    numbers: tuple[MeasuredRow, ...]
    why_not: tuple[str, ...]
    """Why its numbers are kept out of the curves; nothing where they are not."""
    failures: dict[str, int]
    missing: str | None


@dataclass(frozen=True, slots=True)
class Curves:
    """One drawing: throughput across, latency up."""

    throughput: str
    latency: str
    unit: str
    chart: Chart
    names: tuple[str, ...]
    """Of the lines: the conditions that tell them apart."""
    swept: str
    """The condition whose value stands at each point."""


@dataclass(frozen=True, slots=True)
class ProfileView:
    """What a model's page shows of one profile."""

    curves: tuple[Curves, ...]
    cells: tuple[CellView, ...]
    kept_out: int
    """Cells that no curve has because the client was measured, or the profile was stopped."""


def profile_view(profile: ProfileRow) -> ProfileView:
    """The drawings and the table of a profile. Numbers that few measurements cannot bear (`enough`) are drawn faint; those of a cell
    that is client-bound, and all of a profile that was stopped, are drawn nowhere."""
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
            found.append(Curves(across, name, have[name].unit, drawn, names, swept))
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
    swept = next((name for name in SWEPT if len(values[name]) > 1), next(iter(SWEPT)))
    telling = [name for name, own in values.items() if len(own) > 1 and name != swept]
    groups: dict[str, list[tuple[float, Datum]]] = defaultdict(list)
    for cell, first, second in known:
        words = ", ".join(f"{name} {cell.conditions.get(name, '–')}" for name in telling)
        step = cell.conditions.get(swept)
        groups[words].append((_number(step), _datum(first, second, "" if step is None else f"{step}")))
    lines = [
        (words, [datum for _, datum in sorted(own, key=lambda one: one[0])]) for words, own in groups.items()
    ]
    return lines, swept  # fmt: skip


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
