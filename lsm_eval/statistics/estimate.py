"""A number and how sure one can be of it."""

from __future__ import annotations

from dataclasses import dataclass

NOT_ESTIMABLE = "none (not estimable: "
"""How `method` begins where there are samples and the value cannot be told from them; the reason follows."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Value, interval, method, n, missing. The value is None where nothing was measured, never 0."""

    value: float | None
    low: float | None
    high: float | None
    stderr: float | None
    """Standard error of the value; None where the method gives none."""
    method: str
    """How the interval was made, such as `wilson`, `wilson(effective, clusters)`, `jackknife(samples), logit`, or `none`."""
    level: float
    """Coverage the interval aims at, such as 0.95."""
    n: int
    """Samples the value rests on."""
    missing: int
    """Samples that should have counted and could not (failures)."""
    clusters: int | None = None
    """Number of groups of samples that hang together; None where every sample stands alone."""
    ties: int = 0
    """Samples decided between exactly equal choices."""
