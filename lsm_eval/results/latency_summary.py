"""How fast a run's requests were answered, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.results.latency_rows import LatencyRow, TimedRow

_WORDS = {
    "request": "a request",
    "first_token": "to the first token",
    "sequence": "a text, from its prompt's first token to its last one",
    "batch": "a batch",
}


def latency_summary(rows: Sequence[LatencyRow] | None) -> str:
    """Throughput, and the percentiles with enough times; empty if nothing was timed."""
    return "; ".join(map(_of, rows or ()))


def _of(row: LatencyRow) -> str:
    parts = [f"{row.request} {_rate(row.requests_per_second)} requests/s"]
    if row.output_tokens_per_second is not None:
        parts.append(f"{_rate(row.output_tokens_per_second)} tokens/s")
    return ", ".join([*parts, *map(_times, row.times)])


def _times(timed: TimedRow) -> str:
    percentiles = ", ".join(f"p{100 * one.share:g} {_seconds(one.seconds)}" for one in timed.reliable)
    size = f" of {timed.requests:.3g}" if timed.what == "batch" else ""
    return f"{_WORDS.get(timed.what, timed.what)}{size} {percentiles} (n {timed.n:,})"


def _seconds(value: float) -> str:
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.3g} s"


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
