"""The cost of a run's requests to servers, in a record."""

from __future__ import annotations

from lsm_eval.results.row import Row


class SpentRow(Row):
    """What one model cost in this run, including the probe of its server. Answers from the store were paid for before and are not included."""

    role: str
    """`model` or `judge`."""
    model: str
    """Its name."""
    charged: int
    """Number of tries that were charged, or may have been."""
    assumed: int
    """Those of them without a token count (incomplete answer or no usage), which are counted at the most that they can have cost."""
    tokens: dict[str, int]
    """As the server counts them: `input`, `cached` (of them), `output`, `reasoning` (of them); without those of `assumed`."""
    dollars: str | None
    """A decimal number; None if prices are not known."""
    dollars_assumed: str | None
    """The part of `dollars` that is for `assumed`."""
    prices: str | None
    """Source and version of the prices."""
    per_million: dict[str, str] = {}
    """US dollars per million tokens: `input`, `output`, `cached-input`."""


class CostRow(Row):
    """What a run cost."""

    models: list[SpentRow]
    """One row each for the model and the judge."""
    dollars: str | None
    """The total; None if a price is not known."""
    limit: str | None = None
    """The value of `--max-cost`."""
    before: str | None = None
    """The part of the limit that earlier runs of the same command used; None without a limit."""
