"""The content of an imported result file, in a form common to all tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal


@dataclass
class FoundMetric:
    """One number of a task, as the tool gives it."""

    name: str
    """The key in the samples' `scores`."""
    own_name: str
    """The tool's name for it."""
    value: float | None
    stderr: float | None = None
    n: int | None = None
    higher_is_better: bool | None = None
    mean: bool = False
    """Whether the tool says that it is the plain mean of the samples' scores."""
    fraction: bool = False
    """Whether its values lie from 0 to 1 by definition."""
    more: dict[str, Any] = field(default_factory=dict)
    """Other numbers of the tool (an interval, a number of resamples)."""


@dataclass
class FoundSample:
    """One sample, with its score in each metric (None: it is missing)."""

    id: str
    prompt: str = ""
    target: list[str] = field(default_factory=list)
    choices: list[str] | None = None
    continuations: list[str] | None = None
    logprobs: list[float] | None = None
    greedy: list[bool] | None = None
    completion: str | None = None
    tokens: int | None = None
    """New tokens of the completion."""
    finish: str | None = None
    thoughts: str | None = None
    cluster: str | None = None
    """Shared by several answers to one sample."""
    scores: dict[str, float | None] = field(default_factory=dict)
    failure: str | None = None
    failure_detail: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    """A hash that identifies the sample in the data."""


@dataclass
class FoundTask:
    """One task with its numbers and, if the file has them, its samples."""

    name: str
    """The tool's name for it."""
    version: str | None
    request: Literal["score", "generate", "perplexity"]
    metrics: list[FoundMetric]
    samples: list[FoundSample] | None
    no_samples: str | None = None
    """Why there are no samples."""
    count: int | None = None
    """The number of samples that were asked, as the tool says."""
    shots: int | None = None
    chat: bool | None = None
    limit: int | None = None
    dataset: str = "not in the file"
    configs: list[str] = field(default_factory=list)
    split: str = "not in the file"
    revision: str | None = None
    rows: int | None = None
    description: str = ""
    config: Any = None
    """The task's settings, whose hash is part of signatures."""
    seed: int | None = None
    """The seed, if it affects the numbers."""


@dataclass
class FoundRun:
    """One file of one run of one model."""

    tool: str
    """`lm-eval`, `inspect` or `every-eval-ever`."""
    version: str | None
    model: str
    created: datetime
    tasks: list[FoundTask]
    files: list[Path]
    """All files that were read."""
    model_identity: Any = None
    """What identifies the model beside its name."""
    revision: str | None = None
    dtype: str | None = None
    device: str | None = None
    parameters: int | None = None
    context: int | None = None
    seed: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)
    """What the file lacks, in words."""
