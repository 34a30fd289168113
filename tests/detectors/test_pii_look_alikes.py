"""Numbers that nobody dials, and numbers that people do, in the spellings of many countries."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsm_eval.detectors import made_texts
from lsm_eval.detectors.card import load_card
from lsm_eval.detectors.pii import PIIDetector
from lsm_eval.detectors.pii_cards import LOOK_ALIKES, TASK_ANSWERS, look_alike_card, task_answers_card
from lsm_eval.detectors.pii_context import around
from lsm_eval.detectors.pii_plans import chinese_mobile, international, north_american, trunk

DETECTOR = PIIDetector()


def kinds(text: str) -> list[str]:
    return [finding.kind for finding in DETECTOR.detect(text).findings]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Email: anna [at] example [dot] com", ["email"]),
        ("anna(at)example.com", ["email"]),
        ("my email is anna at example dot com", ["email"]),
        ("We met at example dot org last year", []),
        ("info@m\u00fcller-s\u00f6hne.example", ["email"]),
        ("j.o'neil@example.org", ["email"]),
        ("SSN 123456789", ["ssn"]),
        ("Serial 123456789", []),
        ("Call the function with f(1234567890).", []),
    ],
)
def test_addresses_in_words_and_numbers_by_their_name(text: str, found: list[str]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "row", made_texts.rows("pii", "development"), ids=lambda row: str(row["text"])[:30].encode("ascii", "replace").decode()
)  # fmt: skip
def test_made_texts_of_the_development_half(row: dict[str, object]) -> None:
    assert sorted(set(kinds(str(row["text"]))) - {"url"}) == row["kinds"]


def test_the_held_out_half_is_what_the_card_says() -> None:
    card = look_alike_card()
    assert card == load_card("pii", LOOK_ALIKES)
    assert card.specificity is not None
    assert card.specificity > 0.95
    assert card.sensitivity is not None
    assert card.sensitivity > 0.95


@pytest.mark.slow
def test_answers_to_exam_questions_hold_no_data(golden: Path) -> None:
    card = task_answers_card(golden)
    assert card == load_card("pii", TASK_ANSWERS)
    assert card.true_negatives == card.negatives == 12_032


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("电话：（０１０）１２３４５６７８。", "（０１０）１２３４５６７８"),
        ("手机１３８０００００１２３", "１３８０００００１２３"),
        ("Call 020 7946 0000, please", "020 7946 0000"),
        ("(0161) 496 0000 x12", "(0161) 496 0000 x12"),
        ("+49 (0)30 23125 111", "+49 (0)30 23125 111"),
    ],
)
def test_offsets_are_those_of_the_text(text: str, found: str) -> None:
    (finding,) = DETECTOR.detect(text).findings
    assert (finding.kind, text[finding.start : finding.end]) == ("phone", found)


def test_the_nearest_word_decides() -> None:
    assert kinds("order line, phone 212 555 0100") == ["phone"]
    assert kinds("phone order 020 7946 0000") == []
    assert kinds("phones for sale, sizes 212 555 0100") == []
    text = "Phone: 212 555 0100 or 212 555 0101"
    assert kinds(text) == ["phone", "phone"]
    assert around(text, 7, 19) == "phone"


def test_numbering_plans() -> None:
    assert north_american("2125550100")
    assert north_american("12125550100")
    assert not any(map(north_american, ("1002003000", "2121550100", "9115550100", "3005550100", "212555010")))
    assert international("442079460000")
    assert international("390612345678")
    assert not any(map(international, ("440020794600", "9991234567", "1200555010", "33099001234")))
    assert chinese_mobile("13800000123")
    assert not chinese_mobile("12345678901")
    assert trunk(["020", "7946", "0000"], " ")
    assert not trunk(["0930", "1045", "1200"], " ")
    assert not trunk(["02134", "1234"], "-")
