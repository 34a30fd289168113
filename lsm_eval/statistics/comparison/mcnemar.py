"""McNemar's test on differing pairs: whether gains and losses are equally likely."""

from __future__ import annotations

from typing import Literal

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.score import mid_p


def mcnemar(gains: int, losses: int, kind: Literal["exact", "mid-p"] = "mid-p") -> float:
    """Two-sided p-value from the numbers of pairs gained and lost (McNemar, Psychometrika 12:153-157, 1947): the exact binomial one, or
    the mid-p (Fagerland, Lydersen & Laake, BMC Medical Research Methodology 13:91, 2013), which is less conservative and was found to keep
    its level. 1 if no pair differs. Raises `UserError` for a count below 0."""
    from scipy.special import bdtr

    if gains < 0 or losses < 0:
        raise UserError("A number of pairs is below 0.")
    fewer, number = min(gains, losses), gains + losses
    if kind == "exact":
        return min(1.0, 2 * float(bdtr(fewer, number, 0.5)))
    return min(1.0, 2 * mid_p(max(gains, losses), fewer))
