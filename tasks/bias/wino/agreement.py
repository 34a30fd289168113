"""Whether the choice stays the same under a change that should not matter.

Winogender's sentences come in sets of three that differ only in the pronoun, on which the person meant does not depend
(Rudinger et al. 2018, section 3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.choice import best
from lsm_eval.metrics.common import Described, metadata, scored
from lsm_eval.requests import Answer
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate
from lsm_eval.statistics.parts import SHARE
from lsm_eval.tasks.sample import Sample


class Agreement(Described):
    """`agreement`: share of the sets of samples with one value of `metadata.<within>` whose choices are all the
    same. Sets with only one answered member are left out. A tie counts as an independent random choice of each
    member, so that a model without preferences between two choices has 1/4 on sets of three."""

    default_name = "agreement"

    def __init__(self, *, within: str = "set", name: str | None = None) -> None:
        super().__init__(name)
        self.within = within

    def options(self) -> dict[str, str]:
        return {"within": self.within}

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        """Share of the sets, 0 to 1; NaN if no set has two members."""
        shares = [share for share, _ in self._sets(samples, answers)]
        return float(np.mean(shares)) if shares else float("nan")

    def estimate_corpus(
        self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]], *, missing: int
    ) -> Estimate:
        """The share with the interval of a mean over sets (`protocols.CorpusInterval`)."""
        found = self._sets(samples, [own[0] for own in answers])
        shares = np.array([share for share, _ in found])
        return of_sets(shares, [cluster for _, cluster in found], answered=len(samples), missing=missing)

    def _sets(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> list[tuple[float, str | None]]:
        """For each set of two or more: the probability that its members agree, and its cluster."""
        sets: defaultdict[str, list[tuple[FloatArray, str | None]]] = defaultdict(list)
        for sample, answer in zip(samples, answers, strict=True):
            key = str(metadata(self.name, sample, self.within))
            sets[key].append((self._probabilities(sample, answer), sample.cluster))
        joined = _joined([[cluster for _, cluster in members] for members in sets.values()])
        return [
            (float(np.prod([taken for taken, _ in members], axis=0).sum()), cluster)
            for members, cluster in zip(sets.values(), joined, strict=True)
            if len(members) > 1
        ]

    def _probabilities(self, sample: Sample, answer: Answer) -> FloatArray:
        """The probability of each choice: 1 for the best one, shared if there is a tie."""
        logprobs = scored(self.name, answer).logprobs
        if len(logprobs) != len(sample.choices):
            raise UserError(
                f"metric {self.name!r}: sample {sample.id!r} has no answer for each of its choices."
            )
        tied = best(logprobs)
        taken = np.zeros(len(logprobs))
        taken[list(tied)] = 1 / len(tied)
        return taken


def of_sets(shares: FloatArray, clusters: Sequence[str | None], *, answered: int, missing: int) -> Estimate:
    """The mean over sets of the probabilities that members agree [sets], with the sets' clusters. `n` counts answered samples."""
    rows = np.column_stack([shares, np.ones(len(shares))])
    made = estimate(SHARE, rows, clusters, missing=missing, ties=0, seed=0)
    if not len(shares):
        made = replace(made, method="none (undefined on these samples)" if answered else made.method)
    return replace(made, n=answered, clusters=made.clusters or len(shares) or None)


def _joined(members: Sequence[Sequence[str | None]]) -> list[str | None]:
    """One cluster per set, from its members': sets that share one, directly or through others, are in the same. None if no
    member has one."""
    leads: dict[str, str] = {}

    def lead(cluster: str) -> str:
        while leads.setdefault(cluster, cluster) != cluster:
            cluster = leads[cluster]
        return cluster

    named = [[cluster for cluster in own if cluster is not None] for own in members]
    for own in named:
        for cluster in own[1:]:
            leads[lead(cluster)] = lead(own[0])
    return [lead(own[0]) if own else None for own in named]
