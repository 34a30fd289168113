"""The record of a run: `reports/<model>/<run>/`, version 1.

    manifest.json           how the numbers came to be (`Manifest`)
    estimates.json          a list, one object a task and metric (`EstimateRow`), for `pandas.read_json`
    samples/<task>.parquet  one row a sample (`SAMPLE_COLUMNS`, then `score.<metric>` and `stats.<metric>`)

A record is written to a temporary folder beside its place and renamed when whole: there is no half record.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

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
    "completion": "string: generate only",
    "finish": "string: generate only, stop or length",
    "truncated": "int64: tokens cut to fit the model",
    "target": "list<string>: indices of the right choices, or references",
    "metadata": "string: JSON object",
    "failure": "string or null: nan, too_long or unsupported",
    "failure_detail": "string or null",
}


class _Row(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class EstimateRow(_Row):
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
    n: int
    missing: int
    ties: int
    clusters: int | None
    metric_signature: str
    signature: str
    """Two numbers are comparable only if their signatures agree up to the model's part (`model:`)."""


class ModelRow(_Row):
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


class DatasetRow(_Row):
    """The data of one task, as it was read."""

    source: str
    """`hub`, `mirror`, `file`, `python`."""
    name: str
    """Hub id, file or function."""
    configs: list[str] = []
    split: str
    revision: str | None = None
    rows: int
    sha256: str
    pinned: bool
    """Whether the content's hash is the one that the task file names."""


class TaskRow(_Row):
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
    shots: int
    sampler: str
    chat: bool
    limit: int | None
    samples: int
    failures: dict[str, int] = {}


class Phase(_Row):
    """One phase of the run."""

    name: str
    seconds: float


class Manifest(_Row):
    """How the numbers of a run came to be."""

    schema_version: int
    run: str
    created: str
    """UTC, ISO 8601."""
    command: list[str]
    """The exact command, secrets removed."""
    seed: int
    model: ModelRow
    tasks: list[TaskRow]
    versions: dict[str, str]
    hardware: dict[str, Any]
    phases: list[Phase]
    requests: dict[str, int]
    """`asked`, `unique`, `from_store`, `computed`, `failed`."""
    tokens: dict[str, int]
    """`asked` (see `models.base.Cost`), `generated`, and what this run computed (`Model.computed`)."""
    settings: dict[str, Any]
    """Effective options: batch_tokens, overflow, chat, limit, shots, offline, data_mirror …"""
