"""chrF and chrF++: n-grams of characters and of words."""

from __future__ import annotations

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.common import ratio
from lsm_eval.metrics.sacrebleu_metric import SacrebleuMetric


class Chrf(SacrebleuMetric):
    """`chrf`: chrF (Popović 2015; chrF++ with `word_order: 2`, Popović 2017) as sacrebleu computes it.
    Statistics: for each order the numbers of n-grams in the completion, in the best reference, and in both."""

    default_name = "chrf"

    def __init__(
        self,
        *,
        name: str | None = None,
        char_order: int = 6,
        word_order: int = 0,
        beta: int = 2,
        lowercase: bool = False,
        whitespace: bool = False,
        eps_smoothing: bool = False,
    ) -> None:
        from sacrebleu.metrics.chrf import CHRF

        if char_order < 1 or word_order < 0 or beta < 1:
            raise UserError(
                f"metric {name or 'chrf'!r}: `char_order` and `beta` must be at least 1 and `word_order` at "
                f"least 0: got {char_order}, {beta} and {word_order}."
            )
        scorer = CHRF(
            char_order=char_order,
            word_order=word_order,
            beta=beta,
            lowercase=lowercase,
            whitespace=whitespace,
            eps_smoothing=eps_smoothing,
        )
        super().__init__(name, scorer)
        self.beta = beta
        self.eps_smoothing = eps_smoothing

    def extra_signature(self) -> list[str]:
        return [f"beta:{self.beta}"] if self.beta != 2 else []

    def segment(self, sums: FloatArray) -> float:
        return float(self.aggregate(sums))

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 3 · orders] to chrF [...] in 0..100."""
        sums = np.asarray(sums, float)
        ours, theirs, both = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
        eps, factor = 1e-16, self.beta**2
        precision = np.where(ours > 0, ratio(both, ours), eps)
        recall = np.where(theirs > 0, ratio(both, theirs), eps)
        if self.eps_smoothing:
            weighted = factor * precision + recall
            scores = np.where(weighted > 0, ratio((1 + factor) * precision * recall, weighted), eps)
            return np.asarray(100 * scores.mean(axis=-1))
        effective = (ours > 0) & (theirs > 0)
        orders = effective.sum(axis=-1)
        mean_precision = ratio((precision * effective).sum(axis=-1), orders)
        mean_recall = ratio((recall * effective).sum(axis=-1), orders)
        score = ratio((1 + factor) * mean_precision * mean_recall, factor * mean_precision + mean_recall)
        return np.asarray(100 * np.nan_to_num(score))


def chrf_plus_plus(
    *,
    name: str | None = None,
    lowercase: bool = False,
    whitespace: bool = False,
    eps_smoothing: bool = False,
) -> Chrf:
    """`chrf++`: chrF with word n-grams up to order 2."""
    return Chrf(
        name=name or "chrf++",
        word_order=2,
        lowercase=lowercase,
        whitespace=whitespace,
        eps_smoothing=eps_smoothing,
    )
