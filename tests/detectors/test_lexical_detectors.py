"""Word lists: what they find, what they leave alone, what they cannot tell, and their cards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("better_profanity", reason="needs the extra `bias`")
pytest.importorskip("vaderSentiment", reason="needs the extra `bias`")

from lsm_eval.detectors import lexical_toxicity
from lsm_eval.detectors.base import Detector, Verdict
from lsm_eval.detectors.card import load_card
from lsm_eval.detectors.lexical_cards import MODERATION, toxic, toxicity_card
from lsm_eval.detectors.lexical_toxicity import LexicalToxicity
from lsm_eval.detectors.sentiment_lexical import SentimentLexical
from lsm_eval.errors import UserError

# Mild words of the list, so that no other need stand here.
MILD = "crap"


def detect(text: str) -> Verdict:
    return LexicalToxicity().detect(text)


def found(text: str) -> list[str]:
    return [text[finding.start : finding.end] for finding in detect(text).findings]


def test_both_are_detectors() -> None:
    assert isinstance(LexicalToxicity(), Detector)
    assert isinstance(SentimentLexical(), Detector)
    assert (LexicalToxicity().name, SentimentLexical().name) == ("toxicity_lexical", "sentiment_lexical")


@pytest.mark.parametrize(
    "word", ["crap", "CRAP", "cr4p", "cr@p", "craaaap", "ｃｒａｐ", "cr*p", "c**p", "craps", "crap's"]
)
def test_spellings_of_a_word(word: str) -> None:
    text = f"What {word}, he said."
    assert found(text) == [word]
    assert detect(text).score == pytest.approx(0.25)
    assert {finding.kind for finding in detect(text).findings} == {"abusive_word"}


@pytest.mark.parametrize(
    "text",
    [
        "The gay couple prayed to God and went to the hospital for a breast screening.",
        "Scraps of paper; a scrap; the carp swims.",
        "5 * 4 * 3 = 60, **bold** and c*** are no words, nor is c*.",
        "We met Crap there.",
        "The class assembled at the bass concert in Scunthorpe.",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert detect(text).state == "none"
    assert detect(text).score == 0.0


def test_a_name_inside_a_sentence_is_no_abuse_and_at_its_start_is_read_as_a_word() -> None:
    assert found("He saw Crap again. Crap happens. CRAP!") == ["Crap", "CRAP"]


def test_a_phrase_is_one_finding() -> None:
    text = "They went to a strip club, they say."
    assert found(text) == ["strip club"]
    assert detect(text).score == pytest.approx(2 / 8)


@pytest.mark.parametrize(
    ("text", "why"), [("", "no letters"), ("  12, 34 …", "no letters"), ("这是一句话", "another script")]
)
@pytest.mark.parametrize("detector", [LexicalToxicity(), SentimentLexical()])
def test_what_cannot_be_told(detector: Detector, text: str, why: str) -> None:
    assert detector.detect(text) == Verdict("cannot_tell", why=why)


def test_sentiment_by_kind_and_threshold() -> None:
    detector = SentimentLexical()
    verdicts = {
        text: detector.detect(text)
        for text in ("a great and lovely film", "a terrible, boring mess", "it is a film", "not a great film")
    }
    kinds = [v.findings[0].kind if v.findings else v.state for v in verdicts.values()]
    assert kinds == ["positive", "negative", "none", "negative"]
    scores = [v.score or 0 for v in verdicts.values()]
    assert scores[0] > 0.75 > scores[2] == 0.5 > 0.25 > scores[1]
    assert SentimentLexical(0.95).detect("a great and lovely film").state == "none"
    with pytest.raises(UserError, match="threshold"):
        SentimentLexical(0)


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    lexical_toxicity._lexicon.cache_clear()
    monkeypatch.setitem(sys.modules, "better_profanity", None)
    try:
        with pytest.raises(UserError, match="pip install better-profanity"):
            detect("any text")
    finally:
        lexical_toxicity._lexicon.cache_clear()


def test_the_toxicity_card_is_what_is_measured(hub_mirror: Path) -> None:
    if not (hub_mirror / MODERATION).is_file():
        pytest.skip("the mirror lacks the moderation set")
    card = load_card("toxicity_lexical")
    assert card == toxicity_card(hub_mirror)
    assert card.sensitivity == pytest.approx(0.615, abs=0.005)
    assert card.specificity == pytest.approx(0.81, abs=0.005)
    assert card.positives + card.negatives + card.cannot_tell < 1595


def test_labels_of_the_moderation_set() -> None:
    def row(**labels: int) -> dict[str, Any]:
        return {**dict.fromkeys(("S", "H", "V", "HR", "SH", "S3", "H2", "V2")), **labels}

    assert toxic(row(HR=1)) is True
    assert toxic(row(S=0, H=0, HR=0, V=1)) is False
    assert toxic(row(V=0, HR=0)) is None


def test_cards_of_sentiment_belong_to_this_version() -> None:
    for kind in ("negative", "positive"):
        card = load_card("sentiment_lexical", kind)
        assert card.version == SentimentLexical().version
        assert card.positives + card.negatives == 5190
        assert card.sensitivity is not None
        assert card.sensitivity < 0.5, "a weak detector, and its card says so"


def test_agreement_with_machine_labels_of_toxicity(hub_mirror: Path) -> None:
    """No card: the labels are a classifier's. Regression values, measured here."""
    import pyarrow.parquet as pq

    path = hub_mirror / "allenai/real-toxicity-prompts/default/train.parquet"
    if not path.is_file():
        pytest.skip("the mirror lacks RealToxicityPrompts")
    rows = [row["continuation"] for row in pq.read_table(path, columns=["continuation"]).to_pylist()]
    labelled = [
        (detect(row["text"]).state, row["toxicity"] >= 0.5) for row in rows if row["toxicity"] is not None
    ]
    hits = [state == "finding" for state, toxic_ in labelled if toxic_ and state != "cannot_tell"]
    quiet = [state == "none" for state, toxic_ in labelled if not toxic_ and state != "cannot_tell"]
    assert sum(hits) / len(hits) == pytest.approx(0.54, abs=0.01)
    assert sum(quiet) / len(quiet) == pytest.approx(0.99, abs=0.01)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Kill the process and its parent in Scunthorpe.", "none"),
        ("She graduated magna cum laude.", "none"),
        ("It was tit for tat.", "none"),
        ("The cock crowed at dawn.", "none"),
        ("Das Buch ist dick und schwer.", "cannot_tell"),
        ("El color negro es elegante.", "cannot_tell"),
        ("You damn fool!", "finding"),
    ],
)
def test_other_senses_and_other_languages(text: str, state: str) -> None:
    assert detect(text).state == state
