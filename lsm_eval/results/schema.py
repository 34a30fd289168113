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
from lsm_eval.results.gate_rows import GateRow
from lsm_eval.results.latency_rows import LatencyRow
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.profile_rows import ProfileRow
from lsm_eval.results.row import Row, SparseRow
from lsm_eval.results.task_rows import CutOffBounds as CutOffBounds
from lsm_eval.results.task_rows import CutOffRow as CutOffRow
from lsm_eval.results.task_rows import DatasetRow as DatasetRow
from lsm_eval.results.task_rows import TaskRow as TaskRow
from lsm_eval.results.work_rows import Phase, Work

SCHEMA_VERSION = 1

SAMPLE_COLUMNS = {
    "task": "string: the task's name",
    "sample": "string: the sample's id",
    "index": "int64: its place in the task",
    "cluster": "string or null: name of what it shares with other samples",
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
    "failure_detail": "string or null: more about the failure, in words",
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
    """The task's name; of a perturbed task `TASK@VARIANT`."""
    task_version: int
    """The task's version, as its file says."""
    title: str
    """The task's title."""
    area: str
    """What the task measures: `accuracy`, `safety` …"""
    metric: str
    """The metric's name; of a group `METRIC[GROUP]`."""
    unit: str
    """`fraction` (0 to 1), `points` (0 to 100), `perplexity`, `bits`, `nats` or `other`; of a profile one of `PROFILE_UNITS`."""
    higher_is_better: bool | None
    """None if neither direction is better."""
    value: float | None
    """The number itself; None if nothing was measured."""
    low: float | None
    """Lower end of the interval; None if there is no interval."""
    high: float | None
    """Upper end of the interval."""
    stderr: float | None
    """Standard error of `value`; None if the method has none."""
    method: str
    """How the interval was made: `wilson`, `t`, `t(clusters)` …; or `none (why)`."""
    level: float
    """Confidence level of the interval."""
    n: int | None
    """Number of samples, or of measurements, that count; None if an imported record does not say."""
    missing: int
    """Number of samples that should have counted but have no value: failed, or not judged."""
    ties: int
    """Number of samples with an exact tie between choices."""
    clusters: int | None
    """Number of clusters of samples; None if no two samples share one."""
    metric_signature: str
    """The metric with its options: its part of `signature`."""
    signature: str
    """Two numbers are comparable only if their signatures agree up to the model's part (`model:`)."""
    imported: dict[str, Any] | None = None
    """For an imported number: the tool's own `name`, `value`, `stderr`, `n` and further fields; `differs` says that the
    mean of the samples' scores is another value."""


class JudgedRow(Row):
    """How a judge graded one metric of one task."""

    task: str
    """The task's name."""
    metric: str
    """The metric's name."""
    rubric: str
    """The rubric's name, version and hash."""
    samples: int
    """Number of samples with an answer to be judged."""
    could_not_judge: dict[str, int] = {}
    """Those that the judge could not judge, by reason (`judging.reading.Why`); they are missing and in no mean."""


class JudgeRow(Row):
    """The model that judged answers, and how."""

    model: ModelRow
    """The judge."""
    read: str
    """`likelihood` or `text`."""
    same_model: bool
    """Whether the judged model was its own judge."""
    requests: dict[str, int]
    """Like `Manifest.requests`, which does not include them."""
    metrics: list[JudgedRow]
    """One row for each metric that it graded."""


class AbsentRow(Row):
    """A metric of a task that the run left out."""

    task: str
    """The task's name."""
    metric: str
    """The metric's name."""
    why: str
    """Why it was left out, such as for want of a judge."""


class LeftOutRow(Row):
    """A task that the run could not ask; the record contains nothing else of it."""

    task: str
    """The task's name."""
    why: str
    """Why it could not be asked, in a sentence."""


class ImportedRow(Row):
    """The source of an imported record."""

    tool: str
    """`lm-eval`, `inspect` or `every-eval-ever`."""
    version: str | None
    """The tool's version; None if its files do not say."""
    files: dict[str, str]
    """SHA-256 of every file that was read, by file name."""
    lacking: list[str]
    """What the files do not say."""


class Manifest(SparseRow):
    """How the numbers of a run were made."""

    schema_version: int
    """Version of this schema; a reader refuses a newer one."""
    run: str
    """The run's name: the time of its start, to the microsecond."""
    created: str
    """UTC, ISO 8601."""
    command: list[str]
    """The exact command, secrets removed."""
    seed: int | None
    """The value of `--seed`."""
    model: ModelRow
    """The model that was asked."""
    tasks: list[TaskRow]
    """The tasks that were asked."""
    versions: dict[str, str]
    """Versions of lsm-eval, Python and the packages that computed the answers."""
    hardware: dict[str, Any]
    """The machine: system, processor, cores, memory, accelerator."""
    phases: list[Phase]
    """The run's phases, in order; they add up to its time."""
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
