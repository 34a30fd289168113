"""A run's tasks in its record: which data they read and how they were asked."""

from __future__ import annotations

from typing import Any

from lsm_eval.results.gate_rows import GatedTaskRow
from lsm_eval.results.row import Row, SparseRow


class DatasetRow(Row):
    """The data set of one task, as it was read."""

    source: str
    """`hub`, `mirror`, `file`, `python`."""
    name: str
    """Hub id, file or function."""
    configs: list[str] = []
    """The configs of the hub data set that were read."""
    split: str
    """The split that was read."""
    revision: str | None = None
    """Commit of the hub repository; None if it is not known."""
    rows: int | None
    """Number of rows; None if an imported record does not say."""
    sha256: str
    """Hash of the content of the columns that the task uses."""
    pinned: bool
    """Whether the content's hash is the one in the task file."""


class CutOffBounds(Row):
    """Bounds on a metric, whatever the answers that were cut off would have been."""

    metric: str
    """The metric's name."""
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
    """One row for each metric that grades whole answers."""


class TaskRow(SparseRow):
    """How one task was asked."""

    task: str
    """Its name."""
    version: int
    """Its version, as its file says."""
    title: str
    """Its title."""
    area: str
    """What it measures: `accuracy`, `safety` …"""
    licence: str
    """Licence of its data."""
    source: str
    """Origin of its data: paper or repository."""
    description: str = ""
    """What is asked and how it is scored."""
    departures: list[str] = []
    """Differences from lm-evaluation-harness's task of the same name, one sentence each."""
    references: list[dict[str, Any]] = []
    """Published figures for it."""
    dataset: DatasetRow
    """The data that were read."""
    fewshot_dataset: DatasetRow | None = None
    """The data of the examples; None if there are none, or if they come from the evaluated split or the task file."""
    request: str
    """`score`, `generate` or `perplexity`."""
    shots: int | None
    """Number of examples before each question."""
    sampler: str
    """How examples were chosen: `first` or `random`."""
    chat: bool | None
    """Whether prompts were put into the model's chat template."""
    system: str | None = None
    """`folded`: the system message was put into the user's, since the model's chat template takes none."""
    limit: int | None
    """The most samples that were to be asked; None for all."""
    groups: int | None = None
    """The number of groups over which the samples of `limit` were drawn; None if they are the first samples, or all."""
    chosen: str | None = None
    """If the run named its samples: how many, and the hash of their ids; otherwise None, and not written."""
    samples: int | None
    """Number of samples that were asked."""
    failures: dict[str, int] = {}
    """Number of samples without a complete answer, by reason (see the column `failure`)."""
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
