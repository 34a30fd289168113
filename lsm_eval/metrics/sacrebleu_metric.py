"""Shared code of BLEU, chrF and TER, which use sacrebleu's segment statistics, defaults and signatures.

The aggregate of each repeats sacrebleu's last step in NumPy over any number of sums at once, so that a jackknife is
one call; tests check that it equals sacrebleu's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lsm_eval.metrics.base import FloatArray, Measurement
from lsm_eval.metrics.common import Described, generated, references
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER


class SacrebleuMetric(Described):
    """A metric of sacrebleu; its signature names the number of references that the task's samples have."""

    unit = "points"
    span: tuple[float, float] | None = (0.0, 100.0)
    """Range of all scores (`statistics.smooth`)."""

    def __init__(self, name: str | None, scorer: BLEU | CHRF | TER) -> None:
        super().__init__(name)
        self.scorer: Any = scorer
        self._references: set[int] = set()

    @property
    def signature(self) -> str:
        """sacrebleu's signature: `nrefs` is `?` before any sample was seen, and `var` if it varies."""
        number = next(iter(self._references)) if len(self._references) == 1 else -1
        self.scorer.num_refs = number if self._references else "?"
        return "|".join([str(self.scorer.get_signature()), *self.extra_signature()])

    def extra_signature(self) -> list[str]:
        """Options that change the number and sacrebleu's signature omits, if they are not the default."""
        return []

    def see_samples(self, samples: Sequence[Sample]) -> None:
        """Collects the numbers of references, also of samples that are never answered (`protocols.SeesSamples`)."""
        self._references = {len(s.target) for s in samples if s.missing is None and s.target}

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        completion = generated(self.name, answer).text
        refs = references(self.name, sample)
        self._references.add(len(refs))
        # There is no public function for a segment's statistics; corpus_score itself calls this one.
        (statistics,) = self.scorer._extract_corpus_statistics([completion], [[ref] for ref in refs])
        sums = np.array(statistics, float)
        return Measurement(tuple(map(float, sums)), self.segment(sums))

    @abstractmethod
    def segment(self, sums: FloatArray) -> float:
        """The score of one segment."""

    @abstractmethod
    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums of statistics [..., k] to scores [...] in 0..100."""
