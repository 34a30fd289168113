"""A metric of which neither direction is better: its distance from the fair value is the loss.

With the baseline b, the candidate c and the fair value f the loss is |c - f| - |b - f|: the largest over s, of the smallest over t, of
s(c - f) - t(b - f), where s and t are 1 or -1. These four are ± the difference c - b and ± the sum c + b - 2f, which is the
difference from the mirrored baseline. What a test says of "all of them" holds where it holds for each (Berger, Technometrics
24:295-300, 1982); of "any of two" it holds at twice the smaller p (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lsm_eval.comparison.difference import Difference
from lsm_eval.comparison.pairs import Pairs
from lsm_eval.errors import UserError
from lsm_eval.gating.loss import Loss, make_finding, ruled_out, too_little
from lsm_eval.gating.question import Part
from lsm_eval.gating.result import Answer, Finding
from lsm_eval.gating.words import amount, span
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.difference import Difference as Found
from lsm_eval.statistics.comparison.difference import Scale, bound, difference, p_value
from lsm_eval.statistics.comparison.pairs import pairs as make_pairs
from lsm_eval.statistics.comparison.score import Side

_TOP = {"fraction": 1.0, "points": 100.0}
_SIGNS = (1, -1)


@dataclass(frozen=True)
class FairLoss(Loss):
    """The distance from a fair value (a `question.Question`)."""

    fair: float = field(kw_only=True)
    mirrored: Found = field(kw_only=True)
    """Candidate less the mirrored baseline, `top` - b."""
    top: float = field(kw_only=True)

    @property
    def loss(self) -> float | None:
        first, second = self.measured.first, self.measured.second
        if first is None or second is None:
            return None
        return abs(second - self.fair) - abs(first - self.fair)

    @cached_property
    def p_loss(self) -> float | None:
        return self._any_all(lambda s, t: self._p(s, t, 0.0, "greater"))

    @cached_property
    def p_margin(self) -> float | None:
        found = [[self._p(s, t, self.margin, "less") for t in _SIGNS] for s in _SIGNS]
        rows = [[p for p in row if p is not None] for row in found]
        return None if any(len(row) < 2 for row in rows) else max(min(1.0, 2 * min(row)) for row in rows)

    def most(self, alpha: float) -> float | None:
        return self._end(alpha / 2, "less")

    def least(self, alpha: float) -> float | None:
        return self._end(alpha / 2, "greater")

    def finding(self, answer: Answer, part: Part) -> Finding:
        low, high = self.least(part.false_pass), self.most(part.false_pass)
        unit, margin = self.row.unit, amount(self.margin, self.row.unit)
        if answer == "fail":
            why = (
                f"Further from the fair value by {amount(self.loss, unit)} ({span(low, high, unit)}): proven, and beyond the "
                f"margin of {margin}."
            )
        elif answer == "pass":
            why = ruled_out(high, unit, margin, self.against, part)
            why = why.replace("A loss", "A distance from the fair value that grows").replace(
                "Better", "Nearer to the fair value"
            )
        else:
            why = too_little(self.found, unit, None, None, self.p_loss is None)
            if self.p_loss is not None:
                why = why.replace(
                    "can show no loss at all",
                    "neither prove that the distance from the fair value grows, nor rule it out",
                )
        return make_finding(
            self, answer, part, low, high, why=why, smallest=None, wanted=None, higher_is_better=None
        )

    def _any_all(self, p: Callable[[int, int], float | None]) -> float | None:
        found = [[p(s, t) for t in _SIGNS] for s in _SIGNS]
        rows = [[one for one in row if one is not None] for row in found]
        if any(len(row) < 2 for row in rows):
            return None
        return min(1.0, 2 * min(max(row) for row in rows))

    def _p(self, s: int, t: int, margin: float, side: Side) -> float | None:
        """Of the test that s(c - f) - t(b - f) lies on this side of the margin."""
        found, shift = self._part(s, t)
        if s == 1:
            return p_value(found, margin - shift, side)
        return p_value(found, -margin - shift, _other(side))

    def _end(self, alpha: float, side: Side) -> float | None:
        """The bound of the loss: from above (side "less") or from below."""
        rows = [[self._bound(s, t, alpha, side) for t in _SIGNS] for s in _SIGNS]
        known = [[one for one in row if one is not None] for row in rows]
        return None if any(len(row) < 2 for row in known) else max(min(row) for row in known)

    def _bound(self, s: int, t: int, alpha: float, side: Side) -> float | None:
        found, shift = self._part(s, t)
        end = bound(found, alpha, side if s == 1 else _other(side))
        return None if end is None else s * (end + shift)

    def _part(self, s: int, t: int) -> tuple[Found, float]:
        """A difference d with a shift, so that s(c - f) - t(b - f) = s(d + shift)."""
        return (self.found, 0.0) if s == t else (self.mirrored, self.top - 2 * self.fair)


def _other(side: Side) -> Side:
    return "less" if side == "greater" else "greater"


def fair_loss(
    row: EstimateRow,
    pairs: Pairs,
    measured: Difference,
    fair: float,
    margin: float,
    weight: float,
    level: float,
) -> FairLoss:
    """The question of a metric with a fair value. Raises UserError where the metric is no mean over samples."""
    if measured.scores is None:
        raise UserError(
            f"the policy gives {row.metric} of {row.task} a fair value, and it is no mean over samples, so that its distance "
            "from there cannot be tested: ignore it."
        )
    first, second = measured.scores
    say = ~np.isnan(first) & ~np.isnan(second)
    top = _TOP.get(row.unit, 0.0)
    both = np.concatenate([first[say], second[say]])
    bounded = top > 0 and bool(((both >= 0) & (both <= top)).all())
    scale: Scale = (
        "mean" if not bounded else "binary" if top == 1 and np.isin(both, (0.0, 1.0)).all() else "bounded"
    )
    clusters = [one for one, held in zip(pairs.clusters, say.tolist(), strict=True) if held]
    data = make_pairs(top - first[say], second[say], clusters)
    mirrored = difference(data, scale, top=top or 1.0, level=level)
    return FairLoss(row, pairs, measured, True, margin, weight, fair=fair, mirrored=mirrored, top=top)
