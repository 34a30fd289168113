"""Does a model know what it knows? Calibration of the choice it makes, on any task with one right choice.

The probability of a choice is the softmax of the choices' log-probabilities (option `normalise`: summed, or per
character, byte or token); the confidence is that of the best choice. Where choices are exactly tied for the best,
the sample is right by the share of right ones among them, as in `acc`. Nothing here hangs on the order of choices
or of samples: samples of equal confidence share their errors.

A model without a view (all choices equal) is calibrated: its confidence 1/k is how often it is right. ECE alone is
therefore no praise; `confidence_auroc` and `aurc` ask whether confidence tells right from wrong.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement, Metric, Unit
from lsm_eval.metrics.choice import best
from lsm_eval.metrics.common import Described, MeanMetric, counted, ratio, right_choices, scored
from lsm_eval.metrics.weights import relative_weights
from lsm_eval.requests import Answer
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.calibrated import DRAWS, calibration_error, stretch_of
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

Normalise = Literal["none", "characters", "bytes", "tokens"]
Binning = Literal["width", "mass"]
Form = Literal["choices", "top"]

_LEVEL = 0.95


def ece(
    *,
    name: str | None = None,
    bins: int = 15,
    binning: Binning = "width",
    normalise: Normalise = "none",
    debias: bool = True,
) -> Metric:
    """`ece`: expected calibration error (Naeini et al. 2015; Guo et al. 2017, eq. 3), 0 to 1:
    Σ_b n_b/n · |accuracy_b - mean confidence_b| over bins of confidence.

    `binning: width` cuts 0..1 into `bins` equal parts, ((b-1)/bins, b/bins]; `mass` into bins of equally many
    samples (Nguyen & O'Connor 2015). The plug-in figure is biased upwards where bins hold few samples
    (Roelofs et al. 2022), so that what noise adds is taken off (`statistics.calibrated`; Kumar et al. 2019).
    `debias: false` leaves the value as it is, as most papers print it; the interval is of the true error either way."""
    if bins < 1:
        raise UserError(f"metric {name or 'ece'!r}: `bins` must be at least 1.")
    kind = _EqualWidth if binning == "width" else _EqualMass
    return kind(name, bins, normalise, debias)


@dataclass(frozen=True, slots=True)
class Confidence:
    """What one sample says: how sure the model was, and whether it was right."""

    confidence: float
    """Probability of the best choice, 1/k to 1."""
    odds: float
    """Its log-odds, which rank as the confidence does and do not round to 1."""
    right: float
    """1 or 0; the share of right ones where choices are tied for the best."""
    tie: bool


def softmax(scores: Sequence[float]) -> FloatArray:
    """Probabilities [k] of k log-probabilities. NaN counts as impossible; where nothing is possible all are equal."""
    values = np.array([-np.inf if math.isnan(score) else score for score in scores], float)
    highest = values.max()
    weights = np.exp(values - highest) if np.isfinite(highest) else np.ones(len(values))
    shares: FloatArray = weights / weights.sum()
    return shares


class _OfChoices(Described):
    """A metric over the probabilities of choices, of which exactly one is right."""

    reads_likelihood = True

    def __init__(self, name: str | None = None, normalise: Normalise = "none") -> None:
        super().__init__(name)
        self.normalise = normalise

    def options(self) -> dict[str, str]:
        return {"norm": self.normalise}

    def scores(self, sample: Sample, answer: Answer) -> tuple[float, ...]:
        """The choices' log-probabilities, divided by their lengths where that is asked for."""
        given = scored(self.name, answer)
        if self.normalise == "none":
            return given.logprobs
        if self.normalise == "tokens":
            lengths: Sequence[int] = given.tokens
        else:
            if len(sample.choices) != len(given.logprobs):
                raise UserError(
                    f"metric {self.name!r} needs the text of every choice, and sample {sample.id!r} has "
                    f"{len(sample.choices)} choices for {len(given.logprobs)} continuations: correct `choices`."
                )
            lengths = [
                len(choice) if self.normalise == "characters" else len(choice.encode())
                for choice in sample.choices
            ]
        return tuple(lp / n if n else -math.inf for lp, n in zip(given.logprobs, lengths, strict=True))

    def right(self, sample: Sample, number: int) -> int:
        """The one right choice. UserError where there are several: their probabilities would compete."""
        right = right_choices(self.name, sample, number)
        if len(right) > 1:
            raise UserError(
                f"metric {self.name!r} is for one right choice, and sample {sample.id!r} has {len(right)}: "
                "leave the metric out of this task."
            )
        return min(right)

    def confidence(self, sample: Sample, answer: Answer) -> Confidence:
        """What this sample says."""
        scores = self.scores(sample, answer)
        return _confidence(scores, self.right(sample, len(scores)))


@lru_cache(maxsize=2**16)
def _confidence(scores: tuple[float, ...], right: int) -> Confidence:
    """Kept, because every metric and every resample asks anew. An exact tie is one of log-probabilities, not of
    rounded probabilities."""
    tied = best(scores)
    share = (right in tied) / len(tied)
    return Confidence(float(softmax(scores).max()), _log_odds(scores), share, len(tied) > 1)


class Brier(_OfChoices, MeanMetric):
    """`brier`: mean squared error of the probabilities (Brier 1950). `form: choices` sums over all choices,
    Σ_k (p_k - y_k)², 0 to 2; `form: top` is (confidence - right)² of the best choice alone, 0 to 1."""

    default_name = "brier"
    unit: Unit = "other"
    higher_is_better = False

    def __init__(
        self, *, name: str | None = None, form: Form = "choices", normalise: Normalise = "none"
    ) -> None:
        super().__init__(name, normalise)
        self.form = form

    def options(self) -> dict[str, str]:
        return {"form": self.form, **super().options()}

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        found = self.confidence(sample, answer)
        if self.form == "top":
            # Of tied choices each may be the one taken; this is the mean over them, not (confidence - share)².
            p, share = found.confidence, found.right
            return counted(share * (1 - p) ** 2 + (1 - share) * p**2, tie=found.tie)
        shares = softmax(self.scores(sample, answer))
        truth = np.zeros(len(shares))
        truth[self.right(sample, len(shares))] = 1.0
        return counted(float(np.square(shares - truth).sum()), tie=found.tie)


class _Ece(_OfChoices, ABC):
    """An error over bins, which makes its own estimate."""

    default_name = "ece"
    weighs = True
    higher_is_better = False
    cut: ClassVar[str]

    def __init__(self, name: str | None, bins: int, normalise: Normalise, debias: bool) -> None:
        super().__init__(name, normalise)
        self.bins = bins
        self.debias = debias

    def options(self) -> dict[str, str]:
        value = "debiased" if self.debias else "plug-in"
        return {"bins": f"{self.bins} of equal {self.cut}", "value": value, **super().options()}

    @abstractmethod
    def binned(self, statistics: FloatArray) -> FloatArray:
        """Samples' statistics [n, k] to bins (sum of weights, of confidences, of those right, of squared weights), each but
        the last weighed, shape [B, 4]."""

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The error with a test of calibration, whose p-value stands in the method (`statistics.calibrated`)."""
        base = basis(clusters, missing=missing, ties=ties, level=_LEVEL)
        if found := base.empty():
            return found
        statistics = np.asarray(statistics, float)
        by_sample = statistics.reshape(base.number, -1, 3).sum(axis=1)
        stretch = stretch_of(by_sample[:, 2] - by_sample[:, 1], base, by_sample[:, 0])
        fit = not isinstance(stretch, str)
        bins = self.binned(statistics)
        error = calibration_error(
            bins[:, :3],
            stretch=1.0 if isinstance(stretch, str) else stretch,
            seed=seed,
            level=_LEVEL,
            squares=bins[:, 3],
        )
        value = error.value if self.debias else error.plug_in
        if base.count > 1 and not fit:
            return base.result(value, f"none ({stretch})")
        if unsure := base.without_interval(value):
            return unsure
        # By chance a plug-in value lies above everything that is likely.
        interval = error.low, max(error.high, value)
        return base.result(value, f"calibrated null({DRAWS} draws, p {error.p:.4f})", interval)


class _EqualWidth(_Ece):
    """Statistics, for each bin: samples, sum of confidences, sum right."""

    cut = "width"

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        found = self.confidence(sample, answer)
        statistics = np.zeros((self.bins, 3))
        # Bins are closed on the right, so that a confidence of 1 falls in the last.
        place = min(max(math.ceil(found.confidence * self.bins) - 1, 0), self.bins - 1)
        statistics[place] = (1.0, found.confidence, found.right)
        return Measurement(tuple(map(float, statistics.ravel())), None, found.tie)

    def binned(self, statistics: FloatArray) -> FloatArray:
        by_sample = statistics.reshape(-1, self.bins, 3)
        return np.column_stack([by_sample.sum(axis=0), np.square(by_sample[:, :, 0]).sum(axis=0)])

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 3 · bins] to plug-in errors [...] in 0..1; NaN where nothing was counted."""
        binned = np.asarray(sums, float).reshape(*np.shape(sums)[:-1], self.bins, 3)
        gaps = np.abs(binned[..., 1] - binned[..., 2]).sum(axis=-1)
        return ratio(gaps, binned[..., 0].sum(axis=-1))


class _EqualMass(_Ece):
    """Statistics (1, confidence, right): the bins are known once all samples are."""

    cut = "mass"

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        found = self.confidence(sample, answer)
        return Measurement((1.0, found.confidence, found.right), None, found.tie)

    def binned(self, statistics: FloatArray) -> FloatArray:
        weight = statistics[:, 0]
        confidence, right = statistics[:, 1] / weight, statistics[:, 2] / weight
        order = np.argsort(confidence, kind="stable")
        shared = _shared(confidence, right, weight)
        rows = np.column_stack([weight, weight * confidence, weight * shared, weight**2])[order]
        number = min(self.bins, len(order))
        if (weight == weight[0]).all():
            parts = np.array_split(rows, number)
        else:  # a sample falls where its middle does
            middle = (np.cumsum(rows[:, 0]) - rows[:, 0] / 2) / weight.sum()
            parts = np.split(rows, np.searchsorted(middle, np.arange(1, number) / number))
        return np.array([part.sum(axis=0) for part in parts])

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 3] to the error over one bin [...], which is all that sums can tell; the metric's own needs `binned`."""
        return ratio(np.abs(sums[..., 1] - sums[..., 2]), sums[..., 0])


