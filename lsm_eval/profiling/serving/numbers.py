"""The numbers of one measurement, each with its interval or the reason for having none."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.profiling.serving import formulas
from lsm_eval.profiling.serving.objective import Objective
from lsm_eval.profiling.serving.stamps import TimedRequest
from lsm_eval.results.profile_rows import MeasuredRow
from lsm_eval.statistics.intervals import proportion_interval
from lsm_eval.statistics.quantiles import PERCENTILES, fewest, quantile

_LEVEL = 0.95
NO_COUNTS = "the server counts no tokens"
BUNDLED = "the server puts several tokens in a chunk and does not say how many: chunks are not tokens"
_ONE = "none (one measurement)"


def numbers(requests: Sequence[TimedRequest], begun: int, objective: Objective | None) -> list[MeasuredRow]:
    """All numbers of a measurement that began at `begun` (nanoseconds)."""
    whole = [one for one in requests if one.whole]
    failed = len(requests) - len(whole)
    rates = formulas.throughput(requests, begun, objective.seconds if objective else None)
    found = [
        _rate(
            "output_tokens_per_second", "tokens/s", rates.output_tokens, rates.completed, failed, NO_COUNTS
        ),
        _rate("requests_per_second", "requests/s", rates.requests, rates.completed, failed),
        _rate("input_tokens_per_second", "tokens/s", rates.input_tokens, rates.completed, failed, NO_COUNTS),
        _rate("total_tokens_per_second", "tokens/s", rates.total_tokens, rates.completed, failed, NO_COUNTS),
    ]
    found += _percentiles("ttft", [formulas.ttft(one) for one in whole], failed)
    if any(chunk.thought for one in whole for chunk in one.chunks):
        answered = [seconds for one in whole if (seconds := formulas.ttfat(one)) is not None]
        found += _percentiles("ttfat", answered, failed + len(whole) - len(answered))
    counted = [one for one in whole if one.output_tokens is not None]
    per_token = [seconds for one in counted if (seconds := formulas.tpot(one)) is not None]
    why = NO_COUNTS if whole and not counted else "no answer has a second token" if whole else None
    found += _percentiles("tpot", per_token, failed + len(whole) - len(counted), why)
    found += _gaps(whole, failed)
    found += _percentiles("e2e", [formulas.e2e(one) for one in whole], failed)
    if any(one.scheduled is not None for one in whole):
        found += _percentiles(
            "ttft_scheduled", [formulas.waited(one) + formulas.ttft(one) for one in whole], failed
        )
        found += _percentiles(
            "e2e_scheduled", [formulas.waited(one) + formulas.e2e(one) for one in whole], failed
        )
    if objective is not None:
        found.append(_rate("goodput", "requests/s", rates.goodput, len(requests), 0, NO_COUNTS))
        found.append(_share("attainment", rates.good, len(requests), better=True, why=NO_COUNTS))
    found.append(_share("error_rate", failed, len(requests), better=False))
    return found


def _gaps(whole: Sequence[TimedRequest], failed: int) -> list[MeasuredRow]:
    """Inter-token latency if it is known, and the gaps between chunks."""
    gaps: list[float] = []
    clusters: list[str | None] = []
    unknown = 0
    for one in whole:
        found = formulas.itl(one)
        if found is None:
            unknown += 1
            continue
        gaps += found
        clusters += [str(one.index)] * len(found)
    # If some streams are unknown these may be the fast or the slow ones: all or none count.
    why = BUNDLED if any(one.output_tokens is not None for one in whole) else NO_COUNTS
    rows = (
        _percentiles("itl", [], failed + unknown, why)
        if unknown
        else _percentiles("itl", gaps, failed, clusters=clusters)
    )
    pairs = [(gap, str(one.index)) for one in whole for gap in formulas.chunk_gaps(one)]
    rows += _percentiles("chunk_gap", [gap for gap, _ in pairs], failed, clusters=[name for _, name in pairs])
    return rows


def _percentiles(
    name: str,
    values: Sequence[float],
    missing: int,
    why: str | None = None,
    clusters: Sequence[str | None] | None = None,
) -> list[MeasuredRow]:
    rows = []
    for percentile in PERCENTILES:
        share = percentile / 100
        found = quantile(values, share, clusters, missing=missing, level=_LEVEL)
        enough = found.low is not None
        rows.append(
            MeasuredRow(
                metric=f"{name}_p{percentile:g}",
                unit="s",
                higher_is_better=False,
                value=found.value,
                low=found.low,
                high=found.high,
                level=_LEVEL,
                method=found.method,
                n=found.n,
                missing=missing,
                enough=enough,
                why=(why or "nothing was answered whole")
                if found.value is None
                else None
                if enough
                else f"p{percentile:g} needs {fewest(share, _LEVEL)}",
            )
        )
    return rows


def _rate(
    metric: str, unit: str, value: float | None, n: int, missing: int, why: str | None = None
) -> MeasuredRow:
    known = value is not None and (n > 0 or metric == "goodput")
    return MeasuredRow(
        metric=metric,
        unit=unit,
        higher_is_better=True,
        value=value if known else None,
        level=_LEVEL,
        method=_ONE if known else "none (no samples)",
        n=n,
        missing=missing,
        why=None if known else (why if n else "nothing was answered whole"),
    )


def _share(metric: str, number: int | None, n: int, *, better: bool, why: str | None = None) -> MeasuredRow:
    if number is None or not n:
        return MeasuredRow(
            metric=metric, unit="fraction", higher_is_better=better, value=None, method="none (no samples)", n=n, why=why
        )  # fmt: skip
    method, (low, high) = proportion_interval(number, n, _LEVEL)
    return MeasuredRow(
        metric=metric, unit="fraction", higher_is_better=better, value=number / n, low=low, high=high, level=_LEVEL,
        method=method, n=n,
    )  # fmt: skip
