"""The record of a run: `reports/<model>/<run>/`, version 1.

    manifest.json           how the numbers came to be (`Manifest`)
    estimates.json          a list, one object per task and metric (`EstimateRow`), for `pandas.read_json`
    samples/<task>.parquet  one row per sample (`SAMPLE_COLUMNS`, then `score.<metric>` and `stats.<metric>`)
    profile/<table>.parquet only in profiles: what was measured, row by row (`profile_rows`)

A record is written to a temporary folder beside its place and renamed when complete, so there is never half a record.
"""

from __future__ import annotations

from typing import Any

from lsm_eval.results.cost_rows import CostRow
from lsm_eval.results.gate_rows import GatedTaskRow, GateRow
from lsm_eval.results.latency_rows import LatencyRow
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.profile_rows import ProfileRow
from lsm_eval.results.row import Row, SparseRow
from lsm_eval.results.work_rows import Phase, Work

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
    "seconds": "double or null: from sending the sample's requests to their whole answers, summed",
    "further": "string or null: JSON list of the sample's requests after its first, with their answers",
    "judgements": "string or null: JSON object, metric to a list over the answers of question to what a judge said",
}
"""`asked`: not in early records. `weight`: only in tables with a sample whose weight is not 1. `thoughts`: only in tables
with a sample that has some. `reasoning_tokens`, `answer_tokens`: only in those, and if a server counted tokens of thoughts
that it does not show; null if they were not counted. `seconds`: only if the time of each of a sample's requests is known
(models behind a server). `further`: only for tasks that ask several requests per sample. `judgements`: only if a
judge was asked."""


class EstimateRow(Row):
    """One number of a run, with everything needed to interpret it by itself."""

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
    """For an imported number: the tool's own `name`, `value`, `stderr`, `n` and further fields; `differs` says that the
    mean of the samples' scores is another value."""


class DatasetRow(Row):
    """The data set of one task, as it was read."""

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
    """Whether the content's hash is the one in the task file."""


class CutOffBounds(Row):
    """Bounds on a metric, whatever the answers that were cut off would have been."""

    metric: str
    all_wrong: float | None
    """The metric if each of them counts as wrong."""
    left_out: float | None
    """The metric without them; None if nothing is left."""


class CutOffRow(Row):
    """Answers that ran out of tokens, for a task whose metrics grade whole answers (`runner.cut_off`)."""

    samples: int
    """Number of samples with such an answer."""
    in_thoughts: int
    """Those whose answer had not begun, which are missing (`truncated` in `TaskRow.failures`). The others are scored as
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
    """`folded`: the system message was put into the user's, since the model's chat template takes none."""
    limit: int | None
    groups: int | None = None
    """The number of groups over which the samples of `limit` were drawn; None if they are the first samples, or all."""
    chosen: str | None = None
    """If the run named its samples: how many, and the hash of their ids; otherwise None, and not written."""
    samples: int | None
    failures: dict[str, int] = {}
    thoughts: int = 0
    """Number of samples with thoughts of a reasoning model, which were removed; includes those that ended inside their thoughts."""
    stopped_at_start: int = 0
    """Number of samples with an answer that a stop string ended at its very start, so that nothing or only a heading is left."""
    cut_off: CutOffRow | None = None
    """None, and not written, if no answer was cut off, or no metric grades whole answers."""
    own_shots: int | None = None
    """The task's own number of examples, from which `shots` can differ by `--shots`; None in early records."""
    own_chat: bool | None = None
    """Whether the task would be asked with a chat template by default for this model; None in early records."""
    drifted: bool | None = None
    """Whether its data differs from what its task file pins; None in early records."""
    sensitive: bool = False
    """Prompts and completions may be harmful and are to be folded away."""
    redistributable: bool = True
    """Whether the licence of its data allows showing its texts to others. Early records do not say and count as yes; the site hides the
    texts of a task as soon as one record says no."""
    redacted: bool = False
    """Whether texts of the sample table are withheld, each replaced by its hash (`results.redaction`)."""
    no_samples: str | None = None
    """Why there is no sample table; None if there is one. Only imported records and profiles lack one."""
    own_version: str | None = None
    """For an imported task: its version as the tool writes it."""
    gate: GatedTaskRow | None = None
    """None, and not written, if no gate could end the run."""
    choices: str | None = None
    """For a task that scores choices but was asked to write the chosen one: `generated/constrained` or
    `generated/parsed`; None, and not written, for all others."""


class JudgedRow(Row):
    """How a judge graded one metric of one task."""

    task: str
    metric: str
    rubric: str
    """The rubric's name, version and hash."""
    samples: int
    """Number of samples with an answer to be judged."""
    could_not_judge: dict[str, int] = {}
    """Those that the judge could not judge, by reason (`judging.reading.Why`); they are missing and in no mean."""


class JudgeRow(Row):
    """The model that judged answers, and how."""

    model: ModelRow
    read: str
    """`likelihood` or `text`."""
    same_model: bool
    """Whether the judged model was its own judge."""
    requests: dict[str, int]
    """Like `Manifest.requests`, which does not include them."""
    metrics: list[JudgedRow]


class AbsentRow(Row):
    """A metric of a task that the run left out."""

    task: str
    metric: str
    why: str


class LeftOutRow(Row):
    """A task that the run could not ask; the record contains nothing else of it."""

    task: str
    why: str


class ImportedRow(Row):
    """The source of an imported record."""

    tool: str
    """`lm-eval`, `inspect` or `every-eval-ever`."""
    version: str | None
    files: dict[str, str]
    """SHA-256 of every file that was read, by file name."""
    lacking: list[str]
    """What the files do not say."""


class Manifest(SparseRow):
    """How the numbers of a run were made."""

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
    """`asked` (see `models.base.Cost`; missing if some are not counted) and `generated`, and of these `reasoning` and `answer` if a model produced
    thoughts and all counts are known. Early records have `scored_tokens` and `vocabulary_rows` here, which are now in `work`."""
    work: Work | None = None
    """None in early records."""
    latency: list[LatencyRow] | None = None
    """How fast the model answered, one row per kind of request; None, and not written, if nothing was timed."""
    judge: JudgeRow | None = None
    """None if no judge was asked."""
    absent: list[AbsentRow] = []
    """Metrics that tasks name but the run left out; they have no estimate."""
    left_out: list[LeftOutRow] = []
    """Tasks that were requested, directly or by a suite, and could not be asked."""
    redacted: bool = False
    """Whether texts of at least one task are withheld."""
    imported: ImportedRow | None = None
    """For a record made by `lsm-eval import`; what its files lack is null."""
    settings: dict[str, Any]
    """Effective options: batch_tokens, overflow, chat, limit, shots, offline, data_mirror …"""
    cost: CostRow | None = None
    """None, and not written, if no server was to be asked."""
    gate: GateRow | None = None
    """None, and not written, if no gate could end the run."""
    profile: ProfileRow | None = None
    """What `lsm-eval profile` measured; None, and not written, in all other records."""
