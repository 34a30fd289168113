"""BLEU, chrF and TER, with sacrebleu's own segment statistics, defaults and signatures.

The aggregate repeats sacrebleu's last step in NumPy over any number of sums at once, so that a jackknife is
one call; the tests hold it equal to sacrebleu's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement
from lsm_eval.metrics.common import Described, generated, ratio, references
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

Smooth = Literal["exp", "floor", "add-k", "none"]

_INSTALL = {
    "ja-mecab": "sacrebleu[ja]",
    "ko-mecab": "sacrebleu[ko]",
    "spm": "sentencepiece",
    "flores101": "sentencepiece",
    "flores200": "sentencepiece",
    "spBLEU-1K": "sentencepiece",
}
"""What a tokenizer needs beyond sacrebleu itself."""


class _Sacrebleu(Described):
    """A metric of sacrebleu; its signature names the number of references that the task's samples have."""

    unit = "points"
    span: tuple[float, float] | None = (0.0, 100.0)
    """No score leaves it (`statistics.smooth`)."""

    def __init__(self, name: str | None, scorer: BLEU | CHRF | TER) -> None:
        super().__init__(name)
        self.scorer: Any = scorer
        self._references: set[int] = set()

    @property
    def signature(self) -> str:
        """sacrebleu's own: `nrefs` is `?` before any sample was seen, and `var` where it varies."""
        number = next(iter(self._references)) if len(self._references) == 1 else -1
        self.scorer.num_refs = number if self._references else "?"
        return "|".join([str(self.scorer.get_signature()), *self.further()])

    def further(self) -> list[str]:
        """What decides the number and sacrebleu's signature leaves out, where it is not the default."""
        return []

    def survey(self, samples: Sequence[Sample]) -> None:
        """Learns how many references there are, also of samples that are never answered (`scoring.Surveying`)."""
        self._references = {len(s.target) for s in samples if s.missing is None and s.target}

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        completion = generated(self.name, answer).text
        refs = references(self.name, sample)
        self._references.add(len(refs))
        # There is no public way to a segment's statistics; this is what corpus_score itself calls.
        (statistics,) = self.scorer._extract_corpus_statistics([completion], [[ref] for ref in refs])
        sums = np.array(statistics, float)
        return Measurement(tuple(map(float, sums)), self.segment(sums))

    @abstractmethod
    def segment(self, sums: FloatArray) -> float:
        """The score of one segment."""

    @abstractmethod
    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums of statistics [..., k] to scores [...] in 0..100."""


class Bleu(_Sacrebleu):
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

    def further(self) -> list[str]:
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

        # sacrebleu stops at the first order of which the system has no n-gram at all.
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


class Chrf(_Sacrebleu):
    """`chrf`: chrF (Popović 2015; chrF++ with `word_order: 2`, Popović 2017) as sacrebleu computes it.
    Statistics: for each order the n-grams of the completion, of the best reference, and in both."""

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

    def further(self) -> list[str]:
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


class Ter(_Sacrebleu):
    """`ter`: translation edit rate (Snover et al. 2006) as sacrebleu computes it: the edits, shifts of words among
    them, that turn completions into their nearest references, per 100 words of the references (their mean length).
    Statistics: edits, mean reference length. Above 100 where more is wrong than the reference has words.

    Words lie between spaces: for Chinese set `normalized` and `asian_support`, which make each character a word."""

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
        """Sums [..., 2] to TER [...], 0 and up. Without a word in any reference it is 100 if there are edits, else 0."""
        sums = np.asarray(sums, float)
        edits, length = sums[..., 0], sums[..., 1]
        return np.asarray(100 * np.where(length > 0, ratio(edits, length), edits > 0))


def _bleu(**options: Any) -> BLEU:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(**options)


def _check_tokenizer(metric: str, tokenize: str, offline: bool) -> None:
    """UserError for a tokenizer that does not exist, or that would have to be downloaded while offline."""
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
    """The scorer; UserError that says what to install where its tokenizer cannot be had."""
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
