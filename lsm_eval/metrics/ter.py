"""Translation edit rate."""

from __future__ import annotations

import numpy as np

from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.common import ratio
from lsm_eval.metrics.sacrebleu_metric import SacrebleuMetric


class Ter(SacrebleuMetric):
    """`ter`: translation edit rate (Snover et al. 2006) as sacrebleu computes it: the edits, including shifts of words,
    that turn completions into their nearest references, per 100 words of the references (their mean length).
    Statistics: edits, mean reference length. It exceeds 100 if there are more edits than words in the reference.

    Words are separated by spaces; for Chinese set `normalized` and `asian_support`, which make each character a word."""

    default_name = "ter"
    span = None
    higher_is_better = False

    def __init__(
        self,
        *,
        name: str | None = None,
        normalized: bool = False,
        no_punct: bool = False,
        asian_support: bool = False,
        case_sensitive: bool = False,
    ) -> None:
        from sacrebleu.metrics.ter import TER

        scorer = TER(
            normalized=normalized,
            no_punct=no_punct,
            asian_support=asian_support,
            case_sensitive=case_sensitive,
        )
        super().__init__(name, scorer)

    def segment(self, sums: FloatArray) -> float:
        return float(self.aggregate(sums))

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to TER [...], at least 0. If no reference has a word, it is 100 if there are edits, else 0."""
        sums = np.asarray(sums, float)
        edits, length = sums[..., 0], sums[..., 1]
        return np.asarray(100 * np.where(length > 0, ratio(edits, length), edits > 0))
