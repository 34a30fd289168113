"""Reports answers of a run that were cut off."""

from __future__ import annotations

from lsm_eval.cli.table import number
from lsm_eval.runner.cut_off import WORTH_WARNING
from lsm_eval.runner.scored import ScoredTask

_SHOWN = 3  # the most metrics whose bounds are shown


def cut_off_line(task: ScoredTask) -> str:
    """How many answers ran out of tokens, and bounds of the metrics whatever these would have been; a warning if they are
    many."""
    row = task.cut_off
    assert row is not None
    total = len(task.responses)
    count = f"{row.samples:,} of {total:,} answers ran out of tokens ({100 * row.samples / total:.1f} %"
    count += f", {row.in_thoughts:,} of them inside thoughts)" if row.in_thoughts else ")"
    units = {metric.name: metric.unit for metric, _ in task.estimates}
    bounds = [
        f"{one.metric} {_value(one.all_wrong, units[one.metric])} with all of them wrong, "
        f"{_value(one.left_out, units[one.metric])} without them"
        for one in row.bounds[:_SHOWN]
    ]
    more = len(row.bounds) - len(bounds)
    if more:
        bounds.append(f"and {more} more in the record")
    name = task.prepared.name
    if row.samples <= WORTH_WARNING * total:
        return f"{name}: {count}: {'; '.join(bounds)}."
    return f"{name}: warning: {count}: {'; '.join(bounds)}. Raise it with --max-tokens N."


def _value(value: float | None, unit: str) -> str:
    return "-" if value is None else number(value, unit)
