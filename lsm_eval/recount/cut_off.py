"""What a manifest says of answers that ran out of tokens, counted again."""

from __future__ import annotations

import math
from typing import Any

from lsm_eval.recount.files import MANIFEST, Found
from lsm_eval.recount.table import Table

_RELATIVE = 1e-9


def against_cut_off(task: str, told: dict[str, Any], table: Table, found: Found) -> None:
    """Counts and bounds of a task whose samples have one answer each."""
    finish, failure = table.values("finish"), table.values("failure")
    cut = [one == "length" for one in finish]
    inside = sum(own and why == "truncated" for own, why in zip(cut, failure, strict=True))
    if told.get("samples") != sum(cut):
        found.say(
            f"{task}: {MANIFEST} says that {told.get('samples')} answers ran out of tokens, and the table has "
            f"{sum(cut)}."
        )
        return
    if told.get("in_thoughts") != inside:
        found.say(
            f"{task}: {MANIFEST} says that {told.get('in_thoughts')} answers ran out of tokens inside their thoughts, and "
            f"the table has {inside}."
        )
    bounds = told.get("bounds")
    for bound in bounds if isinstance(bounds, list) else []:
        if isinstance(bound, dict) and table.has(f"score.{bound.get('metric')}"):
            _bounds(task, bound, cut, table, found)


def _bounds(task: str, bound: dict[str, Any], cut: list[bool], table: Table, found: Found) -> None:
    """The mean of the scores of the others; that of all, the others as they are, is known only where none failed."""
    metric = bound["metric"]
    scores, known = table.scores(metric)
    rows = [
        (float(score), float(weight), out)
        for score, weight, there, out in zip(scores, table.weights, known, cut, strict=True)
        if there
    ]
    others = _mean([row for row in rows if not row[2]])
    if not _near(bound.get("left_out"), others):
        found.say(
            f"{task}, {metric}: {MANIFEST} says {bound.get('left_out')} without the answers that ran out of tokens, and the "
            f"scores of the others make it {others!r}."
        )
    if any(out and not there for there, out in zip(known, cut, strict=True)):
        return
    # Wrong is 0, and of a share of wrong ones 1.
    worst = [
        _mean([(end if out else value, weight, out) for value, weight, out in rows]) for end in (0.0, 1.0)
    ]
    if not any(_near(bound.get("all_wrong"), one) for one in worst):
        found.say(
            f"{task}, {metric}: {MANIFEST} says {bound.get('all_wrong')} with all answers wrong that ran out of tokens, and "
            f"its scores make it {worst[0]!r}."
        )


def _mean(rows: list[tuple[float, float, bool]]) -> float | None:
    whole = math.fsum(weight for _, weight, _ in rows)
    return math.fsum(value * weight for value, weight, _ in rows) / whole if whole else None


def _near(told: Any, mean: float | None) -> bool:
    if told is None or mean is None:
        return told is None and mean is None
    return isinstance(told, (int, float)) and math.isclose(told, mean, rel_tol=_RELATIVE, abs_tol=1e-12)
