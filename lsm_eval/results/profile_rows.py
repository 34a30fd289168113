"""What a record says of a profile (`lsm-eval profile`): how fast a model is, under which conditions, and whether that may be trusted.

Times are seconds, rates are a second, memory is bytes, energy is joules: no prefixes. What was not measured, or cannot be
known, is None and never 0.
"""

from __future__ import annotations

from typing import Any, Literal

from lsm_eval.results.row import Row

Kind = Literal["offline", "serving"]
"""`offline`: in this process, batch by batch. `serving`: requests that arrive one by one, at a server or at the model behind ours."""
Cache = Literal["cold", "prefix-warm", "unknown"]
"""Of prompts that share a beginning: nothing of them was held, their beginnings were, or nobody can tell."""

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
    "warm_up": "bool: whether it is in no number",
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
    "asked_output_tokens": "int64 or null",
    "counted_by": "string or null: who counted the chunks' tokens, such as `server`, `tokenizer`, `engine`",
    "failure": "string or null: the class of its failure; null where it was answered whole",
    "server": "string or null: which of several",
}
"""`profile/requests.parquet` of a serving profile: one row a request. All columns are there. Times of imported requests count from
the cell's first one."""

REPEAT_COLUMNS = {
    "cell": "string: the name of its cell",
    "round": "int64: from 0; every round has each cell once, in an order of its own",
    "order": "int64: its place among all that was measured",
    "warm_up": "bool: whether it is in no number",
    "disturbed": "string or null: why it is in no number although it was measured",
    "start": "double: seconds since the first",
    "seconds": "double: wall time of the batch, from the requests to the last answer; without checks that a run makes once",
    "prefill_seconds": "double or null: of it, in passes that read prompts",
    "decode_seconds": "double or null: of it, in passes that write",
    "prompt_tokens": "int64: of all prompts of the batch together",
    "output_tokens": "int64: written together",
    "decode_tokens": "int64 or null: of output_tokens, those that came in these passes",
    "prefill_flops": "double or null: operations of the passes (`inference.flops`)",
    "decode_flops": "double or null",
    "decode_bytes": "double or null: bytes that the passes that write must read",
    "reach_flops": "double or null: FLOP/s that the machine itself reached in the same minute",
    "reach_bytes": "double or null: bytes/s that it read from memory in the same minute",
    "peak_memory": "int64 or null: bytes that the process held at most by then",
    "peak_device_memory": "int64 or null: bytes that tensors held on the device at most meanwhile",
    "joules": "double or null: by counters, meanwhile",
    "cpu_seconds": "double: of all cores, by this process",
}
"""`profile/repeats.parquet` of an offline profile: one row a batch that was measured. All columns are there."""


class MeasuredRow(Row):
    """One number of a cell."""

    metric: str
    """Small letters, digits and `_`, such as `output_tokens_per_second`, `ttft_p99`."""
    unit: str
    """One of `PROFILE_UNITS`."""
    higher_is_better: bool | None
    value: float | None
    low: float | None = None
    high: float | None = None
    stderr: float | None = None
    level: float = 0.95
    method: str
    """How the interval was made: `t(repeats)`, `order statistics`, `clopper-pearson`; or `none (why)`."""
    n: int
    """Measurements that it rests on: batches, requests, or gaps between tokens."""
    missing: int = 0
    """Those that should have a say and failed."""
    enough: bool = True
    """Whether so many can bear it: a p99 needs 299, a p95 59. Where not, it is shown greyed, and ranked nowhere."""
    why: str | None = None
    """Why there is no value, or none to be trusted."""


class ReachRow(Row):
    """What the machine itself did in the same minute, and how much of it the model got."""

    flops_per_second: float | None = None
    """Of a matrix product (`profiling.matmul`), median over the cell's repeats."""
    bytes_per_second: float | None = None
    """Of reading memory."""


class EnergyRow(Row):
    """Energy by counters, never estimated."""

    counters: list[str] = []
    """Such as `NVML gpu0 total energy`, `RAPL package-0`."""
    joules: float | None = None
    """Of all counters together, over the cell's measured part; None where there is none."""
    seconds: float | None = None
    """So long."""
    why: str | None = None
    """Why there is none."""


class SelfCheckRow(Row):
    """Whether the measurement measured the model, and not the program that measured."""

    client_bound: bool
    """Kept out of rankings: `reasons` says why."""
    reasons: list[str] = []
    """A sentence each."""
    client_cpu_share: float | None = None
    """Of one core, by the client: seconds of processor a second."""
    loop_lag_p50: float | None = None
    """Seconds by which the event loop came late, median."""
    loop_lag_p99: float | None = None
    """Seconds by which the event loop came late, 99th percentile."""
    loop_lag_share: float | None = None
    """Of the median time to first token; above 5 % it is client-bound."""
    send_lag_p99: float | None = None
    """Seconds from when a request was scheduled until it was sent, 99th percentile."""
    asked_rate: float | None = None
    """Requests a second, of an open loop."""
    sent_rate: float | None = None
    achieved_rate: float | None = None
    """Answered a second."""
    asked_concurrency: float | None = None
    achieved_concurrency: float | None = None
    """Requests under way, mean over time."""


