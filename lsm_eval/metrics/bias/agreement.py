"""Does the choice stay the same where it should not matter what was changed?

Winogender's sentences come in threes that differ in the pronoun only, and who is meant does not hang on it
(Rudinger et al. 2018, section 3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.choice import best
from lsm_eval.metrics.common import Described, metadata, scored
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample


class Agreement(Described):
    """`agreement`: share of the sets of samples with one value of `metadata.<within>` whose choices are all the
    same. Sets with one answered member compare nothing and are left out; a tie counts as drawn at random, each
    member for itself, so that a model without preferences between two choices has 1/4 on sets of three."""

    default_name = "agreement"

    def __init__(self, *, within: str = "set", name: str | None = None) -> None:
        super().__init__(name)
        self.within = within

    def options(self) -> dict[str, str]:
        return {"within": self.within}

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        """Share of the sets, 0 to 1; NaN where no set has two members. A set that comes twice (in a resample) counts
        twice."""
        sets: defaultdict[str, list[FloatArray]] = defaultdict(list)
        times: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for sample, answer in zip(samples, answers, strict=True):
            key = str(metadata(self.name, sample, self.within))
            seen = times[key].get(sample.id, 0)
            times[key][sample.id] = seen + 1
            sets[f"{seen}/{key}"].append(self._probabilities(sample, answer))
        shares = [float(np.prod(members, axis=0).sum()) for members in sets.values() if len(members) > 1]
        return float(np.mean(shares)) if shares else float("nan")

    def _probabilities(self, sample: Sample, answer: Answer) -> FloatArray:
        """That each choice is taken: 1 for the best one, shared where there is a tie."""
        logprobs = scored(self.name, answer).logprobs
        if len(logprobs) != len(sample.choices):
            raise UserError(
                f"metric {self.name!r}: sample {sample.id!r} has no answer for each of its choices."
            )
        tied = best(logprobs)
        taken = np.zeros(len(logprobs))
        taken[list(tied)] = 1 / len(tied)
        return taken
