"""`vllm bench serve --save-result`: one JSON object for each measurement, with the times of each request if `--save-detailed` was given.

Its `itls` are times between chunks of the answer; its TPOT is (end to end - first token) / (tokens - 1).
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

from lsm_eval.importing.shape import number, text, whole, wrong
from lsm_eval.profiling.importing.imported import (
    ImportedCell,
    ImportedProfile,
    ReportedNumber,
    load_title,
    one_length,
    timed_request,
)
from lsm_eval.profiling.serving.stamps import TimedRequest

TOOL = "vllm"
_TIMES = {"ttft": "ttft", "tpot": "tpot", "itl": "chunk_gap", "e2el": "e2e"}
_RATES = {
    "request_throughput": ("requests_per_second", "requests/s"),
    "output_throughput": ("output_tokens_per_second", "tokens/s"),
    "total_token_throughput": ("total_tokens_per_second", "tokens/s"),
    "request_goodput": ("goodput", "requests/s"),
}
_DETAILS = ("ttfts", "itls", "input_lens", "output_lens", "errors", "start_times")
_SETTINGS = (
    "backend",
    "endpoint_type",
    "tokenizer_id",
    "num_prompts",
    "request_rate",
    "burstiness",
    "max_concurrency",
    "label",
)


def is_vllm(content: Any) -> bool:
    """Whether a JSON object is a result written by vLLM."""
    return (
        isinstance(content, dict)
        and {"model_id", "duration", "completed", "request_throughput"} <= content.keys()
    )


def read_vllm(path: Path, contents: list[dict[str, Any]]) -> ImportedProfile:
    """The measurements of one file. Raises `UserError`."""
    models = {text(content.get("model_id")) or "unknown" for content in contents}
    if len(models) > 1:
        raise wrong(path, f"it has measurements of {len(models)} models: keep those of one")
    first = contents[0]
    cells = [_cell(path, content) for content in contents]
    lacking = [
        "vLLM's version",
        "the time zone of its date (taken as UTC)",
        "the prompts",
        "whether a cache was warm",
        "the machine",
    ]
    if any(cell.requests is None for cell in cells):
        lacking.append("the times of each request (vLLM writes them with --save-detailed)")
    return ImportedProfile(
        tool=TOOL,
        version=None,
        model=models.pop(),
        created=_moment(path, first.get("date")),
        cells=cells,
        files=[path],
        workload="not in the file",
        settings={key: first[key] for key in _SETTINGS if first.get(key) is not None},
        lacking=lacking,
        notes=["vLLM's client also takes a part that only names the role for the first token."],
    )


def _cell(path: Path, content: dict[str, Any]) -> ImportedCell:
    completed = whole(content.get("completed"))
    if completed is None or completed < 0:
        raise wrong(path, "completed is no count")
    requests = _requests(path, content)
    failed = whole(content.get("failed")) or 0
    failures = {"failed": failed} if failed > 0 else {}
    if requests is not None:
        failures = {"failed": count} if (count := sum(one.failure is not None for one in requests)) else {}
    conditions: dict[str, Any] = {"phase": "serving", **_load(content)}
    if requests is not None:
        answered = [one for one in requests if one.whole]
        conditions["prompt_tokens"] = one_length([one.prompt_tokens for one in answered])
        conditions["output_tokens"] = one_length([one.output_tokens for one in answered])
    return ImportedCell(
        conditions=conditions,
        title=load_title(conditions),
        completed=completed if requests is None else sum(one.whole for one in requests),
        failures=failures,
        seconds=number(content.get("duration")),
        requests=requests,
        between=requests is not None,
        given=_given(content),
    )


def _load(content: dict[str, Any]) -> dict[str, Any]:
    rate, most = content.get("request_rate"), whole(content.get("max_concurrency"))
    found = number(rate)
    if found is not None:
        shape = number(content.get("burstiness"))
        arrivals = None if shape is None else "poisson" if shape == 1 else f"gamma:{shape:g}"
        return {"loop": "open", "arrivals": arrivals, "rate": found, "concurrency": most}
    if most is not None:
        return {"loop": "closed", "concurrency": most}
    return {"loop": "open", "arrivals": "all at once"}


def _given(content: dict[str, Any]) -> dict[str, ReportedNumber]:
    found: dict[str, ReportedNumber] = {}
    for key, (ours, unit) in _RATES.items():
        if (value := number(content.get(key))) is not None:
            found[ours] = ReportedNumber(key, value, unit)
    seconds, read = number(content.get("duration")), number(content.get("total_input_tokens"))
    if seconds and read is not None:
        found["input_tokens_per_second"] = ReportedNumber(
            "total_input_tokens / duration", read / seconds, "tokens/s"
        )
    for theirs, ours in _TIMES.items():
        for percentile in (50, 90, 95, 99):
            for key in (f"p{percentile}_{theirs}_ms", *([f"median_{theirs}_ms"] if percentile == 50 else [])):
                value = number(content.get(key))
                if value is not None:
                    found.setdefault(f"{ours}_p{percentile}", ReportedNumber(key, value, "ms", 1e-3))
    return found


def _requests(path: Path, content: dict[str, Any]) -> list[TimedRequest] | None:
    """The requests; None if the file does not have their times."""
    if any(not isinstance(content.get(key), list) for key in _DETAILS[:4]):
        return None
    ttfts, gaps, prompts, outputs = (content[key] for key in _DETAILS[:4])
    count = len(ttfts)
    errors = content.get("errors") or [""] * count
    starts = content.get("start_times") or [0.0] * count
    if any(len(one) != count for one in (gaps, prompts, outputs, errors, starts)):
        raise wrong(path, "its lists of single requests differ in length")
    found = []
    for at in range(count):
        started, first, own = number(starts[at]), number(ttfts[at]), gaps[at]
        if started is None or first is None or not isinstance(own, list):
            raise wrong(path, f"the times of request {at} are no numbers")
        between = [number(one) for one in own]
        if any(one is None or one < 0 for one in between) or first < 0:
            raise wrong(path, f"the times of request {at} are no times")
        tokens = whole(outputs[at])
        failed = bool(errors[at]) or (not own and first == 0)
        times = list(accumulate([started + first, *(one or 0.0 for one in between)]))
        found.append(
            timed_request(
                at,
                started,
                [] if failed else times,
                ended=times[-1],
                prompt_tokens=whole(prompts[at]),
                output_tokens=tokens,
                counted=tokens == len(times),
                failure="failed" if failed else None,
            )
        )
    return found


def _moment(path: Path, value: Any) -> datetime:
    """The time of a measurement: vLLM writes local time without a zone; it is read as UTC, which a record needs."""
    try:
        return datetime.strptime(str(value), "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise wrong(path, f"date is {str(value)[:80]!r}, no time of vLLM's") from error
