"""Whether a completion is supported by its source, the text in `metadata.source`.

A sample whose source is blank is not counted.

It compares word k-grams, without a model (`lsm_eval.detectors.groundedness`): a low score is a sign, not a proof, of
content that the source does not have, and a high one is no proof of truth. Rates count sentences, since people labelled
sentences for the detector's cards; a sentence of fewer than k words is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsm_eval.detectors.card import load_card
from lsm_eval.detectors.groundedness import Groundedness, density, kgram_precision
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement
from lsm_eval.metrics.common import (
    Described,
    MeanMetric,
    ProportionMetric,
    counted,
    generated,
    metadata,
    ratio,
)
from lsm_eval.metrics.detected import card_options, quality
from lsm_eval.metrics.summarisation import split_sentences
from lsm_eval.requests import Answer
from lsm_eval.statistics.corrected import corrected_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate
from lsm_eval.tasks.sample import Sample


class _Sourced(Described):
    def applies(self, sample: Sample) -> bool:
        """Whether the sample has a source."""
        return bool(source(self.name, sample).strip())


class GroundedPrecision(_Sourced, MeanMetric):
    """`grounded_precision`: share of a completion's word k-grams that occur in the source, mean over completions.
    A completion of fewer than k words is not counted."""

    default_name = "grounded_precision"

    def __init__(self, *, k: int = 1, name: str | None = None) -> None:
        super().__init__(name)
        if k < 1:
            raise UserError(f"metric {self.name!r}: `k` is a number of words, at least 1: got {k}.")
        self.k = k

    def options(self) -> dict[str, str]:
        return {"k": str(self.k), "version": Groundedness.version}

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        completion = generated(self.name, answer).text
        if not self.applies(sample):
            return None
        value = kgram_precision(completion, source(self.name, sample), self.k)
        return None if value is None else counted(value)


class ExtractiveDensity(_Sourced, MeanMetric):
    """`extractive_density`: about the length, in words, of the copied run that an average word belongs to (Grusky et al.
    2018, section 4). It tells copying from rephrasing; neither is better. A text without words is not counted."""

    default_name = "extractive_density"
    unit = "other"
    higher_is_better = None

    def options(self) -> dict[str, str]:
        return {"version": Groundedness.version}

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        completion = generated(self.name, answer).text
        value = density(completion, source(self.name, sample)) if self.applies(sample) else None
        return None if value is None else counted(value)


class PartsShare(Described):
    """A share of parts (sentences, citations), of which a completion may have several or none.

    Statistics (parts that count, parts, 1). The parts of one completion are not independent, so it is a cluster (or
    belongs to the sample's)."""

    weighs = True

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 3] to shares [...]; NaN if there is no part."""
        return ratio(sums[..., 0], sums[..., 1])

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The estimate of a proportion of parts, so that 0 of n has an upper bound above 0; `n` counts completions."""
        rows, groups = rows_of_parts(statistics, clusters)
        found = estimate(_SHARE, rows, groups, missing=missing, ties=ties, seed=seed)
        return replace(found, n=len(statistics))


def share_of_parts(found: int, parts: int) -> Measurement | None:
    """The measurement of one completion; None if it has no part."""
    return Measurement((float(found), float(parts), 1.0), found / parts) if parts else None


class UngroundedRate(_Sourced, PartsShare):
    """`ungrounded_rate`: share of all sentences with less than `threshold` of their word k-grams in the source."""

    default_name = "ungrounded_rate"
    higher_is_better = False

    def __init__(self, *, k: int = 1, threshold: float = 0.9, name: str | None = None) -> None:
        super().__init__(name)
        self.detector = Groundedness(k=k, threshold=threshold)

    def options(self) -> dict[str, str]:
        found = self.detector
        return {"k": str(found.k), "threshold": f"{found.threshold:g}", "version": found.version}

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        ungrounded, sentences = self.count(sample, answer)
        return share_of_parts(ungrounded, sentences) if self.applies(sample) else None

    def count(self, sample: Sample, answer: Answer) -> tuple[int, int]:
        """Numbers of sentences that are not grounded, and of those on which the detector can tell."""
        sentences = split_sentences(generated(self.name, answer).text)
        given = source(self.name, sample)
        verdicts = [self.detector.detect(sentence, given) for sentence in sentences]
        decided = [verdict for verdict in verdicts if verdict.state != "cannot_tell"]
        return sum(verdict.state == "finding" for verdict in decided), len(decided)


