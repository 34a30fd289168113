"""Ranks as intervals, as the table shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnRanks:
    """Of one column: tuples by the model's place on the board."""

    low: tuple[int, ...]
    """The best rank that a model may have; 0: its rank is unknown (no number, no samples, or it does not compare)."""
    high: tuple[int, ...]
    """The worst."""
    told: int
    """Neighbouring pairs that can be told apart."""
    pairs: int
    """Neighbouring pairs."""
    level: float = 0.95
    """Of all the column's ranks at once."""

    @property
    def top(self) -> tuple[int, ...]:
        """Places of the models that may be the best: the tied top."""
        return tuple(place for place, low in enumerate(self.low) if low == 1)
