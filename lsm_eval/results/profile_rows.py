"""A profile (`lsm-eval profile`) in a record: how fast a model is, under which conditions, and whether the numbers can be trusted.

Times are in seconds, rates per second, memory in bytes, energy in joules, without prefixes. What was not measured or cannot be
known is None, never 0.
"""

from __future__ import annotations

from typing import Any, Literal

from lsm_eval.results.row import Row

Kind = Literal["offline", "serving"]
"""`offline`: in this process, batch by batch. `serving`: requests arrive one by one, at a server or at our own server with the model."""
Cache = Literal["cold", "prefix-warm", "unknown"]
"""State of the prefix cache: nothing of the prompts was cached, their beginnings were, or it is not known."""

PROFILE_UNITS = frozenset(
    {
        "tokens/s", "requests/s", "s", "bytes", "FLOP/s", "bytes/s", "fraction", "J/token", "J/request",
        "J/1000 requests", "W", "tokens", "requests",
    }
)  # fmt: skip
"""Units of a profile's numbers; `fraction` is 0 to 1."""

REQUEST_COLUMNS = {
    "cell": "string: the name of its cell",
    "index": "int64: its place in the cell",
    "warm_up": "bool: whether it is excluded from all numbers",
    "scheduled": "double or null: seconds since the cell's start when it was to be sent; null in a closed loop",
    "sent": "double: seconds since the cell's start when it was sent",
    "ended": "double or null: when its last byte came, or it failed",
    "chunk_times": "list<double>: seconds since the cell's start, one a part of the answer that held text",
    "chunk_tokens": "list<int64>: tokens of each part, parallel; empty where the server gives no counts",
    "chunk_thoughts": "list<bool>: whether each part belongs to a thinking model's thoughts, parallel",
    "prompt_tokens": "int64 or null: as the server (or our tokenizer) counts them",
    "cached_tokens": "int64 or null: those of them that the server says it held",
    "output_tokens": "int64 or null: all new tokens, thoughts included",
    "reasoning_tokens": "int64 or null: those of them that are thoughts",
    "asked_prompt_tokens": "int64 or null: what the workload asked for",
    "asked_output_tokens": "int64 or null: how many it was to write",
    "counted_by": "string or null: who counted the chunks' tokens, such as `server`, `tokenizer`, `engine`",
    "failure": "string or null: the class of its failure; null where it was answered whole",
    "server": "string or null: which of several",
}
"""`profile/requests.parquet` of a serving profile: one row per request, with all columns. Times of imported requests count from
the cell's first request."""

REPEAT_COLUMNS = {
    "cell": "string: the name of its cell",
    "round": "int64: from 0; every round has each cell once, in an order of its own",
    "order": "int64: its place among all that was measured",
    "warm_up": "bool: whether it is excluded from all numbers",
    "disturbed": "string or null: why it is excluded from all numbers although it was measured",
    "start": "double: seconds since the first",
    "seconds": "double: wall time of the batch, from the requests to the last answer; without checks that a run makes once",
    "prefill_seconds": "double or null: of it, in passes that read prompts",
    "decode_seconds": "double or null: of it, in passes that write",
    "prompt_tokens": "int64: of all prompts of the batch together",
    "output_tokens": "int64: written together",
    "decode_tokens": "int64 or null: of output_tokens, those that came in these passes",
    "prefill_flops": "double or null: operations of the passes that read prompts (`inference.flops`)",
    "decode_flops": "double or null: those of the passes that write",
    "decode_bytes": "double or null: bytes that the passes that write must read",
    "reach_flops": "double or null: FLOP/s that the machine itself reached in the same minute",
    "reach_bytes": "double or null: bytes/s that it read from memory in the same minute",
    "peak_memory": "int64 or null: bytes that the process held at most by then",
    "peak_device_memory": "int64 or null: bytes that tensors held on the device at most meanwhile",
    "joules": "double or null: by counters, meanwhile",
    "cpu_seconds": "double: of all cores, by this process",
}
"""`profile/repeats.parquet` of an offline profile: one row per measured batch, with all columns."""


