"""Checks a manifest's numbers on answers that ran out of tokens."""

from __future__ import annotations

import math
from typing import Any

from lsm_eval.recount.files import MANIFEST, Problems
from lsm_eval.recount.table import Table

_RELATIVE = 1e-9


def check_cut_off(task: str, stated: dict[str, Any], table: Table, problems: Problems) -> None:
    """Checks the counts and bounds of a task with one answer for each sample."""
    finish, failure = table.values("finish"), table.values("failure")
    cut = [one == "length" for one in finish]
    inside = sum(own and why == "truncated" for own, why in zip(cut, failure, strict=True))
    if stated.get("samples") != sum(cut):
        problems.add(
            f"{task}: {MANIFEST} says that {stated.get('samples')} answers ran out of tokens, and the table has "
            f"{sum(cut)}."
        )
        return
    if stated.get("in_thoughts") != inside:
        problems.add(
            f"{task}: {MANIFEST} says that {stated.get('in_thoughts')} answers ran out of tokens inside their thoughts, and "
            f"the table has {inside}."
        )
    bounds = stated.get("bounds")
    for bound in bounds if isinstance(bounds, list) else []:
        if isinstance(bound, dict) and table.has(f"score.{bound.get('metric')}"):
            _bounds(task, bound, cut, table, problems)


def _bounds(task: str, bound: dict[str, Any], cut: list[bool], table: Table, problems: Problems) -> None:
    """Checks the mean score without the answers that ran out of tokens, and, if none of these failed, the mean with them counted as wrong."""
    metric = bound["metric"]
    scores, known = table.scores(metric)
    rows = [
        (float(score), float(weight), out)
        for score, weight, there, out in zip(scores, table.weights, known, cut, strict=True)
        if there
    ]
    others = _mean([row for row in rows if not row[2]])
    if not _close(bound.get("left_out"), others):
        problems.add(
            f"{task}, {metric}: {MANIFEST} says {bound.get('left_out')} without the answers that ran out of tokens, and the "
            f"scores of the others make it {others!r}."
        )
    if any(out and not there for there, out in zip(known, cut, strict=True)):
        return
    # A wrong answer scores 0, or 1 in a metric that counts wrong answers.
    worst = [
        _mean([(end if out else value, weight, out) for value, weight, out in rows]) for end in (0.0, 1.0)
    ]
    if not any(_close(bound.get("all_wrong"), one) for one in worst):
        problems.add(
            f"{task}, {metric}: {MANIFEST} says {bound.get('all_wrong')} with all answers wrong that ran out of tokens, and "
            f"its scores make it {worst[0]!r}."
        )


def _mean(rows: list[tuple[float, float, bool]]) -> float | None:
    whole = math.fsum(weight for _, weight, _ in rows)
    return math.fsum(value * weight for value, weight, _ in rows) / whole if whole else None


def _close(stated: Any, mean: float | None) -> bool:
    if stated is None or mean is None:
        return stated is None and mean is None
    return isinstance(stated, (int, float)) and math.isclose(stated, mean, rel_tol=_RELATIVE, abs_tol=1e-12)
