"""Copies are found, whatever a few edits do to them; what two texts do not share is not."""

from __future__ import annotations

import random
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsm_eval.detectors.card import load_card
from lsm_eval.detectors.copying import (
    Copying,
    common_runs,
    edit_distance,
    edit_similarity,
    longest_run,
    verbatim_prefix,
    words,
)
from lsm_eval.detectors.copying_cards import EDITS, copying_card, edited
from lsm_eval.errors import UserError

SHORT = st.text("abc", max_size=12)
SOURCE = "It was a bright cold day in April, and the clocks were striking thirteen as he went home."


def slow_distance(one: str, other: str) -> int:
    if not one or not other:
        return len(one) + len(other)
    return min(
        slow_distance(one[1:], other) + 1,
        slow_distance(one, other[1:]) + 1,
        slow_distance(one[1:], other[1:]) + (one[0] != other[0]),
    )


@given(st.text("ab", max_size=5), st.text("ab", max_size=5))
def test_edit_distance_is_the_definition(one: str, other: str) -> None:
    assert edit_distance(one, other) == slow_distance(one, other)


def test_edit_distances_that_everybody_knows() -> None:
    assert edit_distance("kitten", "sitting") == 3
    assert edit_similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert (edit_similarity("", ""), edit_similarity("a", ""), edit_similarity("same", "same")) == (1, 0, 1)


@given(SHORT, SHORT)
def test_longest_run_is_difflibs(one: str, other: str) -> None:
    found = longest_run(one, other)
    expected = SequenceMatcher(None, one, other, autojunk=False).find_longest_match().size
    assert found.length == expected
    assert one[found.start : found.start + found.length] == other[found.other : found.other + found.length]


@given(SHORT, SHORT, st.integers(1, 4))
def test_common_runs_stand_in_both_and_do_not_overlap(one: str, other: str, least: int) -> None:
    end = 0
    for run in common_runs(one, other, least):
        assert run.length >= least
        assert run.start >= end
        assert one[run.start : run.start + run.length] == other[run.other : run.other + run.length]
        end = run.start + run.length
    assert bool(common_runs(one, other, least)) == (longest_run(one, other).length >= least)


def test_verbatim_prefix() -> None:
    assert verbatim_prefix("abcd", "abxd") == 2
    assert verbatim_prefix("ab", "abcd") == 2
    assert verbatim_prefix("", "abcd") == 0


def test_case_and_punctuation_hide_nothing() -> None:
    text = "He said: it was a BRIGHT, cold day; in April - and then he left."
    verdict = Copying(source=SOURCE).detect(text)
    assert verdict.state == "finding"
    (found,) = verdict.findings
    assert text[found.start : found.end] == "it was a BRIGHT, cold day; in April - and"
    assert verdict.score == pytest.approx(9 / len(words(text)))


def test_seven_words_are_too_few_and_short_texts_cannot_be_told() -> None:
    copying = Copying()
    assert copying.detect("we know it was a bright cold day and then it rained", SOURCE).state == "none"
    assert copying.detect("a bright day", SOURCE).state == "cannot_tell"
    assert copying.detect("", SOURCE).state == "cannot_tell"
    assert copying.detect("a bright cold day", SOURCE).state == "finding", "all of it, in a row"
    assert copying.detect("a text of quite a few words but no source", "").state == "cannot_tell"


def test_chinese_is_read_a_character_at_a_time() -> None:
    source = "人之初，性本善。性相近，习相远。苟不教，性乃迁。"
    assert Copying(source=source).detect("书上说性本善性相近习相远如此").state == "finding"
    assert Copying(source=source).detect("今天天气很好我们一起去公园玩").state == "none"


def test_it_needs_a_source() -> None:
    with pytest.raises(UserError, match="given none"):
        Copying().detect("some words that came from somewhere else")
    with pytest.raises(UserError, match="least"):
        Copying(words=3, least=4)


def test_edits_are_as_many_as_asked_for() -> None:
    text = [f"w{number}" for number in range(60)]
    for rate in EDITS:
        kept = set(edited(text, ["other"], rate, random.Random(1)))
        assert len(set(text) - kept) <= round(rate * 60)
    assert edited(text, ["other"], 0.0, random.Random(1)) == text


def test_the_card_is_what_the_detector_does(hub_mirror: Path) -> None:
    import pyarrow.parquet as pq

    path = hub_mirror / "karpathy/tiny_shakespeare/default/train.parquet"
    text = pq.read_table(path).column("text")[0].as_py()
    card = copying_card(text)
    assert card == load_card("copying")
    assert (card.positives, card.negatives, card.cannot_tell) == (400, 400, 0)
    assert card.sensitivity is not None
    assert card.sensitivity > 0.95
    assert card.specificity == 1.0
