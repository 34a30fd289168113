"""Rank intervals in the form that the table shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnRanks:
    """The rank intervals of one column: tuples by the model's position on the board."""

    low: tuple[int, ...]
    """The best rank that a model may have; 0: its rank is unknown (no number, no samples, or not comparable)."""
    high: tuple[int, ...]
    """The worst rank that a model may have."""
    told: int
    """Number of neighbouring pairs that can be distinguished."""
    pairs: int
    """Number of neighbouring pairs."""
    level: float = 0.95
    """The simultaneous confidence level of all the column's ranks."""

    @property
    def top(self) -> tuple[int, ...]:
        """Positions of the models that may be the best: the tied top."""
        return tuple(place for place, low in enumerate(self.low) if low == 1)
