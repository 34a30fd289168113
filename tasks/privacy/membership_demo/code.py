"""Membership inference: whether a model's likelihoods show which texts it was trained on, beyond what the texts alone give
away.

`metadata.member` says whether the text was trained on (true or false). The attacks give a score that is higher for
likely members. With natural log-probabilities l_t of token t, T tokens:

- `loss`: mean of l_t (Yeom et al. 2018);
- `zlib`: mean of l_t, divided by the bytes of the zlib-compressed text (Carlini et al. 2021, section 5.2). It is the
  mean, as in published code, so that scores also depend on the length of a text: see the blind baseline;
- `min_k`: mean of the lowest `k` (0.2) of the l_t (Shi et al. 2024, "Detecting pretraining data", equation 1);
- `min_k_pp`: the same of (l_t - μ_t) / σ_t, μ_t and σ_t being mean and standard deviation of the log-probability of
  a token drawn from the model at t (Zhang et al. 2024, "Min-K%++").
"""

from __future__ import annotations

import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement, Unit
from lsm_eval.metrics.common import Described, likelihood, metadata
from lsm_eval.metrics.entry import MetricRows
from lsm_eval.requests import Answer, Likelihood, Perplexity
from lsm_eval.statistics.auroc_gain import auroc_gain
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.tpr import tpr_estimate
from lsm_eval.tasks.sample import Sample

from .blind import blind_scores

METRICS: MetricRows = {
    "membership_auroc": ("MembershipAuroc", "members told from others by likelihood", "fraction", False, "perplexity"),
    "membership_blind_auroc": ("MembershipBlind", "members told from others without the model", "fraction", None, "perplexity"),
    "membership_gain": ("MembershipGain", "an attack's AUROC minus the blind one's", "other", False, "perplexity"),
    "membership_tpr": ("MembershipTpr", "members found at 1 % false positives", "fraction", False, "perplexity"),
}  # fmt: skip

Attack = Literal["loss", "zlib", "min_k", "min_k_pp"]


def attack_score(attack: Attack, text: str, answer: Likelihood, k: float = 0.2) -> float:
    """The attack's score of one text, higher for likely members. Raises ValueError for a text without tokens, or an
    answer without details of each token if the attack needs them."""
    if not answer.tokens:
        raise ValueError("a text without tokens")
    if attack in ("loss", "zlib"):
        mean = answer.logprob / answer.tokens
        return mean / len(zlib.compress(text.encode("utf-8", "surrogatepass"))) if attack == "zlib" else mean
    if len(answer.each) != answer.tokens:
        raise ValueError("no likelihood of each token")
    values = np.array(answer.each)
    if attack == "min_k_pp":
        # A token that had all the probability says nothing: 0 / 0 is 0.
        values = (values - np.array(answer.means)) / np.maximum(answer.deviations, 1e-6)
    count = max(1, int(k * len(values)))
    return float(np.sort(values)[:count].mean())


class _Membership(Described, ABC):
    """Statistics (attack's score, blind score or NaN, member); the value of a sample is its attack's score."""

    higher_is_better: bool | None = False
    blind = False

    def __init__(self, *, name: str | None = None, attack: Attack = "loss", k: float = 0.2) -> None:
        if attack not in get_args(Attack):
            raise UserError(f"no membership attack {attack!r}: choose one of {', '.join(get_args(Attack))}.")
        if not 0 < k <= 1:
            raise UserError(f"membership attack {attack!r}: `k` lies above 0 and not above 1: got {k}.")
        super().__init__(name)
        self.attack: Attack = attack
        self.k = k
        self._blind: dict[str, float] = {}

    def options(self) -> dict[str, str]:
        own: dict[str, str] = {"attack": self.attack}
        return {**own, "k": f"{self.k:g}"} if self.attack.startswith("min_k") else own

    def see_samples(self, samples: Sequence[Sample]) -> None:
        """Trains the blind classifier on all texts, even those that will fail (`protocols.SeesSamples`)."""
        if self.blind:
            found = blind_scores(
                [self._text(sample) for sample in samples],
                [self._member(sample) for sample in samples],
                [sample.cluster for sample in samples],
            )
            if found is not None:
                self._blind = dict(zip((sample.id for sample in samples), found.tolist(), strict=True))

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        try:
            score = attack_score(self.attack, self._text(sample), likelihood(self.name, answer), self.k)
        except ValueError as error:
            raise UserError(
                f"metric {self.name!r}: sample {sample.id!r} has {error}: "
                "leave out empty texts, and set `detail: true` in the task."
            ) from error
        blind = self._blind.get(sample.id, math.nan)
        return Measurement((score, blind, float(self._member(sample))), self.shown(score, blind))

    def shown(self, score: float, blind: float) -> float | None:
        """The sample's value in the per-sample table."""
        return score

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """NaN: not a function of sums; see `estimate`."""
        return np.full(np.asarray(sums).shape[:-1], np.nan)

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The value with its interval (`protocols.Interval`). Nothing is drawn, so `seed` is ignored."""
        return self.over(statistics.reshape(len(statistics), 3), clusters, missing, None)

    def estimate_weighted(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        weights: FloatArray,
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The same for weighted samples (`protocols.WeightedInterval`)."""
        return self.over(statistics.reshape(len(statistics), 3), clusters, missing, weights)

    @abstractmethod
    def over(
        self, rows: FloatArray, clusters: Sequence[str | None], missing: int, weights: FloatArray | None
    ) -> Estimate:
        """The estimate from samples' statistics [n, 3] and their weights [n], if these differ."""

    def _text(self, sample: Sample) -> str:
        request = sample.request
        if not isinstance(request, Perplexity):
            raise UserError(f"metric {self.name!r} reads whole texts: set `request: perplexity` in the task.")
        return request.text

    def _member(self, sample: Sample) -> bool:
        found = metadata(self.name, sample, "member")
        if found not in (True, False):
            raise UserError(
                f"metric {self.name!r}: `metadata.member` of sample {sample.id!r} must be true or false, not "
                f"{found!r}: correct it in the data."
            )
        return bool(found)


