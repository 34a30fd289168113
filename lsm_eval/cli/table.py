"""Plain tables without colour: as wide as the terminal if there is one, otherwise in full lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from lsm_eval.aligned import aligned

if TYPE_CHECKING:
    from lsm_eval.metrics.base import AnyMetric
    from lsm_eval.statistics.estimate import Estimate

_DIGITS = 7
"""Values of COLUMNS with this many digits or more are ignored."""


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> None:
    """Print columns aligned by their display width; those in `right` are right-aligned. Wraps to the width of a line."""
    for line in aligned(header, rows, right=right, room=room()):
        click.echo(line)


def room() -> int | None:
    """The width of a line of standard output: COLUMNS, or the terminal's. None without either (a pipe, a file): lines are then not
    wrapped, for `grep` and `cut`. None in GitHub's logs too, where a wrapped part that begins with `::` could be taken for a
    command."""
    if os.environ.get("GITHUB_ACTIONS"):
        return None
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and len(said) < _DIGITS and int(said) > 0:
        return int(said)
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def estimate_cells(metric: AnyMetric, estimate: Estimate) -> list[str]:
    """Metric, value, interval, n and missing as text; a missing value is a dash."""
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
    """A value with its unit."""
    if unit == "fraction":
        return f"{100 * value:.1f} %"
    return f"{value:.1f}" if unit == "points" else f"{value:.4g}"


def size(count: int) -> str:
    """A number of bytes in a readable unit."""
    for unit, bytes_of_it in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= bytes_of_it:
            return f"{count / bytes_of_it:,.1f} {unit}"
    return f"{count} B"
