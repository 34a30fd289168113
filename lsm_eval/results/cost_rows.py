"""What a record says of the money that asking servers cost."""

from __future__ import annotations

from lsm_eval.results.row import Row


class SpentRow(Row):
    """What one model cost in this run, what found out how it is to be asked included. What was in the store was asked, and paid for, before."""

    role: str
    """`model` or `judge`."""
    model: str
    charged: int
    """Tries that were charged, or may have been."""
    assumed: int
    """Those of them without a count of tokens (no whole answer, no usage), which count at the most that they can have cost."""
    tokens: dict[str, int]
    """As the server counts them: `input`, `cached` (of them), `output`, `reasoning` (of them); those of `assumed` not among them."""
    dollars: str | None
    """A decimal number; None where prices are not known."""
    dollars_assumed: str | None
    """Those of them that are for `assumed`."""
    prices: str | None
    """Whose prices, and which version of them."""
    per_million: dict[str, str] = {}
    """US dollars a million tokens: `input`, `output`, `cached-input`."""


class CostRow(Row):
    """What a run cost."""

    models: list[SpentRow]
    dollars: str | None
    """Of all; None where a price is not known."""
    limit: str | None = None
    """Of `--max-cost`."""
    before: str | None = None
    """Of the limit, what the same command took before; None without one."""