class MembershipAuroc(_Membership):
    """`membership_auroc`: the chance that a member has a higher score than a non-member."""

    default_name = "membership_auroc"

    def over(
        self, rows: FloatArray, clusters: Sequence[str | None], missing: int, weights: FloatArray | None
    ) -> Estimate:
        return auroc_estimate(rows[:, 0], rows[:, 2], clusters, missing=missing, weights=weights)


class MembershipTpr(_Membership):
    """`membership_tpr`: share of members that are found if `fpr` (0.01) of the non-members are mistaken for
    members (Carlini et al. 2022, "Membership inference attacks from first principles"), at an interpolated threshold
    (`statistics.tpr`). No value with fewer non-members than 2 / (3 · `fpr`): even the highest would have a higher rate."""

    default_name = "membership_tpr"

    def __init__(
        self, *, name: str | None = None, attack: Attack = "loss", k: float = 0.2, fpr: float = 0.01
    ) -> None:
        super().__init__(name=name, attack=attack, k=k)
        if not 0 < fpr < 1:
            raise UserError(f"metric {self.name!r}: `fpr` lies above 0 and below 1: got {fpr}.")
        self.fpr = fpr

    def options(self) -> dict[str, str]:
        return {**super().options(), "fpr": f"{self.fpr:g}", "threshold": "interpolated"}

    def over(
        self, rows: FloatArray, clusters: Sequence[str | None], missing: int, weights: FloatArray | None
    ) -> Estimate:
        return tpr_estimate(rows[:, 0], rows[:, 2], self.fpr, clusters, missing=missing, weights=weights)


class _WithBlind(_Membership):
    blind = True

    def over(
        self, rows: FloatArray, clusters: Sequence[str | None], missing: int, weights: FloatArray | None
    ) -> Estimate:
        if np.isnan(rows[:, 1]).any():
            return basis(clusters, missing=missing).result(None, "none (undefined on these samples)")
        return self.compared(rows, clusters, missing, weights)

    @abstractmethod
    def compared(
        self, rows: FloatArray, clusters: Sequence[str | None], missing: int, weights: FloatArray | None
    ) -> Estimate:
        """The estimate from statistics whose blind scores are all known."""


class MembershipBlind(_WithBlind):
    """`membership_blind_auroc`: the AUROC of a classifier that sees only the texts, never the model (`blind`). An attack
    proves nothing about a model unless it does better than this."""

    default_name = "membership_blind_auroc"
    higher_is_better: bool | None = None

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def options(self) -> dict[str, str]:
        return {}

    def shown(self, score: float, blind: float) -> float | None:
        return None if math.isnan(blind) else blind

    def compared(
        self, rows: FloatArray, clusters: Sequence[str | None], missing: int, weights: FloatArray | None
    ) -> Estimate:
        return auroc_estimate(rows[:, 1], rows[:, 2], clusters, missing=missing, weights=weights)


class MembershipGain(_WithBlind):
    """`membership_gain`: the attack's AUROC minus the blind classifier's, or minus 0.5 if that is lower than 0.5.
    An attack is evidence if the interval lies above 0."""

    default_name = "membership_gain"
    unit: Unit = "other"

    def compared(
        self, rows: FloatArray, clusters: Sequence[str | None], missing: int, weights: FloatArray | None
    ) -> Estimate:
        return auroc_gain(rows[:, 0], rows[:, 1], rows[:, 2], clusters, missing=missing, weights=weights)
