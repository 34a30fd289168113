"""Arrival times of requests in an open loop: fixed in advance, so that a slow server does not change them.

The gaps between arrivals are constant, exponential (a Poisson process) or gamma distributed: with shape k their coefficient of
variation is 1/sqrt(k), so that a shape below 1 gives bursts, 1 a Poisson process, and a large one nearly constant gaps (vLLM's
`--burstiness`). They are scaled so that their mean matches the requested rate exactly, as in vLLM: the noise of the draw changes
the pattern and not the load.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lsm_eval.errors import UserError

_NANOSECONDS = 1e9
_LEAST_SHAPE, _MOST_SHAPE = 0.001, 1e6
"""Below, almost all arrivals are one burst, and in the end gaps underflow; above, they are constant."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The distribution of the gaps between requests."""

    kind: Literal["constant", "poisson", "gamma"] = "poisson"
    shape: float = 1.0
    """Shape of the gamma distribution; 1 for a Poisson process."""

    @property
    def words(self) -> str:
        """The form used on the command line and in a record."""
        return f"gamma:{self.shape:g}" if self.kind == "gamma" else self.kind


def read_arrivals(text: str) -> Arrivals:
    """What `--arrivals` says: `constant`, `poisson` or `gamma:SHAPE`. Raises `UserError`."""
    kind, colon, shape = text.strip().lower().partition(":")
    if kind == "constant" and not colon:
        return Arrivals("constant", math.inf)
    if kind == "poisson" and not colon:
        return Arrivals()
    if kind == "gamma":
        try:
            found = float(shape)
        except ValueError:
            found = math.nan
        if _LEAST_SHAPE <= found <= _MOST_SHAPE:
            return Arrivals("gamma", found)
        raise UserError(
            f"--arrivals {text}: gamma needs a shape from {_LEAST_SHAPE:g} to {_MOST_SHAPE:,.0f}, such as gamma:0.5 for bursts (1 is "
            "Poisson's)."
        )
    raise UserError(f"--arrivals {text}: write constant, poisson or gamma:SHAPE.")


def schedule(arrivals: Arrivals, rate: float, number: int, seed: int, draw: int = 0) -> list[int]:
    """Times of `number` arrivals at `rate` a second, in nanoseconds from the first, which is at 0. The same seed and
    `draw` give the same times; another rate gives the same pattern, stretched or compressed."""
    if number < 1:
        return []
    if arrivals.kind == "constant":
        gaps = np.ones(number - 1)
    else:
        gaps = np.random.default_rng([seed, 0xA221, draw]).gamma(arrivals.shape, size=number - 1)
        whole = float(gaps.sum())
        gaps = gaps / (whole / (number - 1)) if whole > 0 else np.ones(number - 1)
    times = np.concatenate([[0.0], np.cumsum(gaps)]) / rate
    return [round(one) for one in (times * _NANOSECONDS).tolist()]
