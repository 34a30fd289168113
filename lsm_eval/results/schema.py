"""The record of a run: `reports/<model>/<run>/`, version 1.

    manifest.json           how the numbers came to be (`Manifest`)
    estimates.json          a list, one object a task and metric (`EstimateRow`), for `pandas.read_json`
    samples/<task>.parquet  one row a sample (`SAMPLE_COLUMNS`, then `score.<metric>` and `stats.<metric>`)
    profile/<table>.parquet only of a profile: what was measured, row by row (`profile_rows`)

A record is written to a temporary folder beside its place and renamed when whole: there is no half record.
"""

from __future__ import annotations

from typing import Any

from lsm_eval.results.cost_rows import CostRow
from lsm_eval.results.gate_rows import GatedTaskRow, GateRow
from lsm_eval.results.latency_rows import LatencyRow
from lsm_eval.results.profile_rows import ProfileRow
from lsm_eval.results.row import Row, SparseRow

SCHEMA_VERSION = 1

SAMPLE_COLUMNS = {
    "task": "string",
    "sample": "string: the sample's id",
    "index": "int64: its place in the task",
    "cluster": "string or null",
    "request": "string: score, generate or perplexity",
    "prompt": "string: the context or text as the model read it, after its chat template",
    "choices": "list<string>: score only",
    "continuations": "list<string>: score only",
    "logprobs": "list<double>: score: one a continuation; perplexity: one; natural log",
    "tokens": "list<int64>: tokens scored, parallel to logprobs; generate: one, the new tokens",
    "greedy": "list<bool>: score only, whether greedy decoding would give the continuation",
    "completion": "string: generate only, the answer without a reasoning model's thoughts",
    "finish": "string: generate only, stop or length",
    "truncated": "int64: tokens cut to fit the model",
    "target": "list<string>: indices of the right choices, or references",
    "metadata": "string: JSON object",
    "failure": "string or null: nan, too_long, unsupported, truncated, `null`, refused, unanswered or unread",
    "failure_detail": "string or null",
}

OPTIONAL_COLUMNS = {
    "asked": "string or null: SHA-256 of what the sample asks, whatever model and chat template read it",
    "weight": "double: how many samples of its cluster it stands for",
    "thoughts": "string or null: a reasoning model's thoughts, taken off the completion; generate only",
    "reasoning_tokens": "int64 or null: new tokens that went into thoughts, those too that a server does not show",
    "answer_tokens": "int64 or null: the others",
    "further": "string or null: JSON list of the sample's requests after its first, with their answers",
    "judgements": "string or null: JSON object, metric to a list over the answers of question to what a judge said",
}
"""`asked`: not in early records. `weight`: only in tables with a sample whose weight is not 1. `thoughts`: only in tables
with a sample that has some. `reasoning_tokens`, `answer_tokens`: only in those, and where tokens of thoughts were counted
that are not shown; null where nobody counted them. `further`: only in tables of tasks that ask several requests a sample. `judgements`: only where a
judge was asked."""


class EstimateRow(Row):
    """One number of a run, with everything needed to read it alone."""

    task: str
    task_version: int
    title: str
    area: str
    metric: str
    unit: str
    higher_is_better: bool | None
    value: float | None
    low: float | None
    high: float | None
    stderr: float | None
    method: str
    level: float
    n: int | None
    missing: int
    ties: int
    clusters: int | None
    metric_signature: str
    signature: str
    """Two numbers are comparable only if their signatures agree up to the model's part (`model:`)."""
    imported: dict[str, Any] | None = None
    """Of an imported number: the tool's own `name`, `value`, `stderr`, `n` and what more it gives; `differs` says that the
    mean of the samples' scores is another value."""


class LimitRow(Row):
    """How many requests a server was sent at once, from a time on."""

    seconds: float
    """Since it was asked first."""
    limit: float
    """Of 2.5, every other request is the second and the third. Where one at a time is too many, `why` has the pace."""
    why: str
    """`start`, `grown`, or the class of failure that cut it."""


class ServerRow(Row):
    """One of the servers of a model behind an endpoint."""

    url: str
    answered: int
    """Requests that it answered."""
    faults: dict[str, int] = {}
    """Tries that it gave no whole answer to, by class (`lsm_eval.endpoints.outcome.Fault`)."""
    outs: int = 0
    """How often it was gone, and left out until it was there again."""
    limits: list[LimitRow] = []
    """At most 64, in order of time; of more changes, fewer from the middle of the run."""


