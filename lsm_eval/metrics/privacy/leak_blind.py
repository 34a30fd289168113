"""What an attacker gets who never asks the model: a leak rate only says something above it."""

from __future__ import annotations

from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import generated, metadata
from lsm_eval.metrics.privacy.leak import LeakRate
from lsm_eval.requests import Answer, Generated
from lsm_eval.tasks.sample import Sample


class LeakBlind(LeakRate):
    """`leak_blind`: `leak_rate` of `metadata.<guess>` in the completion's place; an empty guess gives nothing away."""

    default_name = "leak_blind"
    higher_is_better = None

    def __init__(
        self,
        *,
        name: str | None = None,
        guess: str = "guess",
        secrets: str = "secrets",
        separators: bool = True,
    ) -> None:
        super().__init__(name=name, secrets=secrets, respelled=False, separators=separators)
        self.guess = guess

    def options(self) -> dict[str, str]:
        return {**super().options(), "guess": self.guess}

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        generated(self.name, answer)
        guess = str(metadata(self.name, sample, self.guess))
        return super().measure(sample, Generated(guess, 0, "stop"))
