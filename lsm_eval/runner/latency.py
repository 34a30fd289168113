"""How fast a run's requests were answered, as rows of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lsm_eval.inference.times import Found, Kind, Measured
from lsm_eval.models.base import Model, Timing
from lsm_eval.results.latency_rows import LatencyRow, QuantileRow, TimedRow
from lsm_eval.runner.execute import Tally
from lsm_eval.statistics.quantiles import quantile

_KINDS = ("score", "perplexity", "generate")
_SHARES = (0.5, 0.9, 0.95, 0.99)


def times_of(model: Model) -> Found:
    """The times that the model has measured so far; empty if it measures none."""
    return model.times() if isinstance(model, Timing) else {}


def since(before: Mapping[tuple[Kind, Measured], int], model: Model) -> Found:
    """The times that the model has measured since `before`."""
    return {key: found[before.get(key, 0) :] for key, found in times_of(model).items()}


def latency_rows(tallies: Sequence[Tally], times: Found) -> list[LatencyRow]:
    """One row per kind of answered request, for a model that measures times or counts what it computes."""
    rows = []
    for kind in _KINDS:
        own = [tally for tally in tallies if tally.kind == kind]
        # Requests that fail at once would make a model that answers nothing look fast.
        answered = sum(tally.computed - tally.failed for tally in own)
        took = sum(tally.seconds for tally in own)
        timed = list(_timed(kind, own, times))
        if not (answered and took > 0 and (timed or any(tally.here for tally in own))):
            continue  # baseline rows without a model have no speed
        tokens = None
        if kind == "generate" and all(tally.counted for tally in own):
            tokens = sum(tally.tokens_generated for tally in own)
        rows.append(
            LatencyRow(
                request=kind,
                requests=answered,
                seconds=round(took, 3),
                requests_per_second=answered / took,
                output_tokens=tokens,
                output_tokens_per_second=None if tokens is None else tokens / took,
                times=timed,
            )
        )
    return rows


def _timed(kind: str, tallies: Sequence[Tally], times: Found) -> list[TimedRow]:
    found = [_row(what, values, 1.0) for (own, what), values in times.items() if own == kind and len(values)]
    batches = [batch for tally in tallies for batch in tally.batches]
    if batches and not found:
        requests = sum(count for _, count in batches) / len(batches)
        found.append(_row("batch", [seconds for seconds, _ in batches], requests))
    return found


def _row(what: str, values: Sequence[float], requests: float) -> TimedRow:
    quantiles = []
    for share in _SHARES:
        made = quantile(values, share)
        assert made.value is not None
        quantiles.append(QuantileRow(share=share, seconds=made.value, low=made.low, high=made.high))
    return TimedRow(
        what=what, n=len(values), requests=requests, mean=sum(values) / len(values), quantiles=quantiles
    )
