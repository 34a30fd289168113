"""Data classes for tasks that are ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lsm_eval.data.load import Table
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.models.base import Cost
from lsm_eval.results.gate_rows import GatedTaskRow
from lsm_eval.robustness.variant import Variant
from lsm_eval.runner.left_out import LeftOut
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.sample import Sample


@dataclass(frozen=True)
class PreparedTask:
    """A task with its metrics and samples, ready to be asked."""

    loaded: LoadedTask
    metrics: tuple[AnyMetric, ...]
    data: Table
    examples: Table | None
    """Rows for few-shot examples, if they come from another split."""
    samples: tuple[Sample, ...]
    shots: int
    chat: bool
    costs: tuple[Cost, ...] = ()
    """Parallel to `samples`; empty if the model counts no tokens."""
    tokens: tuple[int, ...] = ()
    """Tokens of each request, sample by sample; empty if there are no costs."""
    groups: int | None = None
    """The number of groups over which its samples were drawn for the run's limit; None if they were not drawn."""
    chosen: tuple[str, ...] | None = None
    """The ids of the samples that the run named (`tasks.chosen`), sorted; None if it named none."""
    variant: Variant | None = None
    """How its questions were reworded; None for the task's own wording."""
    base: str | None = None
    """For a variant: the name of the original task."""
    system: Literal["folded"] | None = None
    """`folded`: its system message was put into the user's, since the chat template takes none."""
    unchanged: Mapping[str, str] = field(default_factory=dict)
    """Requested variants that do not change this task, and why, in words."""
    own_shots: int | None = None
    """The task's own number of examples."""
    own_chat: bool | None = None
    """Whether this model would be asked with a chat template by default."""

    gate: GatedTaskRow | None = None
    """How much of it was asked, if a gate could end the run; `samples` are those that were asked."""
    choices: Literal["constrained", "parsed"] | None = None
    """For a task that scores choices but is asked to write the label of one: whether answers are constrained to the labels, or
    parsed. None for all others."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Metrics without a meaning for a written choice, and why."""

    @property
    def stopped(self) -> bool:
        """Whether a gate ended it before all planned samples were asked."""
        return self.gate is not None and len(self.samples) < self.gate.planned

    @property
    def counts(self) -> bool:
        """Whether the tokens of all its requests are counted; a server may count scored texts, but not generated ones."""
        return bool(self.costs) or not any(sample.requests for sample in self.samples)

    @property
    def name(self) -> str:
        """The task's name."""
        return self.loaded.task.task


@dataclass(frozen=True)
class Prepared:
    """Tasks that can be asked, and requested tasks that cannot."""

    tasks: list[PreparedTask]
    left_out: LeftOut