class UngroundedCorrected(UngroundedRate):
    """`ungrounded_corrected`: the share of `ungrounded_rate`, corrected by the card `card` of the detector with these
    options (Rogan & Gladen; `lsm_eval.statistics.corrected`), such as `xsum-1gram-90`. The interval includes the card's
    uncertainty. The correction is only as good as the card's texts are similar to those measured."""

    default_name = "ungrounded_corrected"

    def __init__(
        self,
        *,
        card: str = "xsum_systems-1gram-90",
        k: int = 1,
        threshold: float = 0.9,
        name: str | None = None,
    ) -> None:
        super().__init__(k=k, threshold=threshold, name=name)
        self.card = load_card(self.detector.name, card)
        if not card.endswith(f"-{k}gram-{round(100 * threshold)}"):
            raise UserError(
                f"metric {self.name!r}: the card {card!r} is not of k {k} and threshold {threshold:g}: take the one whose "
                f"name ends in {k}gram-{round(100 * threshold)}."
            )
        if self.card.version != self.detector.version:
            raise UserError(
                f"metric {self.name!r}: the card {card!r} measures version {self.card.version} of the detector, and this "
                f"is version {self.detector.version}: measure it anew (docs/groundedness.md)."
            )
        self.quality = quality(self.card)

    def options(self) -> dict[str, str]:
        return {**super().options(), **card_options(self.card)}

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        """As for the raw rate, but without a value: a single sample has no corrected one."""
        raw = super().measure(sample, answer)
        return None if raw is None else Measurement(raw.statistics)

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The corrected share. Nothing is drawn, so `seed` is ignored."""
        rows, groups = rows_of_parts(statistics, clusters)
        found = corrected_estimate(rows, groups, self.quality, missing=missing, ties=ties)
        return replace(found, n=len(statistics))


class UngroundedUnknown(_Sourced, ProportionMetric):
    """`ungrounded_unknown`: share of completions without any sentence of k words, which no rate counts."""

    default_name = "ungrounded_unknown"
    higher_is_better = False

    def __init__(self, *, k: int = 1, name: str | None = None) -> None:
        super().__init__(name)
        self.rate = UngroundedRate(k=k, name=self.name)

    def options(self) -> dict[str, str]:
        return {"k": str(self.rate.detector.k), "version": Groundedness.version}

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        none = self.rate.count(sample, answer)[1] == 0
        return counted(none) if self.applies(sample) else None


def source(metric: str, sample: Sample) -> str:
    """The text that should support the sample's answers, which may be blank. Raises `UserError` if it is no text."""
    given = metadata(metric, sample, "source")
    if not isinstance(given, str):
        raise UserError(
            f"metric {metric!r}: `metadata.source` of sample {sample.id!r} is no text: correct it in the task."
        )
    return given


def rows_of_parts(
    statistics: FloatArray, clusters: Sequence[str | None]
) -> tuple[FloatArray, list[str | None]]:
    """Turns statistics of completions (found, parts, 1), [n, 3], into one row (0 or 1, 1) per part, with its cluster: the
    sample's, or else the completion itself if it has several parts. For completions of weight w the statistics are w
    times as large, and the rows are (0 or w, w)."""
    given = np.asarray(statistics, float).reshape(-1, 3)
    weights = given[:, 2].tolist()
    counts = np.rint(given[:, :2] / given[:, 2:]).astype(int)
    rows: list[tuple[float, float]] = []
    groups: list[str | None] = []
    for index, ((found, parts), weight, cluster) in enumerate(zip(counts, weights, clusters, strict=True)):
        rows += [(weight, weight)] * int(found) + [(0.0, weight)] * int(parts - found)
        own = f"completion {index}" if parts > 1 else None
        groups += [own if cluster is None else f"cluster {cluster}"] * int(parts)
    return np.array(rows, float).reshape(-1, 2), groups


class _Share(ProportionMetric):
    default_name = "share"


_SHARE = _Share()
