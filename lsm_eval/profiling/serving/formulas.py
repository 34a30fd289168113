"""Latencies and rates from the requests' time stamps, in seconds and per second, as defined by vLLM's `bench serve`.

For one completely answered request, started at `started` (before a connection is chosen):

- TTFT, time to first token: until its first chunk with text or a counted token. (vLLM's own client also accepts a chunk
  that only names the role; servers that send one before they have read the prompt would look faster than they are.)
- E2EL, end-to-end latency: until its last chunk; chunks that only count, and `[DONE]`, come after it.
- TPOT, time per output token: (E2EL - TTFT) / (output tokens - 1); undefined for one token, and then 0 for an objective.
- Chunk gaps: between consecutive chunks. This is what vLLM calls inter-token latency.
- ITL, inter-token latency: between consecutive *tokens*. It is the same if every chunk is one token. Tokens of one chunk arrive
  together: the first has the gap to the previous chunk, the others have 0. If a chunk's tokens are not counted there is no ITL.

For a measurement of `seconds`, from its start until its last answer: requests, output tokens and total tokens
of complete answers a second; goodput is the number of requests a second that meet every part of an objective; failed ones never do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lsm_eval.profiling.serving.stamps import TimedRequest

NAME = "vllm"
"""The name of these definitions in a record."""
_SECONDS = 1e-9


def ttft(one: TimedRequest) -> float:
    """Seconds to the first token."""
    return (one.written[0].at - one.started) * _SECONDS


def ttfat(one: TimedRequest) -> float | None:
    """Seconds to the first token of the *answer*, after a reasoning model's thoughts; None if there was no answer."""
    first = next((chunk.at for chunk in one.written if chunk.text and not chunk.thought), None)
    return None if first is None else (first - one.started) * _SECONDS


def e2e(one: TimedRequest) -> float:
    """Seconds to the last chunk."""
    return (one.chunks[-1].at - one.started) * _SECONDS


def tpot(one: TimedRequest) -> float | None:
    """Seconds per output token after the first; None if there is no second one, or tokens are not counted."""
    if one.output_tokens is None or one.output_tokens < 2:
        return None
    return (e2e(one) - ttft(one)) / (one.output_tokens - 1)


def chunk_gaps(one: TimedRequest) -> list[float]:
    """Seconds between consecutive chunks: vLLM's inter-token latencies."""
    return [(after.at - before.at) * _SECONDS for before, after in pairwise(one.written)]


def itl(one: TimedRequest) -> list[float] | None:
    """Seconds between consecutive tokens; None if the tokens of a chunk are not known."""
    chunks = one.written
    if any(chunk.tokens is None for chunk in chunks):
        return None
    found: list[float] = []
    before: int | None = None
    for chunk in chunks:
        if not chunk.tokens:
            continue
        if before is not None:
            found.append((chunk.at - before) * _SECONDS)
        found += [0.0] * (chunk.tokens - 1)
        before = chunk.at
    return found


def waited(one: TimedRequest) -> float:
    """Seconds between the scheduled time and the actual start. Added to TTFT and E2EL it gives the wait of a user who arrives at the
    scheduled time, so that a stalled client or server hides nothing (coordinated omission). 0 in a closed loop."""
    return 0.0 if one.scheduled is None else (one.started - one.scheduled) * _SECONDS


def keeps_to(one: TimedRequest, objective: dict[str, float]) -> bool | None:
    """Whether a request meets an objective, in seconds by `ttft`, `tpot`, `e2e`; None if unknown because its tokens are not
    counted. A failed one does not."""
    if not one.whole:
        return False
    found: dict[str, float | None] = {"ttft": ttft(one), "e2e": e2e(one)}
    if "tpot" in objective:
        if one.output_tokens is None:
            return None
        found["tpot"] = tpot(one) or 0.0
    values = {name: found[name] for name in objective}
    return all(value is not None and value <= objective[name] for name, value in values.items())


@dataclass(frozen=True, slots=True)
class Throughput:
    """Rates of one measurement, per second. None if tokens are not counted."""

    seconds: float
    completed: int
    failed: int
    requests: float
    input_tokens: float | None
    output_tokens: float | None
    total_tokens: float | None
    goodput: float | None
    """None without an objective, or if it is unknown whether it is met."""
    good: int | None


def throughput(
    requests: Sequence[TimedRequest], begun: int, objective: dict[str, float] | None = None
) -> Throughput:
    """Rates of a measurement that began at `begun` (nanoseconds) and ended with its last request."""
    seconds = (
        max((max((one.ended or begun) for one in requests) - begun) * _SECONDS, 1e-9) if requests else 0.0
    )
    whole = [one for one in requests if one.whole]
    read = _sum(one.prompt_tokens for one in whole)
    written = _sum(one.output_tokens for one in whole)
    good: int | None = None
    if objective:
        kept = [keeps_to(one, objective) for one in requests]
        good = None if None in kept else sum(bool(one) for one in kept)

    def rate(number: int | None) -> float | None:
        return None if number is None or not seconds else number / seconds

    return Throughput(
        seconds,
        len(whole),
        len(requests) - len(whole),
        rate(len(whole)) or 0.0,
        rate(read),
        rate(written),
        None if read is None or written is None else rate(read + written),
        rate(good),
        good,
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total
