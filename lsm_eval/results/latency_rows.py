"""What a record says of how fast requests were answered while a run asked them. What was not timed has no row."""

from __future__ import annotations

from lsm_eval.results.row import Row


class QuantileRow(Row):
    """A percentile of times."""

    share: float
    """.5, .9, .95 or .99."""
    seconds: float
    low: float | None
    """None where there are too few times for an interval (`statistics.quantiles`): 6 for .5, 29 for .9, 59 for .95, 299 for .99."""
    high: float | None


class TimedRow(Row):
    """Times of one thing."""

    what: str
    """`request`, `first_token`, `sequence` or `batch` (`inference.times.Measured`)."""
    n: int
    requests: float
    """In each, on average: 1 of all but a batch."""
    mean: float
    """Seconds."""
    quantiles: list[QuantileRow]

    @property
    def borne(self) -> list[QuantileRow]:
        """Those that there are times enough for, and the median in any case: a p99 of three times is their largest."""
        return [one for one in self.quantiles if one.low is not None or one.share == 0.5]


class LatencyRow(Row):
    """How fast requests of one kind were answered. Those whose answers were in the store are not among them."""

    request: str
    """`score`, `perplexity` or `generate`."""
    requests: int
    """Distinct ones that were answered; those that failed are not among them."""
    seconds: float
    """Wall time from the first to the last answer, without what is done once for all of them (self-checks, planning, making tokens)."""
    requests_per_second: float
    output_tokens: int | None
    """New tokens; None where nothing was generated, or not all were counted."""
    output_tokens_per_second: float | None
    times: list[TimedRow]
