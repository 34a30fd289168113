"""Plain tables for a terminal: no colour, no width games, readable in a log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from lsm_eval.aligned import aligned

if TYPE_CHECKING:
    from lsm_eval.metrics.base import AnyMetric
    from lsm_eval.statistics.estimate import Estimate


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> None:
    """Columns aligned by their display width; those in `right` to the right."""
    for line in aligned(header, rows, right=right):
        click.echo(line)


def estimate_cells(metric: AnyMetric, estimate: Estimate) -> list[str]:
    """Metric, value, interval, n and missing as text; a value that is not there is a dash."""
    value = "-" if estimate.value is None else number(estimate.value, metric.unit)
    interval = "-"
    if estimate.low is not None and estimate.high is not None:
        interval = f"{number(estimate.low, metric.unit)} to {number(estimate.high, metric.unit)}"
    return [
        metric.name,
        value,
        interval,
        f"{estimate.n:,}",
        f"{estimate.missing:,}" if estimate.missing else "",
    ]


def not_estimable(estimates: Iterable[tuple[AnyMetric, Estimate]]) -> dict[str, list[str]]:
    """Reason → the metrics whose value cannot be estimated from their samples; without parts (`name[part]`)."""
    from lsm_eval.statistics.estimate import NOT_ESTIMABLE

    found: dict[str, list[str]] = {}
    for metric, estimate in estimates:
        if estimate.method.startswith(NOT_ESTIMABLE) and "[" not in metric.name:
            why = estimate.method.removeprefix(NOT_ESTIMABLE).removesuffix(")")
            found.setdefault(why, []).append(metric.name)
    return found


def number(value: float, unit: str) -> str:
    """A value in its unit."""
    if unit == "fraction":
        return f"{100 * value:.1f} %"
    return f"{value:.1f}" if unit == "points" else f"{value:.4g}"