class MeasuredRow(Row):
    """One number of a cell."""

    metric: str
    """Lower-case letters, digits and `_`, such as `output_tokens_per_second`, `ttft_p99`."""
    unit: str
    """One of `PROFILE_UNITS`."""
    higher_is_better: bool | None
    """None if neither direction is better."""
    value: float | None
    """The number itself; None if nothing was measured."""
    low: float | None = None
    """Lower end of the interval; None if there is no interval."""
    high: float | None = None
    """Upper end of the interval."""
    stderr: float | None = None
    """Standard error of `value`; None if the method has none."""
    level: float = 0.95
    """Confidence level of the interval."""
    method: str
    """How the interval was made: `t(repeats)`, `order statistics`, `clopper-pearson`; or `none (why)`."""
    n: int
    """Number of measurements behind it: batches, requests, or gaps between tokens."""
    missing: int = 0
    """Number of measurements that should have counted but failed."""
    enough: bool = True
    """Whether there are enough measurements: a p99 needs 299, a p95 59. If not, it is shown greyed and is not ranked."""
    why: str | None = None
    """Why there is no value, or why it cannot be trusted."""


class ReachRow(Row):
    """What the machine itself reached within the same minute, as a reference for the model."""

    flops_per_second: float | None = None
    """Speed of a matrix product (`profiling.matmul`), median over the cell's repeats."""
    bytes_per_second: float | None = None
    """Speed of reading memory."""


class EnergyRow(Row):
    """Energy measured by counters, never estimated."""

    counters: list[str] = []
    """Such as `NVML gpu0 total energy`, `RAPL package-0`."""
    joules: float | None = None
    """Sum of all counters over the cell's measured part; None without a counter."""
    seconds: float | None = None
    """Duration of the measured part."""
    why: str | None = None
    """Why there is no value."""


class SelfCheckRow(Row):
    """Whether the client was fast enough for the measurement to be of the model."""

    client_bound: bool
    """The client may have been the limit: kept out of rankings; `reasons` says why."""
    reasons: list[str] = []
    """One sentence each."""
    client_cpu_share: float | None = None
    """CPU time of the client, as a share of one core."""
    loop_lag_p50: float | None = None
    """Median lag of the event loop, in seconds."""
    loop_lag_p99: float | None = None
    """99th percentile of the event loop's lag, in seconds."""
    loop_lag_share: float | None = None
    """The lag as a share of the median time to first token; above 5 % the cell is client-bound."""
    send_lag_p99: float | None = None
    """Seconds from when a request was scheduled until it was sent, 99th percentile."""
    asked_rate: float | None = None
    """Requests per second that an open loop was to send."""
    sent_rate: float | None = None
    """Requests per second that it sent."""
    achieved_rate: float | None = None
    """Requests answered per second."""
    asked_concurrency: float | None = None
    """Requests in flight that a closed loop was to keep."""
    achieved_concurrency: float | None = None
    """Requests in flight, mean over time."""


class CellRow(Row):
    """One set of conditions, and what was measured under them."""

    name: str
    """Unique among the cells; lower-case letters, digits, `_`, `.` and `-` (`profiling.cells`), such as `decode_b8_p128_o64`. If `listed`,
    its numbers are estimates of the task `profile_<name>`."""
    title: str
    """In words, such as `Decode, batch 8, prompt 128, output 64`."""
    conditions: dict[str, Any]
    """What defines the cell: `phase`, `batch`, `prompt_tokens`, `output_tokens`; for serving `loop` (closed, open, trace),
    `arrivals`, `rate`, `concurrency`, `burstiness` … They are part of signatures."""
    metrics: list[MeasuredRow]
    """The first one is the cell's main metric."""
    listed: bool = True
    """Whether its numbers are estimates and appear on leaderboards. False for a step of a search, whose conditions no other model has."""
    n: int = 0
    """Number of batches that count, or of requests that were answered completely."""
    failures: dict[str, int] = {}
    """Number of requests that were not answered completely, by class (`timeout`, `refused`, `out_of_memory` …)."""
    seconds: float | None = None
    """Wall time of the measurements that count."""
    missing: str | None = None
    """Why nothing was measured, in a sentence; `metrics` is empty then."""
    reach: ReachRow | None = None
    """What the machine itself reached meanwhile; None if it was not measured."""
    energy: EnergyRow | None = None
    """Energy of the cell; None if it was not measured."""
    check: SelfCheckRow | None = None
    """None for offline profiles, which have no client."""


