"""The groundedness score: its definition by hand, people's judgements of QAGS and XSum, and the cards made from them."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.benchmarks.hallucination.qags_consistency import sentences as qags
from lsm_eval.detectors.base import Detector
from lsm_eval.detectors.card import load_card
from lsm_eval.detectors.groundedness import (
    Groundedness,
    SourcedDetector,
    coverage,
    density,
    extractive_fragments,
    kgram_precision,
    tokens,
)
from lsm_eval.detectors.groundedness_people import (
    MEASURED,
    QAGS_SHA256,
    THRESHOLDS,
    Labelled,
    agreement,
    card_kind,
    frank_articles,
    qags_cards,
    qags_labelled,
    xsum_cards,
    xsum_factual,
    xsum_labelled,
)
from lsm_eval.errors import UserError
from lsm_eval.statistics.auroc import auroc

Rows = list[dict[str, Any]]
SOURCE = "The cat sat on the mat, and the dog slept by the door."


@pytest.fixture(scope="module")
def judged(data_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("qags")
    paths = []
    for name in MEASURED:
        content = gzip.decompress((data_files / "qags" / f"mturk_{name}.jsonl.gz").read_bytes())
        paths.append(folder / f"{name}.jsonl")
        paths[-1].write_bytes(content)
    rows: Rows = qags.rows(paths, list(MEASURED))
    return rows


def test_precision_by_hand() -> None:
    assert kgram_precision("The cat slept.", SOURCE, 1) == 1.0
    assert kgram_precision("The cat slept.", SOURCE, 2) == 0.5
    assert kgram_precision("The cat slept.", SOURCE, 3) == 0.0
    assert kgram_precision("A cat, a cat", SOURCE, 1) == 0.5, "repeats count each time"
    assert kgram_precision("cat", SOURCE, 2) is None
    assert kgram_precision("…", SOURCE, 1) is None
    assert kgram_precision("cat", "", 1) == 0.0


def test_fragments_by_hand() -> None:
    # "the cat" is taken whole, "ate" occurs nowhere, and "by the door" is the longest run from there.
    text = "The cat ate by the door"
    assert extractive_fragments(text, SOURCE) == (2, 3)
    assert coverage(text, SOURCE) == pytest.approx(5 / 6)
    assert density(text, SOURCE) == pytest.approx((4 + 9) / 6)
    assert coverage("", SOURCE) is None
    assert density("!", SOURCE) is None


def test_words_of_other_scripts() -> None:
    assert tokens("Café: 3 o'clock") == ["caf", "3", "o", "clock"]
    assert tokens("今天GPU很热") == ["今", "天", "gpu", "很", "热"]
    assert tokens("Кошка спит") == ["кошка", "спит"]


def test_three_answers() -> None:
    detector = Groundedness(k=2, threshold=0.6)
    assert detector.detect("The cat sat.", SOURCE).state == "none"
    verdict = detector.detect("The cat slept.", SOURCE)
    assert verdict.state == "finding"
    assert verdict.score == 0.5
    assert [(f.kind, f.start, f.end) for f in verdict.findings] == [("ungrounded", 0, 14)]
    assert detector.detect("Cat", SOURCE).state == "cannot_tell"
    assert Groundedness(k=2, threshold=0.6, source=SOURCE).detect("The cat slept.") == verdict
    assert isinstance(detector, SourcedDetector)
    assert isinstance(detector, Detector)


def test_mistakes_are_told() -> None:
    with pytest.raises(UserError, match="was given none"):
        Groundedness().detect("The cat sat.")
    with pytest.raises(UserError, match="threshold above 0"):
        Groundedness(threshold=0)


def test_qags_counts_are_those_of_the_golden_file(judged: Rows, golden: Path) -> None:
    expected = json.loads((golden / "qags" / "expected.json").read_text())
    for row in expected["counts"]:
        own = [item for item in judged if item["set"] == row["set"]]
        assert len(own) == row["sentences"]
        assert len({item["document"] for item in own}) == row["documents"]
        assert sum(item["consistent"] for item in own) == row["consistent"]


def test_auroc_on_qags_is_the_golden_one(judged: Rows, golden: Path) -> None:
    expected = json.loads((golden / "qags" / "expected.json").read_text())["expected"]
    assert len(expected) == 12
    for row in expected:
        labelled = qags_labelled(judged, row["set"])
        if row["score"][1:] == "gram_precision":
            found = agreement(labelled, int(row["score"][0]))
        else:
            score = {"coverage": coverage, "density": density}[row["score"]]
            found = auroc(
                [score(item.text, item.source) or 0.0 for item in labelled],
                [item.consistent for item in labelled],
            )
        assert found == pytest.approx(row["value"], abs=row["tolerance"]), (row["set"], row["score"])


def test_the_traps_are_not_met(judged: Rows) -> None:
    """What common mistakes give: another n, the share of distinct k-grams, k-grams of cased words, any yes as yes."""
    right = {name: agreement(qags_labelled(judged, name), k) for name, k in MEASURED.items()}
    assert right == pytest.approx({"cnndm": 0.8491, "xsum": 0.6794}, abs=5e-4)
    swapped = {name: agreement(qags_labelled(judged, name), 4 - k) for name, k in MEASURED.items()}
    assert all(abs(swapped[name] - right[name]) > 0.05 for name in right)
    for name, k in MEASURED.items():
        labelled = qags_labelled(judged, name)
        cased = []
        for item in labelled:
            given, words = item.source.split(), item.text.split()
            known = {tuple(given[i : i + k]) for i in range(len(given))}
            grams = [tuple(words[i : i + k]) for i in range(len(words) - k + 1)]
            cased.append(sum(gram in known for gram in grams) / len(grams) if grams else 0.0)
        assert abs(auroc(cased, [item.consistent for item in labelled]) - right[name]) > 2e-3
        turned = [Labelled(item.source, item.text, item.consistent) for item in labelled]
        assert abs(agreement(turned, k) - right[name]) > 0.02, "recall of the source instead of precision"


def test_cards_are_what_the_labels_give(judged: Rows) -> None:
    made = qags_cards(judged)
    assert len(made) == len(MEASURED) * len(THRESHOLDS)
    for card in made:
        assert load_card("groundedness", card.kind) == card
        assert card.version == Groundedness.version
    short = {card.cannot_tell for card in made if (card.kind or "").startswith("cnndm")}
    assert short == {1}, "one sentence of two words"
    # A higher threshold finds more and leaves less alone.
    for name, k in MEASURED.items():
        own = [load_card("groundedness", card_kind(name, k, threshold)) for threshold in THRESHOLDS]
        finds = [card.true_positives for card in own]
        leaves = [card.true_negatives for card in own]
        assert finds == sorted(finds)
        assert leaves == sorted(leaves, reverse=True)
        assert finds[0] < finds[-1]


def test_hashes_name_the_files_that_were_read(data_files: Path) -> None:
    manifest = json.loads((data_files / "MANIFEST.json").read_text())
    files = {file["path"]: file for entry in manifest for file in entry["files"]}
    for name, digest in QAGS_SHA256.items():
        assert files[f"qags/mturk_{name}.jsonl.gz"]["uncompressed_sha256"] == digest


def _xsum(hub_mirror: Path, config: str) -> Rows:
    import pyarrow.parquet as pq

    path = hub_mirror / "google-research-datasets" / "xsum_factuality" / config / "train.parquet"
    rows: Rows = pq.read_table(path).to_pylist()
    return rows


def test_votes_of_xsums_annotators_are_counted_by_person(hub_mirror: Path) -> None:
    rows = _xsum(hub_mirror, "xsum_faithfulness")
    anything = {str(row["bbcid"]): "an article" for row in rows}
    labelled = xsum_labelled(rows, anything, gold=True)
    assert len(labelled) == 2500
    assert Counter(item.consistent for item in labelled) == {False: 2245, True: 255}
    models = xsum_labelled(rows, anything)
    assert len(models) == 2000, "without the references"
    references = 500 - (255 - sum(item.consistent for item in models))
    assert references / 500 == pytest.approx(0.862), "marked by a majority"
    # Counting marked spans instead of people, a summary with two spans by one of three would have a majority.
    factual = xsum_factual(_xsum(hub_mirror, "xsum_factuality"), anything)
    assert Counter(item.consistent for item in factual) == {False: 1673, True: 185}


def test_agreement_with_xsums_annotators(hub_mirror: Path) -> None:
    """Needs the articles, of which the mirror's thousand has none: the folder that `FRANK_SOURCE` names."""
    if "LSM_EVAL_FRANK" not in os.environ:
        pytest.skip("needs LSM_EVAL_FRANK, a folder of the annotated articles (docs/groundedness.md)")
    articles = frank_articles(Path(os.environ["LSM_EVAL_FRANK"]))
    rows = _xsum(hub_mirror, "xsum_faithfulness")
    labelled = xsum_labelled(rows, articles)
    assert (len(articles), len(labelled)) == (251, 1004)
    assert [agreement(labelled, k) for k in (1, 2, 3, 4)] == pytest.approx(
        [0.7571, 0.7059, 0.6787, 0.6223], abs=5e-4
    )
    factual = xsum_factual(_xsum(hub_mirror, "xsum_factuality"), articles)
    assert [agreement(factual, k) for k in (1, 2, 3, 4)] == pytest.approx(
        [0.5303, 0.4895, 0.4917, 0.4809], abs=5e-4
    )
    for card in xsum_cards(rows, articles):
        assert load_card("groundedness", card.kind) == card
