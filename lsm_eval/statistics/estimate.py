"""A number with its confidence interval."""

from __future__ import annotations

from dataclasses import dataclass

NOT_ESTIMABLE = "none (not estimable: "
"""How `method` begins if there are samples but no value can be estimated from them; the reason follows."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Value, interval, method, n, missing. The value is None if nothing was measured, never 0."""

    value: float | None
    low: float | None
    high: float | None
    stderr: float | None
    """Standard error of the value; None if the method gives none."""
    method: str
    """How the interval was made, such as `wilson`, `wilson(effective, clusters)`, `jackknife(samples), logit`, or `none`."""
    level: float
    """Nominal coverage of the interval, such as 0.95."""
    n: int
    """Number of samples that the value is computed from."""
    missing: int
    """Number of samples that are missing because they failed."""
    clusters: int | None = None
    """Number of clusters of samples; None if no two samples share one."""
    ties: int = 0
    """Number of samples with a tie between exactly equal choices."""
