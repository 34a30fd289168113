"""What the time stamps of requests amount to: the definitions of vLLM's `bench serve`, in seconds and per second.

Of one request that was answered whole, begun at `started` (before a connection is looked for):

- TTFT, time to first token: until its first chunk that bears text or a counted token. (vLLM's own client also takes a chunk
  that only names the role for it; servers that send one before they have read the prompt would look quicker than they are.)
- E2EL, end-to-end latency: until its last chunk; chunks that only count, and `[DONE]`, come after it.
- TPOT, time per output token: (E2EL - TTFT) / (output tokens - 1); of one token there is none, and for an objective it is 0.
- Chunk gaps: between neighbouring chunks. This is what vLLM calls inter-token latency.
- ITL, inter-token latency: between neighbouring *tokens*. It is the same where every chunk is one token. Tokens that came in one chunk came
  together: the first of them waited, the others did not. Where nobody counted a chunk's tokens there is no ITL.

Of a measurement that took `seconds`, from its begin until its last answer was there: requests, output tokens and total tokens
of whole answers a second; goodput is requests a second that keep to every part of an objective, failed ones never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lsm_eval.profiling.serving.stamps import Timed

NAME = "vllm"
"""As a record says whose definitions these are."""
_SECONDS = 1e-9


def ttft(one: Timed) -> float:
    """Seconds to the first token."""
    return (one.written[0].at - one.started) * _SECONDS


def ttfat(one: Timed) -> float | None:
    """Seconds to the first token of the *answer*, after a thinking model's thoughts; None where there was no answer."""
    first = next((chunk.at for chunk in one.written if chunk.text and not chunk.thought), None)
    return None if first is None else (first - one.started) * _SECONDS


def e2e(one: Timed) -> float:
    """Seconds to the end of what is written."""
    return (one.chunks[-1].at - one.started) * _SECONDS


def tpot(one: Timed) -> float | None:
    """Seconds per output token after the first; None where there is no second one, or nobody counts."""
    if one.output_tokens is None or one.output_tokens < 2:
        return None
    return (e2e(one) - ttft(one)) / (one.output_tokens - 1)


def chunk_gaps(one: Timed) -> list[float]:
    """Seconds between neighbouring chunks: vLLM's inter-token latencies."""
    return [(after.at - before.at) * _SECONDS for before, after in pairwise(one.written)]


def itl(one: Timed) -> list[float] | None:
    """Seconds between neighbouring tokens; None where the tokens of a chunk are not known."""
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


def waited(one: Timed) -> float:
    """Seconds from when it was to be sent until it was begun: to be added to TTFT and E2EL for what a user would have waited who came
    on time, so that a client or server that stands still hides nothing (coordinated omission). 0 in a closed loop."""
    return 0.0 if one.scheduled is None else (one.started - one.scheduled) * _SECONDS


def keeps_to(one: Timed, objective: dict[str, float]) -> bool | None:
    """Whether a request meets an objective, in seconds by `ttft`, `tpot`, `e2e`; None where it cannot be known, since nobody
    counts its tokens. One that failed does not."""
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
    """Rates of one measurement, a second. None where tokens are not counted."""

    seconds: float
    completed: int
    failed: int
    requests: float
    input_tokens: float | None
    output_tokens: float | None
    total_tokens: float | None
    goodput: float | None
    """None without an objective, or where it cannot be known whether it is met."""
    good: int | None


def throughput(
    requests: Sequence[Timed], begun: int, objective: dict[str, float] | None = None
) -> Throughput:
    """What came of requests of a measurement that began at `begun` (nanoseconds) and ended with the last of them."""
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