class _Ranked(_OfChoices):
    """A metric over samples in the order of their confidence."""

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        """The value over these samples."""
        found = [self.confidence(s, a) for s, a in zip(samples, answers, strict=True)]
        return self.over(np.array([f.odds for f in found]), np.array([f.right for f in found]))

    def over(self, odds: FloatArray, right: FloatArray) -> float:
        """The value of confidences, as log-odds [n], and how right each sample is [n]."""
        raise NotImplementedError


class ConfidenceAuroc(_Ranked):
    """`confidence_auroc`: the chance that a right answer was given with more confidence than a wrong one, a tie
    counting one half (Hendrycks & Gimpel 2017); 0.5 says nothing, undefined where all are right or
    wrong. A sample that is right by a share counts as so much of a right and of a wrong one."""

    default_name = "confidence_auroc"
    weighs = True

    def __init__(self, *, name: str | None = None, normalise: Normalise = "none") -> None:
        super().__init__(name, normalise)

    def estimate_corpus(
        self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]], *, missing: int
    ) -> Estimate:
        """The value with its interval (`scoring.CorpusInterval`)."""
        found = [self.confidence(s, a) for s, (a,) in zip(samples, answers, strict=True)]
        odds, right = [f.odds for f in found], [f.right for f in found]
        return auroc_estimate(
            odds,
            right,
            [sample.cluster for sample in samples],
            missing=missing,
            weights=relative_weights(samples),
        )

    def over(self, odds: FloatArray, right: FloatArray) -> float:
        _, level = np.unique(odds, return_inverse=True)
        positive = np.bincount(level.ravel(), weights=right)
        negative = np.bincount(level.ravel(), weights=1 - right)
        if not positive.sum() or not negative.sum():
            return math.nan
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


