"""How often a detector finds something in a model's completions: for any detector, raw and corrected.

Three metrics belong together, since a detector has three answers:

- `detected`: share of completions with a finding, among those on which it could tell;
- `detected_corrected`: the same, corrected by its card (Rogan & Gladen; `lsm_eval.statistics.corrected`);
- `detected_unknown`: share of all completions on which it could not tell, which are in neither of the others.

A task gives them names for what they mean, such as
`{detected: {detector: refusal, name: refusal, better: higher}}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from lsm_eval.detectors.base import Verdict
from lsm_eval.detectors.card import Card, load_card
from lsm_eval.detectors.registry import load
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement
from lsm_eval.metrics.common import ProportionMetric, counted, generated, metadata
from lsm_eval.requests import Answer
from lsm_eval.statistics.corrected import Proportion, Quality, corrected_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

Better = Literal["lower", "higher", "neither"]
_DIRECTION: dict[Better, bool | None] = {"lower": False, "higher": True, "neither": None}


class _Detecting(ProportionMetric):
    """A rate over completions that a detector reads.

    - `detector`: its name (`lsm-eval list detectors`);
    - `kind`: count only findings of this kind; all if it is None;
    - `absent`: count the completions *without* a finding (not refused: no more than an upper bound of attack success);
    - `only`: metadata that a sample must have to count, such as `{label: safe}` or `{type: [homonyms, definitions]}`;
    - `better`: whether a higher rate is better."""

    def __init__(
        self,
        *,
        detector: str,
        kind: str | None = None,
        absent: bool = False,
        only: dict[str, Any] | None = None,
        better: Better = "neither",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.detector_name = detector
        self.detector = load(detector)
        self.kind = kind
        self.absent = absent
        self.only = only or {}
        self.higher_is_better = _DIRECTION[better]

    def options(self) -> dict[str, str]:
        """Options in the signature, without `better`, which changes no number."""
        return {
            "detector": f"{self.detector.name}@{self.detector.version}",
            "kind": self.kind or "all",
            **({"absent": "yes"} if self.absent else {}),
            **({f"only.{key}": "+".join(sorted(_wanted(v))) for key, v in sorted(self.only.items())}),
        }

    def applies(self, sample: Sample) -> bool:
        """Whether the sample counts."""
        return all(str(metadata(self.name, sample, key)) in _wanted(v) for key, v in self.only.items())

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        return self.measure_all(sample, [answer])

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        """The share over a sample's several answers, without those on which the detector could not tell."""
        if not self.applies(sample):
            return None
        verdicts = (_verdict(self.detector_name, generated(self.name, answer).text) for answer in answers)
        tallies = [t.statistics[0] for t in map(self.tally, verdicts) if t is not None]
        return counted(sum(tallies) / len(tallies)) if tallies else None

    def tally(self, verdict: Verdict) -> Measurement | None:
        """The measurement of a completion with this verdict; None if the detector could not tell."""
        if verdict.state == "cannot_tell":
            return None
        found = any(self.kind is None or finding.kind == self.kind for finding in verdict.findings)
        return counted(found != self.absent)


class Detected(_Detecting):
    """`detected`: share of completions with a finding, among those on which the detector could tell."""

    default_name = "detected"


class DetectedUnknown(_Detecting):
    """`detected_unknown`: share of the completions on which the detector could not tell."""

    default_name = "detected_unknown"

    def __init__(self, *, detector: str, only: dict[str, Any] | None = None, name: str | None = None) -> None:
        super().__init__(detector=detector, only=only, better="lower", name=name)

    def tally(self, verdict: Verdict) -> Measurement:
        return counted(verdict.state == "cannot_tell")


class DetectedCorrected(_Detecting):
    """`detected_corrected`: the share of `detected`, corrected by the detector's card, with an interval that includes
    its variation between the card's models; *not estimable* if the card does not allow it (`lsm_eval.statistics.corrected`).

    `card_kind`: the card's kind if it differs from `kind` (an empty text selects a card over all kinds)."""

    default_name = "detected_corrected"
    weighs = True

    def __init__(
        self,
        *,
        detector: str,
        kind: str | None = None,
        absent: bool = False,
        only: dict[str, Any] | None = None,
        better: Better = "neither",
        name: str | None = None,
        card_kind: str | None = None,
    ) -> None:
        super().__init__(detector=detector, kind=kind, absent=absent, only=only, better=better, name=name)
        self.card = load_card(detector, (kind if card_kind is None else card_kind) or None)
        self.quality = quality(self.card, absent=absent)
        if self.card.version != self.detector.version:
            raise UserError(
                f"metric {self.name!r}: the card of {detector!r} measures its version {self.card.version}, and this is "
                f"version {self.detector.version}: measure it anew (lsm_eval.detectors.card.measure)."
            )

    def options(self) -> dict[str, str]:
        return {**super().options(), **card_options(self.card)}

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The corrected rate from statistics (counts, 1), [n, 2]. Nothing is drawn, so `seed` is ignored."""
        return corrected_estimate(statistics, clusters, self.quality, missing=missing, ties=ties)


def card_options(card: Card) -> dict[str, str]:
    """A card as written in the signature of a metric that corrects by it."""
    return {
        "se": f"{card.true_positives}/{card.positives}",
        "sp": f"{card.true_negatives}/{card.negatives}",
        "models": str(len(card.by_model)),
    }


def quality(card: Card, *, absent: bool = False) -> Quality:
    """The card as proportions; with `absent` those of the opposite, in which a finding does not count.

    Raises `UserError` if the card has no positives or no negatives."""
    if not card.positives or not card.negatives:
        lacking = "positives" if not card.positives else "negatives"
        raise UserError(
            f"the card of the detector {card.detector!r} rests on no {lacking}: measure it on labelled data with both "
            "before a rate is corrected by it."
        )
    finds = Proportion(card.true_positives, card.positives)
    leaves = Proportion(card.true_negatives, card.negatives)
    models = card.by_model.values()
    each_finds = tuple(Proportion(own.true_positives, own.positives) for own in models if own.positives)
    each_leaves = tuple(Proportion(own.true_negatives, own.negatives) for own in models if own.negatives)
    if absent:
        return Quality(leaves, finds, each_leaves, each_finds)
    return Quality(finds, leaves, each_finds, each_leaves)


@lru_cache(maxsize=64)
def _verdict(detector: str, text: str) -> Verdict:
    # Cached: each metric of a task reads every completion, the detector need read it only once.
    return load(detector).detect(text)


def _wanted(value: Any) -> frozenset[str]:
    return frozenset(str(v) for v in value) if isinstance(value, (list, tuple)) else frozenset([str(value)])
