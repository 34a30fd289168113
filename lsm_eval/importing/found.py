"""What a foreign result file says, in words that are the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal


@dataclass
class FoundMetric:
    """One number of a task, as the tool gives it."""

    name: str
    """As in the samples' `scores`."""
    own_name: str
    """What the tool calls it."""
    value: float | None
    stderr: float | None = None
    n: int | None = None
    higher_is_better: bool | None = None
    mean: bool = False
    """Whether the tool says that it is the plain mean of the samples' scores."""
    fraction: bool = False
    """Whether its values lie from 0 to 1 by its meaning."""
    more: dict[str, Any] = field(default_factory=dict)
    """Further figures of the tool's (an interval, a number of resamples)."""


@dataclass
class FoundSample:
    """One sample, with its score in each metric (None: it should have one and has not)."""

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
    """Draws of one sample share it."""
    scores: dict[str, float | None] = field(default_factory=dict)
    failure: str | None = None
    failure_detail: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    """What says that it is the same sample of the data."""


@dataclass
class FoundTask:
    """One task with its numbers and, where the file has them, its samples."""

    name: str
    """The tool's."""
    version: str | None
    request: Literal["score", "generate", "perplexity"]
    metrics: list[FoundMetric]
    samples: list[FoundSample] | None
    no_samples: str | None = None
    """Why there are none."""
    count: int | None = None
    """Samples that it was asked of, as the tool says."""
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
    """What the task's settings are; its hash stands in signatures."""
    seed: int | None = None
    """Where it has a part in the numbers."""


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
    """All that was read."""
    model_identity: Any = None
    """What else makes it the same model."""
    revision: str | None = None
    dtype: str | None = None
    device: str | None = None
    parameters: int | None = None
    context: int | None = None
    seed: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)
    """What the file does not say, in words."""
