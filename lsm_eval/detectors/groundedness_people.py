"""Agreement of the groundedness score with human labels: AUROC and the detector's cards, from labelled data.

docs/groundedness.md describes how to regenerate the cards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.detectors.card import Card
from lsm_eval.detectors.groundedness import Groundedness, kgram_precision
from lsm_eval.statistics.auroc import auroc

THRESHOLDS = (0.5, 0.75, 0.9, 1.0)
"""Round values from a sweep over these same labels; each has a card, so that users can choose another."""
MEASURED = {"cnndm": 3, "xsum": 1}
"""k by set of QAGS: longer runs for summaries that copy, single words for those that rephrase."""
QAGS_SOURCE = "QAGS, W4ngatang/qags@47798e9b63344e2d3fb4df2def6edc18e9402d30, data/mturk_{}.jsonl"
FRANK_SOURCE = "artidoro/frank@6308064d4b42b5e613add40bad0c425675dea01b, data/articles-wbertscore-json"
QAGS_SHA256 = {
    "cnndm": "5a6e20201f2c5d5d2489865137987c5d68d04c5b4e84662f99bb03862bb3a575",
    "xsum": "1fb9af32ba64b0df54b26e12456b0b0324a519a85348c1f7b268899ad6269a15",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence or summary, its source, and its human label."""

    text: str
    source: str
    consistent: bool


def agreement(labelled: Sequence[Labelled], k: int) -> float:
    """AUROC of k-gram precision against human labels; a text of fewer than k words scores 0, like one that shares nothing
    with its source. NaN if all labels are the same."""
    scores = [kgram_precision(item.text, item.source, k) or 0.0 for item in labelled]
    return auroc(scores, [item.consistent for item in labelled])


def qags_labelled(rows: Iterable[Mapping[str, Any]], name: str) -> list[Labelled]:
    """The sentences of one set (`cnndm`, `xsum`) among the rows of the task `qags_consistency`."""
    return [
        Labelled(row["sentence"], row["article"], bool(row["consistent"]))
        for row in rows
        if row["set"] == name
    ]


def xsum_labelled(
    rows: Iterable[Mapping[str, Any]], articles: Mapping[str, str], *, gold: bool = False
) -> list[Labelled]:
    """Summaries of google-research-datasets/xsum_factuality, config xsum_faithfulness (Maynez et al. 2020), whose
    article is among `articles` (BBC id → text). Consistent: no more than half of the annotators mark a hallucinated
    span. The reference summaries (system `Gold`) are left out by default."""
    summaries: dict[tuple[str, str], str] = {}
    marked: dict[tuple[str, str], dict[str, bool]] = {}
    for row in rows:
        key = (str(row["bbcid"]), str(row["system"]))
        summaries[key] = row["summary"]
        votes = marked.setdefault(key, {})
        votes[row["worker_id"]] = votes.get(row["worker_id"], False) or row["hallucination_type"] != -1
    return [
        Labelled(summaries[key], articles[key[0]], 2 * sum(votes.values()) <= len(votes))
        for key, votes in marked.items()
        if key[0] in articles and (gold or key[1] != "Gold")
    ]


def xsum_factual(rows: Iterable[Mapping[str, Any]], articles: Mapping[str, str]) -> list[Labelled]:
    """Summaries of the same set's config xsum_factuality: consistent if more than half of the annotators who answered call
    it factual, whether or not the article supports it."""
    summaries: dict[tuple[str, str], str] = {}
    votes: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        if row["is_factual"] in (0, 1):
            key = (str(row["bbcid"]), str(row["system"]))
            summaries[key] = row["summary"]
            votes.setdefault(key, []).append(row["is_factual"] == 1)
    return [
        Labelled(summaries[key], articles[key[0]], 2 * sum(said) > len(said))
        for key, said in votes.items()
        if key[0] in articles
    ]


def qags_cards(rows: Sequence[Mapping[str, Any]]) -> list[Card]:
    """A card for each set of QAGS and each of `THRESHOLDS`; its kind is `card_kind(set, k, threshold)`."""
    return [
        card
        for name, k in MEASURED.items()
        for card in _cards(
            qags_labelled(rows, name),
            k,
            name,
            data=QAGS_SOURCE.format(name),
            sha256=QAGS_SHA256[name],
            licence="none stated; counts only, no text",
            notes=_NOTES[name],
        )
    ]


def xsum_cards(rows: Iterable[Mapping[str, Any]], articles: Mapping[str, str]) -> list[Card]:
    """The cards of the set `xsum_systems`, k = 1, from `xsum_labelled`."""
    labelled = xsum_labelled(rows, articles)
    return _cards(
        labelled,
        1,
        "xsum_systems",
        data=f"google-research-datasets/xsum_factuality, xsum_faithfulness, with the articles of {FRANK_SOURCE}",
        sha256=content_hash(labelled),
        licence="CC-BY-4.0 (labels)",
        notes=_NOTES["xsum_systems"],
    )


def frank_articles(folder: Path) -> dict[str, str]:
    """BBC id → article, from a folder of files `<id>.json` (source: `FRANK_SOURCE`)."""
    return {
        path.stem: str(json.loads(path.read_text(encoding="utf-8"))["article"])
        for path in sorted(folder.glob("*.json"))
        if path.stem.isdigit()
    }


def content_hash(labelled: Iterable[Labelled]) -> str:
    """SHA-256 (hex) over texts, sources and labels, in any order."""
    lines = sorted(json.dumps([item.text, item.source, item.consistent]) for item in labelled)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _cards(
    labelled: Sequence[Labelled], k: int, name: str, *, data: str, sha256: str, licence: str, notes: str
) -> list[Card]:
    made = []
    for threshold in THRESHOLDS:
        detector = Groundedness(k=k, threshold=threshold)
        verdicts = [(detector.detect(item.text, item.source), not item.consistent) for item in labelled]
        decided = [(bool(v.findings), bad) for v, bad in verdicts if v.state != "cannot_tell"]
        made.append(
            Card(
                detector=detector.name,
                version=detector.version,
                kind=card_kind(name, k, threshold),
                data=data,
                sha256=sha256,
                licence=licence,
                positives=sum(bad for _, bad in decided),
                true_positives=sum(found and bad for found, bad in decided),
                negatives=sum(not bad for _, bad in decided),
                true_negatives=sum(not found and not bad for found, bad in decided),
                cannot_tell=len(verdicts) - len(decided),
                notes=notes,
            )
        )
    return made


def card_kind(name: str, k: int, threshold: float) -> str:
    """Name of a card of this detector, such as `xsum-1gram-90` for a threshold of 0.9."""
    return f"{name}-{k}gram-{round(100 * threshold)}"


_NOTES = {
    "xsum_systems": (
        "Positive: a summary in which more than half of 3 annotators mark a span that its article does not bear out. "
        "One-sentence summaries of 251 BBC articles by four systems of 2018 to 2020, nine of ten of them positive; the "
        "summaries of one article, and those of one system, are counted as independent."
    ),
    "cnndm": (
        "Positive: a sentence that at least 2 of 3 people call inconsistent with its article. Summaries of CNN and Daily "
        "Mail articles by one model, which copies much of its source; sentences of one summary are counted as "
        "independent."
    ),
    "xsum": (
        "Positive: a sentence that at least 2 of 3 people call inconsistent with its article. One-sentence summaries of "
        "BBC articles by one model, which rephrases its source."
    ),
}
