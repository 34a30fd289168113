"""The numbers of an imported measurement: times of single requests by our formulas, with intervals; all else as the tool gives it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lsm_eval.profiling.importing.found import FoundCell, Given
from lsm_eval.profiling.serving.numbers import numbers
from lsm_eval.profiling.serving.stamps import Timed
from lsm_eval.results.profile_rows import MeasuredRow
from lsm_eval.statistics.quantiles import PERCENTILES, fewest

AS_IMPORTED = "none (as imported)"
_NO_GAPS = "the file has no times between the first and the last token"
_SILENT = "the file does not say it"
_RATES = {
    "output_tokens_per_second": "tokens/s",
    "requests_per_second": "requests/s",
    "input_tokens_per_second": "tokens/s",
    "total_tokens_per_second": "tokens/s",
    "goodput": "requests/s",
}
_TIMES = ("ttft", "ttfat", "tpot", "itl", "chunk_gap", "e2e")
_OPTIONAL = frozenset({"goodput", "ttfat"})
_SAME = 1e-6
"""Relative: times were rounded to nanoseconds on the way."""


def measured(cell: FoundCell) -> list[MeasuredRow]:
    """All numbers of a measurement, in the order of our own."""
    raw = {row.metric: row for row in _raw(cell)}
    rows = [
        _rate(cell, name, unit)
        for name, unit in _RATES.items()
        if name not in _OPTIONAL or name in cell.given
    ]
    for name in _TIMES:
        for percentile in PERCENTILES:
            metric = f"{name}_p{percentile:g}"
            found = raw.get(metric)
            if found is not None and found.value is not None:
                rows.append(found)
            elif name not in _OPTIONAL or metric in cell.given:
                rows.append(_time(cell, metric, percentile / 100, found))
    if (share := raw.get("error_rate")) is not None:
        rows.append(share)
    return rows


def own_numbers(cell: FoundCell, rows: list[MeasuredRow]) -> Mapping[str, Mapping[str, Any]]:
    """What the tool gives, by our name for it; `differs` says that the record's value is another."""
    by_name = {row.metric: row for row in rows}
    return {
        metric: {
            "name": given.name,
            "value": given.value,
            "unit": given.unit,
            "stderr": None,
            "n": cell.completed,
            "differs": not _same(by_name[metric].value, given.ours),
        }
        for metric, given in cell.given.items()
        if metric in by_name
    }


def begun(requests: list[Timed]) -> int:
    """When the first of them was begun, in nanoseconds."""
    return min(one.started for one in requests)


def _raw(cell: FoundCell) -> list[MeasuredRow]:
    if not cell.requests or not cell.completed:
        return []
    found = numbers(cell.requests, begun(cell.requests), None)
    if cell.between:
        return found
    return [row for row in found if not row.metric.startswith(("itl_", "chunk_gap_"))]


def _rate(cell: FoundCell, name: str, unit: str) -> MeasuredRow:
    given = cell.given.get(name)
    return MeasuredRow(
        metric=name,
        unit=unit,
        higher_is_better=True,
        value=None if given is None else given.ours,
        method=AS_IMPORTED if given is not None else f"none ({_SILENT})",
        n=cell.completed,
        missing=sum(cell.failures.values()),
        why=None if given is not None else _SILENT,
    )


def _time(cell: FoundCell, metric: str, share: float, raw: MeasuredRow | None) -> MeasuredRow:
    given: Given | None = cell.given.get(metric)
    why = raw.why if raw is not None and raw.why else _SILENT
    if (
        given is None
        and cell.requests is not None
        and not cell.between
        and metric.startswith(("itl", "chunk"))
    ):
        why = _NO_GAPS
    return MeasuredRow(
        metric=metric,
        unit="s",
        higher_is_better=False,
        value=None if given is None else given.ours,
        method=AS_IMPORTED if given is not None else f"none ({why})",
        n=cell.completed,
        missing=sum(cell.failures.values()),
        # Without the single times there is no interval, and whether so many requests can bear it is known all the same.
        enough=cell.completed >= fewest(share),
        why=None if given is not None else why,
    )


def _same(one: float | None, other: float) -> bool:
    return one is not None and math.isclose(one, other, rel_tol=_SAME, abs_tol=2e-9)
