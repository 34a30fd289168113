"""`lsm-eval list detectors`: how often each is right, from its cards."""

from __future__ import annotations

import json

import pytest
from command_line import call

from lsm_eval.detectors.card import cards, load_card


def test_the_table_shows_rates_with_intervals_and_their_data() -> None:
    done = call("list", "detectors")
    assert done.code == 0, done.err
    lines: dict[tuple[str, ...], str] = {}
    for line in done.out.splitlines():
        lines.setdefault(tuple(line.split()[:2]), line)  # the first is the card over all kinds
    card = load_card("refusal")
    assert f"{card.sensitivity:.3f} (" in lines["refusal", card.version]
    assert f"{card.specificity:.3f} (" in lines["refusal", card.version]
    assert card.data in lines["refusal", card.version]
    assert "no card" in lines["abstention", "2"]


def test_json_has_every_card_with_counts() -> None:
    done = call("list", "detectors", "--json")
    rows = json.loads(done.out)
    assert {(card.detector, card.kind) for card in cards()} <= {(r["detector"], r["kind"]) for r in rows}
    assert len({frozenset(row) for row in rows}) == 1, "every row has every key"
    row = next(row for row in rows if row["detector"] == "refusal")
    card = load_card("refusal")
    assert row["sensitivity"] == card.sensitivity
    assert tuple(row["specificity_interval"]) == pytest.approx(card.specificity_interval(), rel=1e-9)
    assert (row["positives"], row["negatives"]) == (card.positives, card.negatives)
    assert row["finds"]
