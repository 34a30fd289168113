"""Detectors by name, their cards' table, and what other packages add."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from lsm_eval.detectors import registry
from lsm_eval.detectors.base import Detector
from lsm_eval.detectors.card import Card, Counts, cards
from lsm_eval.detectors.card_table import replaced, table
from lsm_eval.detectors.listed import listed_detectors
from lsm_eval.errors import UserError
from lsm_eval.statistics.intervals import proportion_interval

ANY_TEXT = ("abstention", "pii", "refusal", "sentiment_lexical", "toxicity_lexical")


@pytest.fixture(autouse=True)
def forget() -> None:
    """Packages come and go in these tests."""
    registry.load.cache_clear()


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_built_in_name_leads_to_a_class_of_that_name(name: str) -> None:
    module, _, attribute = registry.BUILT_IN[name].factory.partition(":")
    assert getattr(import_module(module), attribute).name == name


@pytest.mark.parametrize("name", [name for name, entry in registry.BUILT_IN.items() if entry.version])
def test_a_version_that_is_listed_is_the_detectors(name: str) -> None:
    assert registry.version(name) == registry.load(name).version


@pytest.mark.parametrize("name", ANY_TEXT)
def test_detectors_of_texts_have_three_states(name: str) -> None:
    detector = registry.load(name)
    assert isinstance(detector, Detector)
    assert registry.load(name) is detector
    assert detector.detect("").state == "cannot_tell"
    assert detector.detect("").why
    verdict = detector.detect("The capital of France is Paris.")
    assert verdict.state in ("finding", "none")
    assert bool(verdict.findings) == (verdict.state == "finding")


def test_listing_loads_no_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lsm_eval.detectors.refusal", raising=False)
    assert "refusal" in registry.describe()
    assert "lsm_eval.detectors.refusal" not in sys.modules


def test_an_unknown_name_is_met_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'toxicity_lexical'"):
        registry.load("toxicity_lexicon")


def package(site: Path, entry: str, code: str) -> None:
    info = site / "more_detectors-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more-detectors\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{entry}\n")
    (site / "more_detectors.py").write_text(code)


OTHER = """
from lsm_eval.detectors.base import NOTHING, Finding, Verdict
class Shouting:
    name, version = "shouting", "3"
    def detect(self, text):
        return Verdict("finding", (Finding("shout", 0, len(text)),)) if text.isupper() else NOTHING
class Nothing:
    pass
"""


@pytest.fixture
def no_more_detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "more_detectors", raising=False)


@pytest.mark.usefixtures("no_more_detectors")
def test_another_packages_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "shouting = more_detectors:Shouting", OTHER)
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.describe()["shouting"].origin == "more-detectors"
    assert registry.load("shouting").detect("AH").state == "finding"
    assert registry.version("shouting") == "3"


@pytest.mark.usefixtures("no_more_detectors")
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("broken = more_detectors:Nothing", "is no callable that makes a Detector"),
        ("broken = more_detectors:Missing", "could not be loaded"),
        ("refusal = more_detectors:Shouting", "'refusal' is built in, and the package more-detectors"),
    ],
)
def test_another_packages_fault_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, message: str
) -> None:
    package(tmp_path, entry, OTHER)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=message):
        registry.load(entry.partition(" ")[0])


def test_the_pages_table_is_made_from_the_cards(repo: Path) -> None:
    page = (repo / "docs" / "detectors.md").read_text(encoding="utf-8")
    assert replaced(page, cards()) == page, "run benchmarks/cards.py --write"
    with pytest.raises(ValueError, match="cards: begin"):
        replaced("no marks", cards())


def test_the_table_shows_counts_intervals_and_what_is_lacking() -> None:
    card = Card("d", "2", None, "some texts", None, "MIT", 100, 90, 0, 0, cannot_tell=7)
    row = table([card]).splitlines()[-1]
    assert row == "| d | 2 | all | 0.900 (0.826 to 0.949, n 100) | - | 0.947 | 7 | some texts |"


def test_a_cards_interval_is_that_of_any_share() -> None:
    for right, texts in ((90, 100), (3, 4), (0, 2), (7, 7)):
        card = Card("d", "2", None, "texts", None, "MIT", texts, right, texts, right)
        wanted = proportion_interval(right, texts, 0.95)[1]
        assert card.sensitivity_interval() == pytest.approx(wanted)
        assert card.specificity_interval() == pytest.approx(wanted)


def test_models_are_clusters_of_their_texts_on_a_card() -> None:
    unlike = [50, 45, 20, 48, 49]
    five = {f"m{at}": Counts(50, right, 0, 0) for at, right in enumerate(unlike)}
    card = Card("d", "2", None, "texts", None, "MIT", 250, 212, 0, 0, by_model=five)
    low, high = card.sensitivity_interval() or (0.0, 0.0)
    assert low < 0.6
    assert high > 0.93
    assert card.specificity_interval() is None
    del five["m0"]
    four = Card("d", "2", None, "texts", None, "MIT", 200, 162, 0, 0, by_model=five)
    assert four.sensitivity_interval() is None
    assert "| 0.810 (no interval, n 200) | - |" in table([four])


@pytest.mark.parametrize("card", cards(), ids=lambda card: f"{card.detector}.{card.kind}")
def test_every_card_says_where_it_comes_from(card: Card) -> None:
    assert card.data
    assert card.licence
    assert card.notes
    assert card.sha256 is not None
    assert len(card.sha256) == 64
    assert 0 <= card.true_positives <= card.positives
    assert 0 <= card.true_negatives <= card.negatives
    if card.detector != "presidio":
        assert card.version == registry.version(card.detector), "measure it anew"


@pytest.mark.parametrize("card", cards(), ids=lambda card: f"{card.detector}.{card.kind}")
def test_the_intervals_in_a_cards_file_are_those_of_its_counts(card: Card) -> None:
    row = next(
        row for row in listed_detectors() if (row["detector"], row["kind"]) == (card.detector, card.kind)
    )
    for rate, made in (
        ("sensitivity", card.sensitivity_interval()),
        ("specificity", card.specificity_interval()),
    ):
        kept = row[f"{rate}_interval"]
        assert (None if kept is None else tuple(kept)) == (
            None if made is None else pytest.approx(made, rel=1e-9)
        ), "write_card(load_card(...)) renews the file"
    assert (row["sensitivity"], row["specificity"]) == (card.sensitivity, card.specificity)
