"""Whether the candidate has moved away from the fair value of a metric.

The loss is f = |B - t| - |A - t|, with the baseline's mean A, the candidate's B and the target t. The difference D = B - A and the
sum S = A + B - 2 t are estimated from the same samples:

- f > 0 exactly if D and S have the same sign and neither is 0, so that a loss is proven if both are proven to be above 0, or both
  below (an intersection-union test: Berger, Technometrics 24:295-300, 1982; for both quadrants Gail & Simon, Biometrics
  41:361-372, 1985);
- f >= m exactly if D and S are both m or more, or both -m or less. This must be ruled out for both signs; for one sign it
  is enough to rule out D or S, and the smaller p of the two counts twice (Bonferroni).
"""

from __future__ import annotations

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.difference import Noise, Scale, statistic
from lsm_eval.statistics.comparison.pairs import Pairs
from lsm_eval.statistics.comparison.score import Statistic
from lsm_eval.statistics.comparison.verdicts import FALSE_PASS, Evidence


def distance_evidence(
    name: str,
    data: Pairs,
    target: float,
    margin: float,
    scale: Scale = "binary",
    *,
    top: float = 1.0,
    noise: Noise | None = None,
    false_pass: float = FALSE_PASS,
) -> Evidence:
    """The evidence for a gate on such a metric (`verdicts.judged`): `margin` is by how much the distance from the target may grow, in the
    metric's unit. Raises `UserError` for a margin below 0."""
    if not margin >= 0:
        raise UserError(f"The margin of {name} is {margin:g}: give the acceptable loss, 0 or more.")
    if not data.number:
        return Evidence(name, None, None, margin, None, None, "no pairs")
    first, second = (
        float((data.weights * x).sum() / data.weights.sum()) for x in (data.baseline, data.candidate)
    )
    apart = statistic(data, scale, top=top, noise=noise)
    return distance_of(
        name,
        first,
        second,
        target,
        margin,
        apart,
        _sum(data, target, scale, top, noise),
        false_pass=false_pass,
    )


def distance_of(
    name: str,
    first: float,
    second: float,
    target: float,
    margin: float,
    apart: Statistic | str,
    both: Statistic | str,
    *,
    false_pass: float = FALSE_PASS,
) -> Evidence:
    """The same for any number: its values A and B, and the statistics of the difference D and the sum S (a string: why there is none)."""
    loss = abs(second - target) - abs(first - target)
    if isinstance(apart, str) or isinstance(both, str):
        why = apart if isinstance(apart, str) else both
        return Evidence(name, loss, None, margin, None, None, str(why))
    return Evidence(
        name,
        loss,
        _most(apart, both, loss, false_pass),
        margin,
        _proven(apart, both),
        _ruled_out(apart, both, margin),
    )


def _sum(data: Pairs, target: float, scale: Scale, top: float, noise: Noise | None) -> Statistic | str:
    """The statistic of A + B - 2 t: the difference between each pair's sum and 2 t, whose range is that of two values."""
    moved = Pairs(
        2 * target - data.baseline, data.candidate, data.weights, data.groups, data.count, data.missing
    )
    span = 2 * max(top - target, target)
    return statistic(moved, "mean" if scale == "mean" else "bounded", top=span, noise=noise)


def _proven(apart: Statistic, both: Statistic) -> float:
    up = max(apart.p(0.0, "greater"), both.p(0.0, "greater"))
    down = max(apart.p(0.0, "less"), both.p(0.0, "less"))
    return min(up, down)


def _ruled_out(apart: Statistic, both: Statistic, margin: float) -> float:
    up = min(apart.p(margin, "less"), both.p(margin, "less"))
    down = min(apart.p(-margin, "greater"), both.p(-margin, "greater"))
    return min(1.0, 2 * max(up, down))


def _most(apart: Statistic, both: Statistic, loss: float, alpha: float) -> float:
    """The largest loss that is not ruled out."""
    up = min(apart.end(1 - alpha, "less"), both.end(1 - alpha, "less"))
    down = min(-apart.end(1 - alpha, "greater"), -both.end(1 - alpha, "greater"))
    return max(up, down, loss)
