"""BLEU and its tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.common import ratio
from lsm_eval.metrics.sacrebleu_metric import SacrebleuMetric

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

Smooth = Literal["exp", "floor", "add-k", "none"]

_INSTALL = {
    "ja-mecab": "sacrebleu[ja]",
    "ko-mecab": "sacrebleu[ko]",
    "spm": "sentencepiece",
    "flores101": "sentencepiece",
    "flores200": "sentencepiece",
    "spBLEU-1K": "sentencepiece",
}
"""Packages that a tokenizer needs besides sacrebleu itself."""


class Bleu(SacrebleuMetric):
    """`bleu`: corpus BLEU (Papineni et al. 2002) as sacrebleu computes it. Statistics: length, reference length,
    then matching and total n-grams by order. A sample's value is its sentence BLEU with effective order."""

    default_name = "bleu"

    def __init__(
        self,
        *,
        name: str | None = None,
        tokenize: str = "13a",
        lowercase: bool = False,
        smooth_method: Smooth = "exp",
        smooth_value: float | None = None,
        max_ngram_order: int = 4,
        effective_order: bool = False,
        offline: bool = False,
    ) -> None:
        if smooth_value is not None and smooth_method in ("exp", "none"):
            raise UserError(
                f"metric {name or 'bleu'!r}: `smooth_method: {smooth_method}` takes no `smooth_value`: "
                "leave it out."
            )
        if max_ngram_order < 1:
            raise UserError(f"metric {name or 'bleu'!r}: `max_ngram_order` must be at least 1.")
        _check_tokenizer(name or "bleu", tokenize, offline)
        scorer = _with_tokenizer(
            name or "bleu",
            tokenize,
            lambda: _bleu(
                lowercase=lowercase,
                tokenize=tokenize,
                smooth_method=smooth_method,
                smooth_value=smooth_value,
                max_ngram_order=max_ngram_order,
                effective_order=effective_order,
                force=True,
            ),
        )
        super().__init__(name, scorer)
        self.smooth_method = smooth_method
        default = scorer.SMOOTH_DEFAULTS[smooth_method]
        self.smooth_value: float = smooth_value if smooth_value is not None else default or 0.0
        self.order = max_ngram_order
        self.effective_order = effective_order

    def extra_signature(self) -> list[str]:
        return [f"order:{self.order}"] if self.order != 4 else []

    def segment(self, sums: FloatArray) -> float:
        return float(self._bleu(sums, effective_order=True))

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2 + 2 · order] to BLEU [...] in 0..100."""
        return self._bleu(sums, effective_order=self.effective_order)

    def _bleu(self, sums: FloatArray, *, effective_order: bool) -> FloatArray:
        sums = np.asarray(sums, float)
        length, reference_length = sums[..., 0], sums[..., 1]
        correct, total = sums[..., 2 : 2 + self.order].copy(), sums[..., 2 + self.order :].copy()
        matched = correct.any(axis=-1)
        if self.smooth_method == "add-k":
            correct[..., 1:] += self.smooth_value
            total[..., 1:] += self.smooth_value

        # sacrebleu stops at the first order for which the system has no n-gram at all.
        reached = np.cumprod(total > 0, axis=-1).astype(bool)
        precisions = 100 * ratio(correct, total)
        none_right = reached & (correct == 0)
        if self.smooth_method == "exp":
            halvings = np.cumsum(none_right, axis=-1)
            precisions = np.where(none_right, 100 * ratio(np.exp2(-halvings), total), precisions)
        elif self.smooth_method == "floor":
            precisions = np.where(
                none_right, 100 * ratio(np.full(total.shape, self.smooth_value), total), precisions
            )
        precisions = np.where(reached, precisions, 0.0)

        used = reached.sum(axis=-1) if effective_order else np.full(length.shape, self.order)
        counts = np.arange(self.order) < used[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(counts, np.log(precisions), 0.0).sum(axis=-1)
            penalty = np.where(length < reference_length, np.exp(1 - ratio(reference_length, length)), 1.0)
            score = penalty * np.exp(logs / used)
        return np.where(matched, score, 0.0)


def _bleu(**options: Any) -> BLEU:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(**options)


def _check_tokenizer(metric: str, tokenize: str, offline: bool) -> None:
    """Raises `UserError` for a tokenizer that does not exist, or would have to be downloaded while offline."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
    from sacrebleu.utils import SACREBLEU_DIR

    if tokenize not in BLEU.TOKENIZERS:
        raise UserError(
            f"metric {metric!r}: there is no tokenizer {tokenize!r}: choose one of {', '.join(BLEU.TOKENIZERS)}."
        )
    if offline and tokenize in SPM_MODELS:
        model = Path(SACREBLEU_DIR) / "models" / Path(SPM_MODELS[tokenize]["url"]).name
        if not model.exists():
            raise UserError(
                f"metric {metric!r}: the tokenizer {tokenize!r} has to be downloaded, which --offline forbids: "
                f"run once without it, or put the file at {model}."
            )


def _with_tokenizer(metric: str, tokenize: str, build: Callable[[], BLEU]) -> BLEU:
    """The scorer. Raises `UserError` that says what to install if its tokenizer is not available."""
    try:
        return build()
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"metric {metric!r}: the tokenizer {tokenize!r} needs a package that is not installed: "
            f"run `pip install '{_INSTALL.get(tokenize, 'sacrebleu')}'`."
        ) from error
    except OSError as error:
        raise UserError(
            f"metric {metric!r}: the model of the tokenizer {tokenize!r} could not be downloaded ({error}): "
            "check the connection, or choose another tokenizer."
        ) from error
