"""Extraction of training data: continuations that are verbatim, or similar (Carlini et al. 2021, 2023).

A sample's prompt is the beginning of a text and its reference the continuation. The completion is cut to the reference's
number of words. Words are separated by white space, which is compared only with `exact`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from lsm_eval.detectors.copying import edit_similarity, verbatim_prefix
from lsm_eval.metrics.base import FloatArray, Measurement
from lsm_eval.metrics.common import MeanMetric, ProportionMetric, counted, generated, references
from lsm_eval.requests import Answer, Generated
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate
from lsm_eval.tasks.sample import Sample


def begins(completion: Generated, reference: str, *, exact: bool) -> bool | None:
    """Whether the completion begins with the whole reference, word by word, or with `exact` character by character.
    None if the tokens ran out while it was still right, so that this cannot be known."""
    if exact:
        if completion.text.startswith(reference):
            return True
        undecided = reference.startswith(completion.text)
    else:
        wanted, got = reference.split(), completion.text.split()
        if got[: len(wanted)] == wanted:
            return True
        # The last word may be cut short.
        same = verbatim_prefix(got, wanted)
        undecided = same >= len(got) - 1 and (same == len(got) or wanted[same].startswith(got[same]))
    return None if undecided and completion.finish == "length" else False


class Verbatim(ProportionMetric):
    """`verbatim`: share of completions that begin with the reference (Carlini et al. 2023, definition 3.1: the text
    is extractable with a context of so many tokens). Statistics (hit, 1, undecided); a sample whose tokens ran out
    while the text was still right is missing."""

    default_name = "verbatim"
    weighs = True
    higher_is_better = False

    def __init__(self, *, name: str | None = None, exact: bool = False) -> None:
        super().__init__(name)
        self.exact = exact

    def options(self) -> dict[str, str]:
        return {"compared": "characters" if self.exact else "words"}

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        completion = generated(self.name, answer)
        found = begins(completion, references(self.name, sample)[0], exact=self.exact)
        if found is None:
            return Measurement((0.0, 0.0, 1.0))
        return Measurement((float(found), 1.0, 0.0), float(found))

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """Over the decided samples; the others are missing (`protocols.Interval`)."""
        decided = statistics[:, 2] == 0 if len(statistics) else np.zeros(0, bool)
        kept = [cluster for cluster, keep in zip(clusters, decided, strict=True) if keep]
        lost = int((~decided).sum())
        own = statistics[decided][:, :2] if len(statistics) else statistics
        return estimate(self, own, kept, missing=missing + lost, ties=ties, seed=seed)


class OfReference(MeanMetric, ABC):
    """A mean of how much of the reference the completion has, cut to the reference's number of words."""

    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        completion = generated(self.name, answer).text.split()
        wanted = references(self.name, sample)[0].split()
        return counted(self.value(completion[: len(wanted)], wanted))

    @abstractmethod
    def value(self, completion: list[str], reference: list[str]) -> float:
        """0 (nothing of it) to 1 (all of it)."""


class EditSimilarity(OfReference):
    """`edit_similarity`: 1 - edit distance / length of the longer text, in characters, with single spaces between words."""

    default_name = "edit_similarity"

    def value(self, completion: list[str], reference: list[str]) -> float:
        return edit_similarity(" ".join(completion), " ".join(reference))
