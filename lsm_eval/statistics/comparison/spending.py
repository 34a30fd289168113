"""Spending functions: the part of an error rate α that is spent when a share t of the samples is in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from lsm_eval.errors import UserError

Family = Literal["obrien-fleming", "pocock", "power"]

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Spending:
    """A spending function.

    `obrien-fleming` and `pocock` are those of Lan & DeMets (Biometrika 70:659-663, 1983), which approximate the boundaries of these names: the
    former spends almost nothing at first, the latter about evenly. `power` is t to the power `exponent` (Kim & DeMets, Biometrika
    74:149-154, 1987); with 1 it spends evenly."""

    family: Family = "power"
    exponent: float = 1.0
    """For the power family, above 0."""

    def spent(self, alpha: float, share: float) -> float:
        """The part of `alpha` that is spent when this share of the samples is in (all of it from 1 on). Raises `UserError` for an α outside 0 to 1."""
        if not 0 < alpha < 1:
            raise UserError(f"The error rate {alpha:g} is not possible: give one between 0 and 1.")
        share = min(max(share, 0.0), 1.0)
        if share == 0:
            return 0.0
        if self.family == "obrien-fleming":
            return math.erfc(-_NORMAL.inv_cdf(alpha / 2) / math.sqrt(2 * share))
        if self.family == "pocock":
            return alpha * math.log1p((math.e - 1) * share)
        return float(alpha * share**self.exponent)
