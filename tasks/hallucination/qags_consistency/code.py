"""Whether a model tells consistent sentences from others: its likelihood of saying yes, compared with people's labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.metrics.common import Described, metadata, right_choices, scored
from lsm_eval.metrics.entry import MetricRows
from lsm_eval.metrics.ranking import AurocMetric, Ranked
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

METRICS: MetricRows = {
    "yes_auroc": ("YesAuroc", "likelihood of yes tells yes from no", "fraction", True, "score"),
}  # fmt: skip


class YesAuroc(AurocMetric, Described):
    """`yes_auroc`: AUROC of how much likelier the first of two choices is than the second, for separating the samples
    whose right choice is the first from the others. It needs no threshold, so a habit of saying yes (or no) costs
    nothing; a model that does not read has 0.5.

    `only`: metadata that a sample must have to count, such as `{set: xsum}`."""

    default_name = "yes_auroc"

    def __init__(self, *, only: dict[str, Any] | None = None, name: str | None = None) -> None:
        super().__init__(name)
        self.only = only or {}

    def options(self) -> dict[str, str]:
        return {f"only.{key}": str(value) for key, value in sorted(self.only.items())}

    def applies(self, sample: Sample) -> bool:
        """Whether the sample counts."""
        return all(str(metadata(self.name, sample, key)) == str(value) for key, value in self.only.items())

    def ranked(self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]]) -> Ranked | None:
        """The margins, and whether the first choice is right; None if both choices of a sample are impossible to the model."""
        margins, first = [], []
        for sample, (answer,) in zip(samples, answers, strict=True):
            logprobs = scored(self.name, answer).logprobs
            if len(logprobs) != 2:
                raise UserError(
                    f"metric {self.name!r} needs two choices, and sample {sample.id!r} has {len(logprobs)}: "
                    "correct `choices` in the task."
                )
            margins.append(logprobs[0] - logprobs[1])
            first.append(right_choices(self.name, sample, 2) == {0})
        if any(margin != margin for margin in margins):
            return None
        return Ranked(margins, first, range(len(margins)))