class ModelRow(SparseRow):
    """The model of a run."""

    name: str
    fingerprint: str
    parameters: int | None = None
    revision: str | None = None
    dtype: str | None = None
    device: str | None = None
    context: int | None = None
    chat_template: bool = False
    licence: str | None = None
    details: dict[str, str] = {}
    spec: str | None = None
    """As `--model` named it; None in early records."""
    own_name: str | None = None
    """The name that it has of itself, where `name` was given with `--name`."""
    servers: list[ServerRow] = []
    """Those that were asked; empty of a local model, in early records, and where all answers were in the store."""
    probed: dict[str, Any] | None = None
    """Of a model behind a server: what a probe at the start found out of it (`endpoints.probe.findings`); None, and not
    written, where there was none."""


class DatasetRow(Row):
    """The data of one task, as it was read."""

    source: str
    """`hub`, `mirror`, `file`, `python`."""
    name: str
    """Hub id, file or function."""
    configs: list[str] = []
    split: str
    revision: str | None = None
    rows: int | None
    sha256: str
    pinned: bool
    """Whether the content's hash is the one that the task file names."""


class CutOffBounds(Row):
    """What a metric comes to, whatever the answers that were cut off would have been."""

    metric: str
    all_wrong: float | None
    """Each of them counted as wrong."""
    left_out: float | None
    """Without any of them; None where nothing is left."""


class CutOffRow(Row):
    """Answers that ran out of tokens, of a task whose metrics grade whole answers (`runner.cut_off`)."""

    samples: int
    """All of them."""
    in_thoughts: int
    """Those that had not begun their answer: missing, among `TaskRow.failures` as `truncated`. The others are scored as
    they are."""
    bounds: list[CutOffBounds]


class TaskRow(SparseRow):
    """How one task was asked."""

    task: str
    version: int
    title: str
    area: str
    licence: str
    source: str
    description: str = ""
    departures: list[str] = []
    references: list[dict[str, Any]] = []
    dataset: DatasetRow
    fewshot_dataset: DatasetRow | None = None
    request: str
    shots: int | None
    sampler: str
    chat: bool | None
    system: str | None = None
    """`folded`: the system message stood in the user's, since the model's chat template takes none."""
    limit: int | None
    groups: int | None = None
    """Over so many groups the samples of `limit` were drawn; None where they are the first ones, or all."""
    samples: int | None
    failures: dict[str, int] = {}
    thoughts: int = 0
    """Samples of which a reasoning model's thoughts were taken off, those that ended inside them included."""
    stopped_at_start: int = 0
    """Samples with an answer that a stop string ended at its very start: nothing, or a heading, is left of it."""
    cut_off: CutOffRow | None = None
    """None, and not written, where no answer was cut off, or no metric grades whole answers."""
    own_shots: int | None = None
    """The task's own number of examples, which `shots` differs from where `--shots` said so; None in early records."""
    own_chat: bool | None = None
    """Whether the task by itself would be asked of this model with a chat template; None in early records."""
    drifted: bool | None = None
    """Whether its data is not what its task file pins; None in early records."""
    sensitive: bool = False
    """Prompts and completions are harmful: to be folded away."""
    redacted: bool = False
    """Texts of the sample table are withheld, each replaced by its hash (`results.redaction`)."""
    no_samples: str | None = None
    """Why there is no sample table; None where there is one. Only imported records and profiles lack one."""
    own_version: str | None = None
    """Of an imported task: its version as the tool writes it."""
    gate: GatedTaskRow | None = None
    """None, and not written, where no gate could end the run."""
    choices: str | None = None
    """Of a task that is made to score choices and was asked to write the chosen one: `generated/constrained` or
    `generated/parsed`; None, and not written, for all others."""


class JudgedRow(Row):
    """What a judge made of one metric of one task."""

    task: str
    metric: str
    rubric: str
    """Its name, version and hash."""
    samples: int
    """That have an answer to be judged."""
    could_not_judge: dict[str, int] = {}
    """Those of them that the judge could not judge, by reason (`judging.reading.Why`): missing, in no mean."""


class JudgeRow(Row):
    """The model that judged answers, and how."""

    model: ModelRow
    read: str
    """`likelihood` or `text`."""
    same_model: bool
    """Whether it judged itself."""
    requests: dict[str, int]
    """As `Manifest.requests`, which has none of them."""
    metrics: list[JudgedRow]


class AbsentRow(Row):
    """A metric of a task that the run left out."""

    task: str
    metric: str
    why: str


class LeftOutRow(Row):
    """A task that the run was to ask and could not; there is nothing else of it in the record."""

    task: str
    why: str


class Phase(Row):
    """One phase of the run."""

    name: str
    seconds: float


