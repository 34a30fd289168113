"""Tasks that are ready to be asked, as values."""

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
    """Rows that examples come from, where they are another split."""
    samples: tuple[Sample, ...]
    shots: int
    chat: bool
    costs: tuple[Cost, ...] = ()
    """Parallel to `samples`; empty where the model counts no tokens."""
    tokens: tuple[int, ...] = ()
    """Tokens of each request, those of one sample after those of another; empty where there are no costs."""
    groups: int | None = None
    """Over so many groups its samples were drawn, to keep to the run's limit; None where no limit drew them."""
    chosen: tuple[str, ...] | None = None
    """The ids of the samples that the run named (`tasks.chosen`), sorted; None where it named none."""
    variant: Variant | None = None
    """How its questions were changed; None for the task's own wording."""
    base: str | None = None
    """Of a variant: the task's own name."""
    system: Literal["folded"] | None = None
    """`folded`: its system message stands in the user's, since the chat template takes none."""
    unchanged: Mapping[str, str] = field(default_factory=dict)
    """Variants that were asked for and are no variants of this task, and why, in words."""
    own_shots: int | None = None
    """The task's own number of examples."""
    own_chat: bool | None = None
    """Whether this model would be asked with a chat template if nobody had said anything."""

    gate: GatedTaskRow | None = None
    """How much of it was asked, where a gate could end the run; its samples are those that were."""
    choices: Literal["constrained", "parsed"] | None = None
    """Of a task that scores choices and is asked to write the label of one: whether answers are held to the labels, or read.
    None for all others."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Its metrics that have no meaning for a written choice, and why."""

    @property
    def stopped(self) -> bool:
        """Whether a gate ended it before all that was planned was asked."""
        return self.gate is not None and len(self.samples) < self.gate.planned

    @property
    def counts(self) -> bool:
        """Whether the tokens of all its requests are counted: a server may count what it scores, and not what it writes."""
        return bool(self.costs) or not any(sample.requests for sample in self.samples)

    @property
    def name(self) -> str:
        """The task's name."""
        return self.loaded.task.task


@dataclass(frozen=True)
class Prepared:
    """Tasks that can be asked, and those that were named and cannot."""

    tasks: list[PreparedTask]
    left_out: LeftOut
