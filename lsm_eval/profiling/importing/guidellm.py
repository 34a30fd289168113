"""GuideLLM's `benchmarks.json`: one benchmark for each load, with start, first token, last token and end of each request.

Its inter-token latency, (last token - first token) / (tokens - 1), is vLLM's time per output token; its time
per output token includes the time to the first token, and is not imported.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from lsm_eval.importing.shape import mapping, moment, number, sequence, some, text, whole, wrong
from lsm_eval.profiling.importing.imported import (
    ImportedCell,
    ImportedProfile,
    ReportedNumber,
    load_title,
    one_length,
    timed_request,
)
from lsm_eval.profiling.serving.stamps import TimedRequest

TOOL = "guidellm"
_TIMES = {
    "ttft": ("time_to_first_token_ms", "ms", 1e-3),
    "tpot": ("inter_token_latency_ms", "ms", 1e-3),
    "e2e": ("request_latency", "s", 1.0),
}
_RATES = {
    "requests_per_second": ("requests_per_second", "requests/s"),
    "output_tokens_per_second": ("output_tokens_per_second", "tokens/s"),
    "input_tokens_per_second": ("prompt_tokens_per_second", "tokens/s"),
    "total_tokens_per_second": ("tokens_per_second", "tokens/s"),
}


def is_guidellm(content: Any) -> bool:
    """Whether a JSON object is a report written by GuideLLM."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("benchmarks"), list)
        and "guidellm_version" in some(content.get("metadata"))
    )


def read_guidellm(path: Path, content: dict[str, Any]) -> ImportedProfile:
    """The measurements of a report. Raises `UserError`."""
    rows = [mapping(row, path, "a benchmark") for row in sequence(content["benchmarks"], path, "benchmarks")]
    if not rows:
        raise wrong(path, "it has no benchmark")
    spec = some(some(content.get("config")).get("spec"))
    backend = some(spec.get("backend")) or some(some(rows[0].get("config")).get("backend"))
    cells = [_cell(path, row) for row in rows]
    lacking = ["the server's version", "whether a cache was warm", "the machine", "times between tokens"]
    if any(cell.requests is None for cell in cells):
        lacking.append("the times of each request")
    return ImportedProfile(
        tool=TOOL,
        version=text(some(content.get("metadata")).get("guidellm_version")),
        model=text(backend.get("model")) or "unknown",
        created=moment(rows[0].get("start_time"), path, "start_time"),
        cells=cells,
        files=[path],
        workload=", ".join(text(some(one).get("kind")) or "?" for one in spec.get("data") or [])
        or "not in the file",
        settings={
            "backend": backend.get("kind"),
            "target": backend.get("target"),
            "request_format": backend.get("request_format"),
            "profile": spec.get("profile"),
            "data": spec.get("data"),
        },
        seed=whole(some(spec.get("seed")).get("value")),
        lacking=lacking,
    )


def _cell(path: Path, row: dict[str, Any]) -> ImportedCell:
    strategy = some(some(row.get("config")).get("strategy"))
    metrics = mapping(row.get("metrics"), path, "metrics")
    totals = some(metrics.get("request_totals"))
    requests = _requests(path, some(row.get("requests")))
    completed = whole(totals.get("successful"))
    failures = {
        "failed": whole(totals.get("errored")) or 0,
        "incomplete": whole(totals.get("incomplete")) or 0,
    }
    if requests is not None:
        completed = sum(one.whole for one in requests)
        failures = dict(Counter(one.failure for one in requests if one.failure))
    if completed is None:
        raise wrong(path, "request_totals.successful is no count")
    conditions: dict[str, Any] = {"phase": "serving", **_load(strategy)}
    if requests is not None:
        answered = [one for one in requests if one.whole]
        conditions["prompt_tokens"] = one_length([one.prompt_tokens for one in answered])
        conditions["output_tokens"] = one_length([one.output_tokens for one in answered])
    given: dict[str, ReportedNumber] = {}
    for ours, (theirs, unit) in _RATES.items():
        if (value := number(some(some(metrics.get(theirs)).get("successful")).get("mean"))) is not None:
            given[ours] = ReportedNumber(f"{theirs}.mean", value, unit)
    for ours, (theirs, unit, scale) in _TIMES.items():
        percentiles = some(some(some(metrics.get(theirs)).get("successful")).get("percentiles"))
        for percentile in (50, 90, 95, 99):
            if completed and (value := number(percentiles.get(f"p{percentile}"))) is not None:
                given[f"{ours}_p{percentile}"] = ReportedNumber(f"{theirs}.p{percentile}", value, unit, scale)
    return ImportedCell(
        conditions=conditions,
        title=load_title(conditions),
        completed=completed,
        failures={why: count for why, count in failures.items() if count},
        seconds=number(row.get("duration")),
        requests=requests,
        given=given,
    )


def _load(strategy: dict[str, Any]) -> dict[str, Any]:
    kind = text(strategy.get("type_")) or "unknown"
    if kind == "synchronous":
        return {"loop": "closed", "concurrency": 1}
    if kind == "concurrent":
        return {"loop": "closed", "concurrency": whole(strategy.get("streams"))}
    if kind in ("constant", "poisson", "async"):
        arrivals = "poisson" if kind == "poisson" else "constant"
        return {"loop": "open", "arrivals": arrivals, "rate": number(strategy.get("rate"))}
    if kind == "throughput":
        return {
            "loop": "open",
            "arrivals": "all at once",
            "concurrency": whole(strategy.get("max_concurrency")),
        }
    return {"loop": kind}


def _requests(path: Path, rows: dict[str, Any]) -> list[TimedRequest] | None:
    """The requests; None if some are missing (GuideLLM can keep a sample of them)."""
    kinds = (("successful", None), ("errored", "failed"), ("incomplete", "incomplete"))
    if not all(isinstance(rows.get(kind), list) for kind, _ in kinds):
        return None
    found: list[TimedRequest] = []
    for kind, failure in kinds:
        for row in rows[kind]:
            one = _request(path, len(found), mapping(row, path, f"a request of {kind}"), failure)
            if one is None:
                return None
            found.append(one)
    return found or None


def _request(path: Path, index: int, row: dict[str, Any], failure: str | None) -> TimedRequest | None:
    times = some(some(row.get("info")).get("timings"))
    started = number(times.get("request_start"))
    if failure is not None:
        return timed_request(
            index, started or 0.0, [], ended=number(times.get("request_end")), failure=failure
        )
    first, last = number(times.get("first_token_iteration")), number(times.get("last_token_iteration"))
    if started is None or first is None or last is None:
        return None  # not streamed: there is no first token
    if not started <= first <= last:
        raise wrong(path, f"the times of request {row.get('request_id')} are no times")
    return timed_request(
        index,
        started,
        [first] if first == last else [first, last],
        ended=number(times.get("request_end")),
        prompt_tokens=whole(row.get("prompt_tokens")),
        output_tokens=whole(row.get("output_tokens")),
    )