class Passes(Row):
    """Passes through the model for one purpose. What is not known is None, never 0."""

    tokens: int
    """Tokens that went through the model, padding left out."""
    padding: int
    """Positions that went through the model and stood for nothing."""
    pairs: int
    """Pairs of a token and one that it attends to, itself included, summed over the layers."""
    rows: int
    """Rows of the vocabulary that were computed."""
    passes: int
    seconds: float | None = None
    tokens_per_second: float | None = None
    flops: float | None = None
    """Floating-point operations (`profiling.flops`)."""
    flops_per_second: float | None = None
    matmul_share: float | None = None
    """`flops_per_second` as a share of `Work.matmul_flops_per_second`, never above 1."""
    matmul_share_unknown: str | None = None
    """Why there is no such share although both are known."""
    read_bytes: float | None = None
    """While decoding: the weights once a pass, and the keys and values attended to."""
    bandwidth_share: float | None = None
    """`read_bytes` a second as a share of `Work.memory_bytes_per_second`, never above 1."""
    bandwidth_share_unknown: str | None = None
    """Why there is no such share although both are known."""


class Work(Row):
    """What a run did to answer. What was not measured, or cannot be known of a model, is None, never 0."""

    seconds: float
    """Wall time from the start until the record was written; what `Manifest.phases` add up to."""
    tokens_asked: int | None = None
    """Tokens of all requests as often as they are asked: each context as often as it has continuations. A
    generated text counts with the tokens that came (`Manifest.tokens` has the most that were allowed)."""
    tokens_from_store: int | None = None
    """Those of them whose answers were in the store."""
    tokens_computed: int | None = None
    """Tokens that went through the model."""
    tokens_ratio: float | None = None
    """Tokens asked and not in the store, a token computed."""
    tokens_unique: int | None = None
    """Scored tokens that differ by themselves or by what stands before them."""
    padding_share: float | None = None
    """Share of the positions that went through the model and stood for nothing."""
    rows_computed: int | None = None
    """Rows of the vocabulary that were computed while scoring."""
    rows_needed: int | None = None
    """Distinct places whose next token is scored."""
    store_asked: int | None = None
    """Distinct requests that were looked up in the store; None where none was used."""
    store_hits: int | None = None
    """Those of them that were answered there."""
    score: Passes | None = None
    prefill: Passes | None = None
    """Reading the prompts of generated texts."""
    decode: Passes | None = None
    """Generating, one token a sequence and pass."""
    planner_share: float | None = None
    """Share of `seconds` that went into the order of computing."""
    matmul_flops_per_second: float | None = None
    """A matrix product on the same device with the same threads, right after the last answer."""
    memory_bytes_per_second: float | None = None
    """Reading memory, at the same time."""
    peak_memory_bytes: int | None = None
    """The most that the process held until the last answer."""
    peak_device_memory_bytes: int | None = None
    """The most that tensors held on a CUDA device until the last answer."""


class ImportedRow(Row):
    """Where an imported record is from."""

    tool: str
    """`lm-eval`, `inspect` or `every-eval-ever`."""
    version: str | None
    files: dict[str, str]
    """SHA-256 of every file that was read, by its name."""
    lacking: list[str]
    """What the files do not say."""


class Manifest(SparseRow):
    """How the numbers of a run came to be."""

    schema_version: int
    run: str
    created: str
    """UTC, ISO 8601."""
    command: list[str]
    """The exact command, secrets removed."""
    seed: int | None
    model: ModelRow
    tasks: list[TaskRow]
    versions: dict[str, str]
    hardware: dict[str, Any]
    phases: list[Phase]
    requests: dict[str, int]
    """`asked`, `unique`, `from_store`, `computed`, `failed`."""
    tokens: dict[str, int]
    """`asked` (see `models.base.Cost`) and `generated`, and of these `reasoning` and `answer` where a model thought and all
    are known. Early records have `scored_tokens` and
    `vocabulary_rows` here, which are in `work` since."""
    work: Work | None = None
    """None in early records."""
    latency: list[LatencyRow] | None = None
    """How fast the model answered, a row a kind of request; None, and not written, where nothing was timed."""
    judge: JudgeRow | None = None
    """None where no judge was asked."""
    absent: list[AbsentRow] = []
    """Metrics that tasks name and the run left out; there is no estimate of them."""
    left_out: list[LeftOutRow] = []
    """Tasks that were named, or belong to a suite that was, and could not be asked."""
    redacted: bool = False
    """Whether texts of one task or more are withheld."""
    imported: ImportedRow | None = None
    """Of a record that `lsm-eval import` made; what its files lack is null."""
    settings: dict[str, Any]
    """Effective options: batch_tokens, overflow, chat, limit, shots, offline, data_mirror …"""
    cost: CostRow | None = None
    """None, and not written, where no server was to be asked."""
    gate: GateRow | None = None
    """None, and not written, where no gate could end the run."""
    profile: ProfileRow | None = None
    """What `lsm-eval profile` measured; None, and not written, of all other records."""
