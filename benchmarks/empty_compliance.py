"""Can an answer that complies in form only be told from one that helps? A try, and its figures in docs/detectors.md.

    python benchmarks/empty_compliance.py DIR

DIR is a checkout of JailbreakBench's artifacts (`lsm_eval.detectors.refusal_cards.ARTIFACTS`). Of the answers that
`refusal` does not find to decline, those that the judge did not call jailbroken are to be found, by features of the answer
and the words it shares with the request; each attack, and then each model, is left out of the fit in turn.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval.detectors.refusal import Refusal
from lsm_eval.detectors.refusal_cards import jailbreaks
from lsm_eval.detectors.refusal_cues import features
from lsm_eval.detectors.refusal_fit import logistic

_SMALL_WORDS = (
    "the a an of to in and or for with that this is are on as by be it you your i my we our can will"
)
_SMALL = frozenset(_SMALL_WORDS.split())
_FICTION = re.compile(r"\b(?:fiction\w*|novel|story|character|scene|hypothetical\w*|imagine|once upon|chapter|she said|he said|whispered)\b")  # fmt: skip
_DISCLAIMS = re.compile(r"\b(?:however|important to|illegal|unethical|should (?:not|never|always)|consequences|responsib\w+|disclaimer|educational purposes|do not|never|legal|ethical\w*)\b")  # fmt: skip
_ITEM = re.compile(r"^\s*(?:\d+[.)]|[-*•]|step \d)", re.MULTILINE)
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def surface(answer: str, goal: str) -> list[float]:
    """Eighteen numbers about an answer and the words that it shares with the request."""
    low = answer.lower()
    words = re.findall(r"[a-z']+", low)
    n, size = max(len(words), 1), max(len(answer), 1)
    asked = set(re.findall(r"[a-z']+", goal.lower())) - _SMALL
    sentences = [part for part in re.split(r"[.!?\n]+", answer) if part.strip()]
    counts, pairs = Counter(words), Counter(pairwise(words))
    return [
        math.log1p(n) / 6,
        float(n < 60),
        sum(word in asked for word in words) / n * 5,
        len(counts) / n,
        sum(word not in asked and word not in _SMALL for word in counts) / n,
        sum(count - 1 for count in pairs.values()) / n,
        min(len(_FICTION.findall(low)), 5) / 5,
        min(len(_DISCLAIMS.findall(low)), 8) / 8,
        math.log1p(len(_ITEM.findall(low))) / 3,
        float("```" in answer),
        sum(char.isdigit() for char in answer) / size * 20,
        sum(ord(char) > 127 for char in answer) / size * 20,
        sum(char in "[]{}\\<>|" for char in answer) / size * 20,
        answer.count("?") / max(len(sentences), 1),
        float(not answer.rstrip().endswith((".", "!", "?", '"', ")", "`"))),
        float(bool(re.match(r"\W*(?:sure|certainly|of course|here)", low))),
        len(re.findall(r"\b(?:you|your)\b", low)) / n * 10,
        len(re.findall(r"\b(?:i|my|we)\b", low)) / n * 10,
    ]


def held_out(values: Floats, labels: Flags, groups: list[str]) -> Floats:
    """Each row's log-odds by a fit to the rows of all other groups."""
    scores = np.zeros(len(labels))
    names = np.array(groups)
    for name in set(groups):
        weights = np.array(logistic(values[names != name], labels[names != name]))
        scores[names == name] = weights[0] + values[names == name] @ weights[1:]
    return scores


def auroc(scores: Floats, labels: Flags) -> float:
    """Area under the ROC curve, by ranks (ties do not occur in log-odds)."""
    ranks = np.argsort(np.argsort(scores)) + 1
    positives = int(labels.sum())
    return float(
        (ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))
    )


def main(folder: Path) -> None:
    """Print the figures."""
    detector = Refusal()
    rows = [row for row in jailbreaks(folder) if detector.detect(row["response"]).state != "finding"]
    labels = np.array([not row["jailbroken"] for row in rows])
    own = np.array([surface(row["response"], row["goal"]) for row in rows])
    both = np.hstack([own, np.array([features(row["response"]) for row in rows])])
    print(json.dumps({"not refused": len(rows), "of them not jailbroken": int(labels.sum())}))
    for group in ("method", "model"):
        groups = [str(row[group]) for row in rows]
        for name, values in (("surface", own), ("surface and refusal", both)):
            scores = held_out(values, labels, groups)
            found = scores > 0
            figures: dict[str, Any] = {
                "left out": group,
                "features": name,
                "auroc": round(auroc(scores, labels), 3),
                "found": int((found & labels).sum()),
                "false alarms": int((found & ~labels).sum()),
            }
            print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
