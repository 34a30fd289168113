"""A detector's card: its accuracy on labelled data, with intervals.

Cards are files of the package (`cards/<detector>[.<kind>].json`), always computed from labelled data by `measure`.
A rate measured with a detector is corrected by its card (`lsm_eval.statistics.corrected`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lsm_eval.detectors.base import Detector
from lsm_eval.errors import UserError
from lsm_eval.statistics.intervals import estimate
from lsm_eval.statistics.parts import SHARE

FOLDER = Path(__file__).parent / "cards"


class Counts(NamedTuple):
    """A detector's counts on the texts of one model; see `Card`."""

    positives: int
    true_positives: int
    negatives: int
    true_negatives: int


@dataclass(frozen=True, slots=True)
class Card:
    """Counts of one detector (or of one kind of its findings) on one labelled set."""

    detector: str
    version: str
    """The version of the detector that was measured."""
    kind: str | None
    """The kind of finding that was measured, or the slice of data (`look-alikes`); None for all."""
    data: str
    """The labelled set: name and part."""
    sha256: str | None
    """SHA-256 of the data."""
    licence: str
    positives: int
    """Number of texts with a positive label and a verdict other than `cannot_tell`."""
    true_positives: int
    negatives: int
    """Number of texts with a negative label and a verdict other than `cannot_tell`."""
    true_negatives: int
    cannot_tell: int = 0
    """Number of texts with the verdict `cannot_tell`; they are in none of the counts above."""
    notes: str = ""
    """How the data were selected, and what the numbers do not cover."""
    by_model: dict[str, Counts] = field(default_factory=dict)
    """The same counts by the model that wrote the texts; empty unless the texts are known to be of several models. A rate is
    corrected only if these counts show how the detector's errors vary between models."""

    @property
    def sensitivity(self) -> float | None:
        """Share of the positives that it finds; None without positives."""
        return self.true_positives / self.positives if self.positives else None

    @property
    def specificity(self) -> float | None:
        """Share of the negatives without a finding; None without negatives."""
        return self.true_negatives / self.negatives if self.negatives else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and sensitivity."""
        wrong = self.negatives - self.true_negatives + self.positives - self.true_positives
        total = 2 * self.true_positives + wrong
        return 2 * self.true_positives / total if total else None

    def sensitivity_interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Interval of the sensitivity; models are clusters of their texts if the card has counts by model. None if there is none."""
        return self._interval(0, level)

    def specificity_interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Interval of the specificity; see `sensitivity_interval`."""
        return self._interval(2, level)

    def _interval(self, at: int, level: float) -> tuple[float, float] | None:
        """Interval of the rate whose number of texts is field `at` of `Counts`, followed by the number of correct ones."""
        whole = Counts(self.positives, self.true_positives, self.negatives, self.true_negatives)
        clusters: list[str | None] = []
        right: list[NDArray[np.float64]] = [np.zeros(0)]
        of_models: list[tuple[str | None, Counts]] = [*self.by_model.items()]
        for model, counts in of_models or [(None, whole)]:
            clusters += [model] * counts[at]
            right += [np.ones(counts[at + 1]), np.zeros(counts[at] - counts[at + 1])]
        values = np.concatenate(right)
        rows = np.column_stack([values, np.ones(len(values))])
        made = estimate(SHARE, rows, clusters, missing=0, ties=0, seed=0, level=level)
        return None if made.low is None or made.high is None else (made.low, made.high)


def measure(
    detector: Detector,
    labelled: Iterable[tuple[str, bool]],
    *,
    data: str,
    licence: str,
    sha256: str | None = None,
    kind: str | None = None,
    part: str | None = None,
    notes: str = "",
    models: Sequence[str] = (),
) -> Card:
    """The card of `detector` on texts with labels (True: the text has something to find, of `kind` if one is named). `part`: the name
    of a slice of the data, which replaces the kind: all kinds count, and the card is stored under that name. `models`: the model
    that wrote each text, if known."""
    counts = {(label, found): 0 for label in (True, False) for found in (True, False)}
    judged: list[tuple[str, bool, bool]] = []
    silent = 0
    for at, (text, label) in enumerate(labelled):
        verdict = detector.detect(text)
        if verdict.state == "cannot_tell":
            silent += 1
            continue
        found = any(kind is None or finding.kind == kind for finding in verdict.findings)
        counts[label, found] += 1
        if models:
            judged.append((models[at], found, label))
    return Card(
        detector=detector.name,
        version=detector.version,
        kind=part or kind,
        data=data,
        sha256=sha256,
        licence=licence,
        positives=counts[True, True] + counts[True, False],
        true_positives=counts[True, True],
        negatives=counts[False, True] + counts[False, False],
        true_negatives=counts[False, False],
        cannot_tell=silent,
        notes=notes,
        by_model=by_model(judged),
    )


def by_model(judged: Iterable[tuple[str, bool, bool]]) -> dict[str, Counts]:
    """Counts by model from (model, found, label) of each text, in the order of first occurrence."""
    counts: dict[str, list[int]] = {}
    for model, found, label in judged:
        own = counts.setdefault(model, [0, 0, 0, 0])
        own[0 if label else 2] += 1
        own[1 if label else 3] += found == label
    return {model: Counts(*own) for model, own in counts.items()}


def write_card(card: Card, folder: Path = FOLDER) -> Path:
    """Writes the card's file and returns its path."""
    path = folder / f"{_file_name(card.detector, card.kind)}.json"
    content = asdict(card)
    if not card.by_model:
        del content["by_model"]
    # For lists of cards, which then need no statistics.
    content["intervals"] = {
        "sensitivity": card.sensitivity_interval(),
        "specificity": card.specificity_interval(),
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def load_card(detector: str, kind: str | None = None, folder: Path = FOLDER) -> Card:
    """The card of a detector, or of one kind of its findings. Raises `UserError` if there is none."""
    path = folder / f"{_file_name(detector, kind)}.json"
    try:
        return _card(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"the detector {detector!r} has no card{f' for {kind!r}' if kind else ''}: measure it on labelled data "
            "(lsm_eval.detectors.card.measure) before a rate is corrected by it."
        ) from error


def cards(folder: Path = FOLDER) -> list[Card]:
    """All cards, sorted by detector and kind; the card over all kinds comes first."""
    found = [_card(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return sorted(found, key=lambda card: (card.detector, card.kind or ""))


def _card(text: str) -> Card:
    content: dict[str, Any] = json.loads(text)
    models = content.pop("by_model", {})
    content.pop("intervals", None)  # they are computed anew where they are asked for
    return Card(**content, by_model={model: Counts(*counts) for model, counts in models.items()})


def _file_name(detector: str, kind: str | None) -> str:
    return detector if kind is None else f"{detector}.{kind}"
