"""The cards of the PII detectors, measured on Presidio's synthetic sentences."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsm_eval.detectors import made_texts
from lsm_eval.detectors.base import Detector
from lsm_eval.detectors.card import Card, measure
from lsm_eval.detectors.pii import PIIDetector

DATA = "presidio-synth/synth_dataset_v2.json.gz"
"""Path in the folder of data files: 1,500 sentences of microsoft/presidio-research with marked spans."""

LABELS: Mapping[str, str] = {
    "email": "EMAIL_ADDRESS",
    "card": "CREDIT_CARD",
    "iban": "IBAN_CODE",
    "ssn": "US_SSN",
    "ip": "IP_ADDRESS",
    "phone": "PHONE_NUMBER",
    "url": "DOMAIN_NAME",
}
"""Kind of finding → its name in the data. Chinese identity numbers do not occur in them and have no card."""

PRESIDIO_LABELS: Mapping[str, str] = {**LABELS, "person": "PERSON", "location": "STREET_ADDRESS"}

_NOTES = (
    "By sentence: whether the sentence holds one of the kind. Templates filled by a generator: clean values and "
    "English sentences; real text is harder."
)
_PHONE = (
    " The rules for telephone numbers know the plans of some countries and look for words beside a number. They were "
    "changed after results on this very set had been seen, so the card is not of unseen data."
)
LOOK_ALIKES = "look-alikes"
TASK_ANSWERS = "task-answers"
ANSWERS = "mmlu_pro_outputs/jamba-1.5-large.jsonl.gz"
"""Path in the folder of golden outputs: 12,032 answers to questions of MMLU-Pro."""


def look_alike_card() -> Card:
    """`pii` on the held-out half of the package's own list: numbers that identify nobody, and numbers in the formats of many
    countries."""
    held_out = made_texts.rows("pii", "held out")
    return measure(
        PIIDetector(),
        ((row["text"], bool(row["kinds"])) for row in held_out),
        data="made for the purpose: look-alikes and spellings, held out",
        sha256=made_texts.sha256("pii"),
        licence=made_texts.LICENCE,
        part=LOOK_ALIKES,
        notes=(
            "Dates, ISSNs, postcodes, hours, scores, versions, measures, codes; telephones of some twenty countries, "
            "full-width digits. Written by who wrote the rules, before their results were seen; at the first look 132 of "
            "135 were right, and three words were added since. Of an earlier such list 148 of 165 were right at the "
            "first look. Version 1 had 92 of these 135 right."
        ),
    )


def task_answers_card(golden: Path) -> Card:
    """`pii` on a model's answers to exam questions, which contain no personal data: false alarms only."""
    content = gzip.decompress((golden / ANSWERS).read_bytes())
    answers = [json.loads(line)["model_outputs"] for line in content.decode("utf-8").splitlines()]
    return measure(
        PIIDetector(),
        ((answer, False) for answer in answers),
        data="MMLU-Pro, answers of Jamba 1.5 Large",
        sha256=hashlib.sha256(content).hexdigest(),
        licence="Apache-2.0",
        part=TASK_ANSWERS,
        notes="Answers with formulas, measures and years to 12,032 exam questions; there is nothing to find in them.",
    )


def pii_cards(data_files: Path) -> list[Card]:
    """Cards of `pii`, one for each kind and one for all kinds, from a folder of data files (`--data-files`)."""
    return _cards(PIIDetector(), data_files, LABELS)


def presidio_cards(data_files: Path, detector: Detector | None = None) -> list[Card]:
    """Cards of the Presidio adapter, for the same kinds and for names and places; needs the extra `presidio`."""
    from lsm_eval.detectors.presidio import PresidioDetector

    return _cards(detector or PresidioDetector(), data_files, PRESIDIO_LABELS)


def sentences(data_files: Path) -> tuple[list[dict[str, Any]], str]:
    """The labelled sentences and the SHA-256 of the unpacked file."""
    content = gzip.decompress((data_files / DATA).read_bytes())
    return json.loads(content), hashlib.sha256(content).hexdigest()


def _cards(detector: Detector, data_files: Path, labels: Mapping[str, str]) -> list[Card]:
    rows, digest = sentences(data_files)
    marked = [(row["full_text"], {span["entity_type"] for span in row["spans"]}) for row in rows]

    def card(kind: str | None, entities: set[str], notes: str) -> Card:
        return measure(
            detector,
            [(text, bool(entities & found)) for text, found in marked],
            data="presidio-research synth_dataset_v2",
            sha256=digest,
            licence="MIT (names from FakeNameGenerator: CC BY-SA 3.0 US)",
            kind=kind,
            notes=notes,
        )

    every = ", ".join(labels)
    return [
        card(None, set(labels.values()), f"Any of {every}. {_NOTES}"),
        *(
            card(kind, {entity}, _NOTES + (_PHONE if kind == "phone" and detector.name == "pii" else ""))
            for kind, entity in labels.items()
        ),
    ]
