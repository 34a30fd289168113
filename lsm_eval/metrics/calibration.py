"""Calibration of a model's probabilities, on any task with one right choice (`metrics.confidence`).

A model that finds all choices equally likely is calibrated: it is right as often as its confidence 1/k says. A low ECE
alone is therefore no merit; `confidence_auroc` and `aurc` (`metrics.selective`) measure whether confidence tells right
answers from wrong ones.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement, Metric, Unit
from lsm_eval.metrics.common import MeanMetric, counted, ratio
from lsm_eval.metrics.confidence import Normalise, OfChoices, softmax
from lsm_eval.requests import Answer
from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.calibrated import DRAWS, calibration_error, stretch_of
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.risk_coverage import over_ties
from lsm_eval.tasks.sample import Sample

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
    samples (Nguyen & O'Connor 2015). The plug-in value is biased upwards if bins hold few samples (Roelofs et al. 2022),
    so the part due to noise is subtracted (`statistics.calibrated`; Kumar et al. 2019). `debias: false` keeps the
    plug-in value, which most papers report; the interval is of the true error either way."""
    if bins < 1:
        raise UserError(f"metric {name or 'ece'!r}: `bins` must be at least 1.")
    kind = _EqualWidth if binning == "width" else _EqualMass
    return kind(name, bins, normalise, debias)


class Brier(OfChoices, MeanMetric):
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
            # Any of the tied choices may be taken; this is the mean over them, not (confidence - share)².
            p, share = found.confidence, found.right
            return counted(share * (1 - p) ** 2 + (1 - share) * p**2, tie=found.tie)
        shares = softmax(self.scores(sample, answer))
        truth = np.zeros(len(shares))
        truth[self.right(sample, len(shares))] = 1.0
        return counted(float(np.square(shares - truth).sum()), tie=found.tie)


class _Ece(OfChoices, ABC):
    """A calibration error over bins, which makes its own estimate."""

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
        """Samples' statistics [n, k] to bins [B, 4]: sums of weights, of weighted confidences, of weighted right ones, and of
        squared weights."""

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The error with a test of calibration, whose p-value is part of the method (`statistics.calibrated`)."""
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
            trials=_worth(by_sample[:, 0], base),
            seed=seed,
            level=_LEVEL,
            squares=bins[:, 3],
        )
        value = error.value if self.debias else error.plug_in
        if base.count > 1 and not fit:
            return base.result(value, f"none ({stretch})")
        if unsure := base.without_interval(value):
            return unsure
        # A plug-in value can by chance lie above the whole interval.
        interval = error.low, max(error.high, value)
        return base.result(value, f"calibrated null({DRAWS} draws, p {error.p:.4f})", interval)


class _EqualWidth(_Ece):
    """Statistics, for each bin: number of samples, sum of confidences, sum of right ones."""

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
        """Sums [..., 3 · bins] to plug-in errors [...] in 0..1; NaN if no sample was counted."""
        binned = np.asarray(sums, float).reshape(*np.shape(sums)[:-1], self.bins, 3)
        gaps = np.abs(binned[..., 1] - binned[..., 2]).sum(axis=-1)
        return ratio(gaps, binned[..., 0].sum(axis=-1))


class _EqualMass(_Ece):
    """Statistics (1, confidence, right); the bins are known only when all samples are."""

    cut = "mass"

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        found = self.confidence(sample, answer)
        return Measurement((1.0, found.confidence, found.right), None, found.tie)

    def binned(self, statistics: FloatArray) -> FloatArray:
        weight = statistics[:, 0]
        confidence, right = statistics[:, 1] / weight, statistics[:, 2] / weight
        order = np.argsort(confidence, kind="stable")
        shared = over_ties(confidence, right, weight)
        rows = np.column_stack([weight, weight * confidence, weight * shared, weight**2])[order]
        number = min(self.bins, len(order))
        if (weight == weight[0]).all():
            parts = np.array_split(rows, number)
        else:  # a sample falls where its middle does
            middle = (np.cumsum(rows[:, 0]) - rows[:, 0] / 2) / weight.sum()
            parts = np.split(rows, np.searchsorted(middle, np.arange(1, number) / number))
        return np.array([part.sum(axis=0) for part in parts])

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 3] to errors over a single bin [...]: sums allow no more, and the metric's own value needs `binned`."""
        return ratio(np.abs(sums[..., 1] - sums[..., 2]), sums[..., 0])


def _worth(weight: FloatArray, base: Basis) -> float:
    """Effective number of samples with these weights [n] if all of a cluster were alike: (Σw)² / Σw² over clusters."""
    by_cluster = np.bincount(base.groups, weights=weight)
    return float(by_cluster.sum() ** 2 / np.square(by_cluster).sum())
