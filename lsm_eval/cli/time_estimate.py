"""Estimates how long a run takes, for `lsm-eval run --dry-run`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsm_eval.models.base import Model
    from lsm_eval.runner.prepared import PreparedTask
    from lsm_eval.runner.spec import RunSpec

_KINDS = {"score": "scored choices", "perplexity": "scored texts", "generate": "written answers"}


def time_line(
    spec: RunSpec, model: Model, tasks: Sequence[PreparedTask], today: date | None = None
) -> str | None:
    """The estimate from the last runs of this model on this machine; None if there are none."""
    from lsm_eval.runner.speeds import estimate

    found = estimate(spec, model, tasks)
    if found is None:
        return None
    now = today or datetime.now(UTC).date()
    days = [_day(day, now) for day in found.days]
    runs = f"the run of {days[0]}" if len(days) == 1 else f"the runs of {', '.join(days[:-1])} and {days[-1]}"
    line = f"About {duration(found.seconds)}, by {runs} on this machine, where no answer is in the store."
    if found.unknown:
        line += f" That is without {' and '.join(_KINDS[name] for name in found.unknown)}, of which no time is known here."
    return line


def duration(seconds: float) -> str:
    """A duration in words, rounded to the precision of an estimate."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h" if seconds >= 36000 else f"{seconds / 3600:.1f} h"


def _day(day: date, now: date) -> str:
    return f"{day.day} {day:%B}" + ("" if day.year == now.year else f" {day.year}")
