"""AIPerf's `profile_export_aiperf.json`, and the `profile_export.jsonl` beside it with the times of each request.

Its inter-token latency, (end - first token) / (tokens - 1), is vLLM's time per output token; the gaps are in `inter_chunk_latency`.
Output tokens are counted by AIPerf's own tokenizer.
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from pathlib import Path
from typing import Any

from lsm_eval.importing.read import read_lines
from lsm_eval.importing.shape import mapping, moment, number, some, text, whole, wrong
from lsm_eval.profiling.importing.imported import (
    ImportedCell,
    ImportedProfile,
    ReportedNumber,
    load_title,
    one_length,
    timed_request,
)
from lsm_eval.profiling.serving.stamps import TimedRequest

TOOL = "aiperf"
_SUMMARY = "_aiperf.json"
_SECONDS = {"ms": 1e-3, "s": 1.0, "sec": 1.0, "us": 1e-6, "ns": 1e-9}
_TIMES = {
    "time_to_first_token": "ttft",
    "time_to_first_output_token": "ttfat",
    "inter_token_latency": "tpot",
    "inter_chunk_latency": "chunk_gap",
    "request_latency": "e2e",
}
_RATES = {
    "request_throughput": ("requests_per_second", "requests/s"),
    "output_token_throughput": ("output_tokens_per_second", "tokens/s"),
    "input_token_throughput": ("input_tokens_per_second", "tokens/s"),
    "total_token_throughput": ("total_tokens_per_second", "tokens/s"),
    "goodput": ("goodput", "requests/s"),
}


def is_aiperf(content: Any) -> bool:
    """Whether a JSON object is a summary written by AIPerf."""
    return isinstance(content, dict) and "aiperf_version" in content and "input_config" in content


def read_aiperf(path: Path, content: dict[str, Any]) -> ImportedProfile:
    """The measurement of a summary, and the requests beside it. Raises `UserError`."""
    config = some(content.get("input_config"))
    models = [text(some(one).get("name")) for one in some(config.get("models")).get("items") or []]
    known = sorted({name for name in models if name})
    if len(known) > 1:
        raise wrong(path, f"it has measurements of {len(known)} models: measure one at a time")
    beside = path.with_name(path.name.replace(_SUMMARY, ".jsonl")) if path.name.endswith(_SUMMARY) else None
    rows = None
    if beside is not None and beside.is_file():
        rows = [mapping(row, beside, f"line {at}") for at, row in enumerate(read_lines(beside), 1)]
    lacking = ["the server's version", "whether a cache was warm", "the machine"]
    requests = None if rows is None or beside is None else _requests(beside, rows)
    if requests is None:
        lacking.append("the times of each request (profile_export.jsonl beside it)")
    cell = _cell(content, config, requests)
    cancelled = content.get("was_cancelled") is True
    endpoint = some(config.get("endpoint"))
    return ImportedProfile(
        tool=TOOL,
        version=text(content.get("aiperf_version")),
        model=known[0] if known else "unknown",
        created=moment(content.get("start_time"), path, "start_time"),
        cells=[cell],
        files=[path, *([beside] if rows is not None and beside is not None else [])],
        workload=", ".join(text(some(one).get("type")) or "?" for one in config.get("datasets") or [])
        or "not in the file",
        settings={
            "endpoint": endpoint.get("type"),
            "urls": endpoint.get("urls"),
            "streaming": endpoint.get("streaming"),
            "datasets": config.get("datasets"),
            "phases": config.get("phases"),
            "tokenizer": some(config.get("tokenizer")).get("name"),
        },
        stopped="it was cancelled" if cancelled else None,
        lacking=lacking,
        notes=_doubts(content),
    )


def _cell(
    content: dict[str, Any], config: dict[str, Any], requests: list[TimedRequest] | None
) -> ImportedCell:
    phases = [some(one) for one in config.get("phases") or []]
    phase = next((one for one in phases if one.get("kind") == "profiling"), {})
    conditions: dict[str, Any] = {"phase": "serving", **_load(phase)}
    completed = whole(number(some(content.get("request_count")).get("avg"))) or 0
    failed = whole(number(some(content.get("error_request_count")).get("avg"))) or 0
    failures = {"failed": failed} if failed else {}
    if requests is not None:
        answered = [one for one in requests if one.whole]
        completed = len(answered)
        failures = dict(Counter(one.failure for one in requests if one.failure))
        conditions["prompt_tokens"] = one_length([one.prompt_tokens for one in answered])
        conditions["output_tokens"] = one_length([one.output_tokens for one in answered])
    given: dict[str, ReportedNumber] = {}
    for theirs, (ours, unit) in _RATES.items():
        if (value := number(some(content.get(theirs)).get("avg"))) is not None:
            given[ours] = ReportedNumber(theirs, value, unit)
    for theirs, ours in _TIMES.items():
        entry = some(content.get(theirs))
        unit = text(entry.get("unit")) or ""
        for percentile in (50, 90, 95, 99):
            value = number(entry.get(f"p{percentile}"))
            if value is not None and unit in _SECONDS:
                given[f"{ours}_p{percentile}"] = ReportedNumber(
                    f"{theirs}.p{percentile}", value, unit, _SECONDS[unit]
                )
    return ImportedCell(
        conditions=conditions,
        title=load_title(conditions),
        completed=completed,
        failures=failures,
        seconds=number(some(content.get("benchmark_duration")).get("avg")),
        requests=requests,
        between=requests is not None,
        given=given,
    )


def _load(phase: dict[str, Any]) -> dict[str, Any]:
    rate, most = number(phase.get("rate") or phase.get("request_rate")), whole(phase.get("concurrency"))
    if rate is not None:
        kind = text(phase.get("type")) or text(phase.get("arrival_pattern"))
        return {"loop": "open", "arrivals": kind, "rate": rate, "concurrency": most}
    if most is not None:
        return {"loop": "closed", "concurrency": most}
    return {"loop": text(phase.get("type")) or "unknown"}


def _requests(path: Path, rows: list[dict[str, Any]]) -> list[TimedRequest] | None:
    """The requests; None if an answer was not streamed, or the times of its parts are missing."""
    found: list[TimedRequest] = []
    # Relative to the first request's start: nanoseconds since 1970 exceed a float's precision.
    begins = [whole(some(row.get("metadata")).get("request_start_ns")) for row in rows]
    base = min((began for began in begins if began is not None), default=0)
    for at, row in enumerate(rows, 1):
        about, metrics = some(row.get("metadata")), some(row.get("metrics"))
        if about.get("benchmark_phase") not in (None, "profiling"):
            continue
        began, end = begins[at - 1], whole(about.get("request_end_ns"))
        if began is None:
            raise wrong(path, f"line {at} has no request_start_ns")
        error = row.get("error")
        if error is not None or about.get("was_cancelled") is True:
            kind = text(some(error).get("type")) or ("cancelled" if error is None else "failed")
            ended = None if end is None else (end - base) * 1e-9
            found.append(timed_request(len(found), (began - base) * 1e-9, [], ended=ended, failure=kind))
            continue
        first, gaps = _seconds(metrics, "time_to_first_token"), _all_seconds(metrics, "inter_chunk_latency")
        if first is None or gaps is None:
            return None
        if first < 0 or any(gap < 0 for gap in gaps):
            raise wrong(path, f"the times of line {at} are no times")
        started = (began - base) * 1e-9
        tokens = whole(some(metrics.get("output_sequence_length")).get("value"))
        times = list(accumulate([started + first, *gaps]))
        found.append(
            timed_request(
                len(found),
                started,
                times,
                prompt_tokens=whole(some(metrics.get("input_sequence_length")).get("value")),
                output_tokens=tokens,
                counted=tokens == len(times),
            )
        )
    return found or None


def _seconds(metrics: dict[str, Any], name: str) -> float | None:
    entry = some(metrics.get(name))
    value, unit = number(entry.get("value")), text(entry.get("unit"))
    return None if value is None or unit not in _SECONDS else value * _SECONDS[unit]


def _all_seconds(metrics: dict[str, Any], name: str) -> list[float] | None:
    entry = some(metrics.get(name))
    values, unit = entry.get("value"), text(entry.get("unit"))
    if not isinstance(values, list) or unit not in _SECONDS:
        return None
    found = [number(value) for value in values]
    return [value * _SECONDS[unit] for value in found if value is not None] if None not in found else None


def _doubts(content: dict[str, Any]) -> list[str]:
    own = number(some(content.get("total_osl")).get("avg"))
    server = number(some(content.get("total_usage_completion_tokens")).get("avg"))
    if own is None or server is None or own == server:
        return []
    return [
        f"AIPerf's tokenizer counts {own:,.0f} output tokens, and the server {server:,.0f}: numbers a token are by AIPerf's count."
    ]
