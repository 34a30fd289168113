"""The metrics that a policy gates, and its requirements for each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lsm_eval.errors import UserError
from lsm_eval.gating.policy import Limit, Policy, Rule
from lsm_eval.results.schema import EstimateRow


@dataclass(frozen=True, slots=True)
class GatedMetric:
    """The requirement for one metric, compared with the baseline."""

    row: EstimateRow
    """The baseline's estimate."""
    margin: float | None
    """In the metric's unit; None if it is a share of a value that the baseline lacks."""
    higher_is_better: bool | None
    fair: float | None
    """The fair value, if neither direction is better."""
    weight: float
    named: bool
    """Whether a rule names it."""


def fits(pattern: str, name: str) -> bool:
    """Whether a name matches the pattern, in which only `*` and `?` are wildcards."""
    return _pattern(pattern).fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    parts = (".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in text)
    return re.compile("".join(parts), re.DOTALL)


def gated_metrics(policy: Policy, rows: Sequence[EstimateRow]) -> tuple[list[GatedMetric], list[str]]:
    """The gated metrics of the baseline, in its order; and notes on metrics that are not gated.

    Raises UserError for a rule that matches a task's name but none of its metrics, and for one that names a metric without direction."""
    _check_names(policy.rules, rows)
    found, notes = [], []
    seen: set[str] = set()
    for row in rows:
        first = row.task not in seen
        seen.add(row.task)
        rule = _merged(policy, row)
        if rule.ignore or not (rule.metric or (first and policy.metrics == "primary")):
            continue
        higher = row.higher_is_better if rule.direction is None else rule.direction == "higher"
        if rule.fair is not None:
            higher = None
        if higher is None and rule.fair is None:
            unknown = row.imported is not None
            if rule.metric:
                which = (
                    "which direction is better is not in its file"
                    if unknown
                    else "neither direction is better"
                )
                raise UserError(
                    f"the policy gates {row.metric} of {row.task}, of which {which}: give the rule its `fair` value, or a `direction`."
                )
            why, give = (
                ("its file does not say which direction is better", "direction")
                if unknown
                else ("neither direction is better", "fair value")
            )
            notes.append(f"{row.task}: {row.metric} is not gated, for {why}; a rule can give its {give}.")
            continue
        found.append(
            GatedMetric(
                row,
                _margin(policy, rule, row),
                higher,
                rule.fair,
                rule.weight or 1.0,
                rule.metric is not None,
            )
        )
    return found, notes


def limited(
    limits: Sequence[Limit], rows: Sequence[EstimateRow]
) -> Iterator[tuple[Limit, EstimateRow | None]]:
    """Each limit with each row that it matches; with None if it matches none."""
    for limit in limits:
        fitting = [row for row in rows if fits(limit.task, row.task) and fits(limit.metric, row.metric)]
        yield from ((limit, row) for row in fitting)
        if not fitting:
            yield limit, None


def ignored(policy: Policy, task: str) -> bool:
    """Whether the policy ignores a whole task."""
    said = [rule.ignore for rule in policy.rules if rule.metric is None and fits(rule.task, task)]
    return next((one for one in reversed(said) if one is not None), False)


def default_margin(policy: Policy, row: EstimateRow) -> float | None:
    """The default allowed loss, in the metric's unit."""
    if row.unit == "fraction":
        return policy.margin.fraction
    if row.unit == "points":
        return policy.margin.points
    return _of_value(policy.margin.relative, row)


def _merged(policy: Policy, row: EstimateRow) -> Rule:
    """All rules for a metric merged into one; its `metric` is None if no rule names the metric."""
    said: dict[str, object] = {}
    for rule in policy.rules:
        if not fits(rule.task, row.task) or (rule.metric is not None and not fits(rule.metric, row.metric)):
            continue
        given = rule.model_dump(exclude_none=True)
        for one, other in (("margin", "relative"), ("direction", "fair")):
            if one in given or other in given:
                said.pop(one, None)
                said.pop(other, None)
        said |= given
    return Rule.model_validate(said)


def _margin(policy: Policy, rule: Rule, row: EstimateRow) -> float | None:
    if rule.margin is not None:
        return rule.margin
    if rule.relative is not None:
        return _of_value(rule.relative, row)
    return default_margin(policy, row)


def _of_value(share: float, row: EstimateRow) -> float | None:
    return None if row.value is None else share * abs(row.value)


def _check_names(rules: Sequence[Rule], rows: Sequence[EstimateRow]) -> None:
    for rule in rules:
        metrics = [row.metric for row in rows if fits(rule.task, row.task)]
        if rule.metric is None or not metrics or any(fits(rule.metric, name) for name in metrics):
            continue
        near = difflib.get_close_matches(rule.metric, metrics, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(dict.fromkeys(metrics[:5]))}."
        raise UserError(
            f"the policy names the metric {rule.metric!r}, which the task {rule.task!r} lacks: {hint}"
        )
