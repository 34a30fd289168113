"""A task that was asked and scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lsm_eval.metrics.base import AnyMetric, Measurement
from lsm_eval.metrics.joint import SampleResponse
from lsm_eval.requests import Failure
from lsm_eval.results.schema import CutOffRow
from lsm_eval.runner.cut_off import cut_off
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


@dataclass(frozen=True)
class ScoredTask:
    """A task with its responses, estimates and per-sample measurements."""

    prepared: PreparedTask
    responses: Sequence[SampleResponse]
    estimates: Sequence[tuple[AnyMetric, Estimate]]
    measurements: Sequence[dict[str, Measurement | None]]
    reasoning: str = ""
    """How thoughts were treated, as part of the signature (`runner.thoughts`)."""

    @property
    def samples(self) -> Sequence[Sample]:
        """The task's samples, parallel to the responses."""
        return self.prepared.samples

    @cached_property
    def cut_off(self) -> CutOffRow | None:
        """The answers that ran out of tokens, if metrics grade whole answers."""
        chosen = self.prepared.choices is not None and self.prepared.chat
        return cut_off(self.samples, self.responses, self.estimates, self.measurements, chosen=chosen)

    @property
    def failures(self) -> dict[str, int]:
        """Number of samples without an answer, by reason."""
        return dict(Counter(r.reason for r in self.responses if isinstance(r, Failure)))