class Aurc(_Ranked):
    """`aurc`: area under the risk-coverage curve (Geifman, Uziel & El-Yaniv 2019): the mean, over k = 1..n,
    of the share of wrong ones among the k most confident answers. The overall error rate where confidence says
    nothing. `excess: true` takes off the least area that as many errors allow (their E-AURC), so that a less
    accurate model isn't worse for that alone."""

    default_name = "aurc"
    higher_is_better = False

    def __init__(
        self, *, name: str | None = None, excess: bool = False, normalise: Normalise = "none"
    ) -> None:
        super().__init__(name, normalise)
        self.excess = excess

    def options(self) -> dict[str, str]:
        return {"excess": "yes" if self.excess else "no", **super().options()}

    def over(self, odds: FloatArray, right: FloatArray) -> float:
        wrong = 1 - _shared(odds, right)
        area = _risk_coverage(wrong[np.argsort(-odds, kind="stable")])
        return area - _risk_coverage(np.sort(1 - right)) if self.excess else area


def _log_odds(scores: Sequence[float]) -> float:
    """log p - log(1 - p) for the best choice's probability p; infinite where nothing else is possible."""
    values = sorted((-math.inf if math.isnan(score) else score for score in scores), reverse=True)
    highest, rest = values[0], np.array(values[1:])
    if highest == -math.inf:
        highest, rest = 0.0, np.zeros(len(rest))
    if not len(rest) or rest[0] == -math.inf:
        return math.inf
    # The largest is taken out, so that what is left neither overflows nor vanishes.
    return float(highest - rest[0] - np.log(np.exp(rest - rest[0]).sum()))


def _shared(confidence: FloatArray, right: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """How right the samples are, the mean over those of equal confidence: what any order among them gives on
    average."""
    _, level = np.unique(confidence, return_inverse=True)
    heavy = np.ones(len(right)) if weight is None else weight
    level = level.ravel()
    means = np.bincount(level, weights=heavy * right) / np.bincount(level, weights=heavy)
    shared: FloatArray = means[level.ravel()]
    return shared


def _risk_coverage(wrong: FloatArray) -> float:
    """Mean risk over all coverages of errors [n], the most confident first."""
    return float((np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean())
