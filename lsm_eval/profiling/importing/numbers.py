"""The numbers of an imported measurement: computed by our formulas, with intervals, if the requests' times are known; else the tool's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lsm_eval.profiling.importing.imported import ImportedCell, ReportedNumber
from lsm_eval.profiling.serving.numbers import numbers
from lsm_eval.profiling.serving.stamps import TimedRequest
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
"""Relative tolerance: times were rounded to nanoseconds."""


def measured(cell: ImportedCell) -> list[MeasuredRow]:
    """All numbers of a measurement, in the same order as in our own profiles."""
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


def own_numbers(cell: ImportedCell, rows: list[MeasuredRow]) -> Mapping[str, Mapping[str, Any]]:
    """The tool's numbers, by our names for them; `differs` says that the record has another value."""
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


def first_start(requests: list[TimedRequest]) -> int:
    """Start of the first request, in nanoseconds."""
    return min(one.started for one in requests)


def _raw(cell: ImportedCell) -> list[MeasuredRow]:
    if not cell.requests or not cell.completed:
        return []
    found = numbers(cell.requests, first_start(cell.requests), None)
    if cell.between:
        return found
    return [row for row in found if not row.metric.startswith(("itl_", "chunk_gap_"))]


def _rate(cell: ImportedCell, name: str, unit: str) -> MeasuredRow:
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


def _time(cell: ImportedCell, metric: str, share: float, raw: MeasuredRow | None) -> MeasuredRow:
    given: ReportedNumber | None = cell.given.get(metric)
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
        # Without the requests' times there is no interval, but whether there are enough requests for one is known.
        enough=cell.completed >= fewest(share),
        why=None if given is not None else why,
    )


def _same(one: float | None, other: float) -> bool:
    return one is not None and math.isclose(one, other, rel_tol=_SAME, abs_tol=2e-9)
