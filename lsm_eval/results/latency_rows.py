"""How fast a run's requests were answered, in its record. What was not timed has no row."""

from __future__ import annotations

from lsm_eval.results.row import Row


class QuantileRow(Row):
    """A percentile of times."""

    share: float
    """.5, .9, .95 or .99."""
    seconds: float
    """The percentile."""
    low: float | None
    """None if there are too few times for an interval (`statistics.quantiles`): 6 for .5, 29 for .9, 59 for .95, 299 for .99."""
    high: float | None
    """None where `low` is."""


class TimedRow(Row):
    """Times of one kind of event."""

    what: str
    """`request`, `first_token`, `sequence` or `batch` (`inference.times.Measured`)."""
    n: int
    """Number of times."""
    requests: float
    """Requests in each, on average: 1, except for batches."""
    mean: float
    """Seconds."""
    quantiles: list[QuantileRow]
    """Their percentiles."""

    @property
    def reliable(self) -> list[QuantileRow]:
        """The quantiles with enough times, and always the median: a p99 of three times would be just their maximum."""
        return [one for one in self.quantiles if one.low is not None or one.share == 0.5]


class LatencyRow(Row):
    """How fast requests of one kind were answered. Requests whose answers were in the store are not included."""

    request: str
    """`score`, `perplexity` or `generate`."""
    requests: int
    """Number of distinct requests that were answered, without those that failed."""
    seconds: float
    """Wall time from the first to the last answer, without work that is done once for all of them (self-checks, planning, tokenization)."""
    requests_per_second: float
    """`requests` by `seconds`."""
    output_tokens: int | None
    """New tokens; None if nothing was generated, or not all were counted."""
    output_tokens_per_second: float | None
    """`output_tokens` by `seconds`."""
    times: list[TimedRow]
    """What was timed, one row for each kind of event."""