class WorkloadRow(Row):
    """The requests that the model was given."""

    name: str
    """`random tokens`, or the name of a trace or data set."""
    sha256: str
    """Hash of everything that determines the prompts, independent of the model."""
    seed: int | None = None
    """Seed of what is made up: prompts, arrivals; None if it is not known."""
    prompt_tokens: str | None = None
    """Lengths in words: `128, 512`, or `as the trace has them`."""
    output_tokens: str | None = None
    """Lengths of the answers, in the same way."""
    shared_tokens: int | None = None
    """Number of tokens at the beginning that all prompts share."""
    requests: int | None = None
    """Number of requests that were sent, over all cells."""
    ends_ignored: bool | None = None
    """Whether a model continues past its end-of-text token, so that the length is the requested one."""


class SearchRow(Row):
    """The highest rate that meets a service objective, found by bisection."""

    rule: str
    """How it was found, in words."""
    attainment: float
    """The share of requests that must meet the objective."""
    level: float
    """Confidence level of the bound on that share."""
    rate: float | None
    """Requests per second; None if no rate met the objective."""
    low: float | None
    """A rate at which it is surely met."""
    high: float | None
    """A rate at which it is not met."""
    steps: list[str]
    """Names of the cells, in order."""
    why: str | None = None
    """Why the search ended as it did, if not because the two rates were close enough."""


class ProfileRow(Row):
    """What `lsm-eval profile` measured."""

    kind: Kind
    """`offline`: in this process, batch by batch; `serving`: requests arrive one by one."""
    version: int
    """Version of the measurement: raised when the same machine and model would give other numbers."""
    formulas: str
    """Source of the metrics' definitions: `vllm`."""
    workload: WorkloadRow
    """The requests that the model was given."""
    asked: dict[str, Any]
    """The requested conditions: `batch`, `prompt_tokens`, `output_tokens`, `repeats`, `arrivals`, `rates` …"""
    cache: Cache
    """State of the prefix cache: `cold`, `prefix-warm` or `unknown`."""
    machine: str
    """The machine, in one line, which is part of signatures. `?` for a server that does not say."""
    cells: list[CellRow]
    """What was measured, one row for each set of conditions."""
    objective: dict[str, float] | None = None
    """Limits in seconds by metric (`ttft`, `tpot`, `e2e`) for each request; None without an objective."""
    search: SearchRow | None = None
    """The search for the highest rate; None if there was none."""
    load_seconds: float | None = None
    """Time to load the weights, from files that may be in the system's cache."""
    peak_memory_bytes: int | None = None
    """Peak memory of the process until the last measurement."""
    peak_device_memory_bytes: int | None = None
    """Peak memory of tensors on a CUDA device."""
    energy: EnergyRow | None = None
    """Energy of the whole profile."""
    stopped: str | None = None
    """Why it ended early; its numbers are then kept out of rankings."""
    notes: list[str] = []
    """What a reader must know, one sentence each."""

    @property
    def client_bound(self) -> list[str]:
        """Names of the cells that are client-bound."""
        return [cell.name for cell in self.cells if cell.check is not None and cell.check.client_bound]


def unranked(signature: str) -> str | None:
    """Why a number with this signature is kept out of rankings: `client_bound`, `stopped`, `too_few`, joined by `+`; None if it is ranked."""
    if "unranked:" not in signature:
        return None  # the fast path for nearly all numbers of a board
    parts = (part.removeprefix("unranked:") for part in signature.split() if part.startswith("unranked:"))
    return next(parts, None)