class CellRow(Row):
    """One set of conditions, and what was measured under them."""

    name: str
    """No other cell's; small letters, digits, `_`, `.` and `-` (`profiling.cells`), such as `decode_b8_p128_o64`. Where `listed`, its
    numbers are estimates of the task `profile_<name>`."""
    title: str
    """In words, such as `Decode, batch 8, prompt 128, output 64`."""
    conditions: dict[str, Any]
    """All that makes it this cell: `phase`, `batch`, `prompt_tokens`, `output_tokens`; of serving `loop` (closed, open, trace),
    `arrivals`, `rate`, `concurrency`, `burstiness` … They stand in signatures."""
    metrics: list[MeasuredRow]
    """The first one is what the cell is about."""
    listed: bool = True
    """Whether its numbers are estimates, and stand on leaderboards. Not a step of a search, whose conditions are no other model's."""
    n: int = 0
    """Batches that count, or requests that were answered whole."""
    failures: dict[str, int] = {}
    """Requests that were not answered whole, by class (`timeout`, `refused`, `out_of_memory` …)."""
    seconds: float | None = None
    """Wall time of what counts."""
    missing: str | None = None
    """Why nothing was measured, in a sentence; `metrics` is empty then."""
    reach: ReachRow | None = None
    energy: EnergyRow | None = None
    check: SelfCheckRow | None = None
    """None offline, where nothing stands between the client and the model."""


class WorkloadRow(Row):
    """What the model was given to do."""

    name: str
    """`random tokens`, or the name of a trace or data set."""
    sha256: str
    """Of everything that decides the prompts, whatever model reads them."""
    seed: int | None = None
    prompt_tokens: str | None = None
    """Lengths in words: `128, 512`, or `as the trace has them`."""
    output_tokens: str | None = None
    shared_tokens: int | None = None
    """Tokens at the beginning that prompts have in common."""
    requests: int | None = None
    ends_ignored: bool | None = None
    """Whether a model writes on when it would end, so that the length is what was asked for."""


class SearchRow(Row):
    """The highest rate that meets a service objective, found by bisection."""

    rule: str
    """How it was found, in words."""
    attainment: float
    """The share of requests that have to meet the objective."""
    level: float
    """Of the bound on that share."""
    rate: float | None
    """Requests a second; None where no rate met it."""
    low: float | None
    """It is met here, for sure."""
    high: float | None
    """And not here."""
    steps: list[str]
    """Names of the cells, in order."""
    why: str | None = None


class ProfileRow(Row):
    """What `lsm-eval profile` measured."""

    kind: Kind
    version: int
    """Of the way of measuring: raised when the same machine and model would give other numbers."""
    formulas: str
    """Whose definitions the numbers follow: `vllm`."""
    workload: WorkloadRow
    asked: dict[str, Any]
    """The conditions that were asked for: `batch`, `prompt_tokens`, `output_tokens`, `repeats`, `arrivals`, `rates` …"""
    cache: Cache
    machine: str
    """What computed, in one line: it stands in signatures. `?` of a server that does not say."""
    cells: list[CellRow]
    objective: dict[str, float] | None = None
    """Seconds by metric (`ttft`, `tpot`, `e2e`) that a request has to keep to; None without one."""
    search: SearchRow | None = None
    load_seconds: float | None = None
    """Reading the weights, from files that may lie in the system's cache."""
    peak_memory_bytes: int | None = None
    """Of the process, until the last measurement."""
    peak_device_memory_bytes: int | None = None
    energy: EnergyRow | None = None
    """Of the whole."""
    stopped: str | None = None
    """Why it ended before it was whole; its numbers are then kept out of rankings."""
    notes: list[str] = []
    """What a reader must know, a sentence each."""

    @property
    def client_bound(self) -> list[str]:
        """Cells whose numbers are the client's."""
        return [cell.name for cell in self.cells if cell.check is not None and cell.check.client_bound]


def unranked(signature: str) -> str | None:
    """Why a number with this signature is kept out of rankings: `client_bound`, `stopped`, `too_few`, joined by `+`; None where it is not."""
    if "unranked:" not in signature:
        return None  # nearly all, and a board has many
    parts = (part.removeprefix("unranked:") for part in signature.split() if part.startswith("unranked:"))
    return next(parts, None)
