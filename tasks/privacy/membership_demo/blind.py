"""Guesses without the model which texts were trained on (Das, Zhang & Tramèr 2024, "Blind baselines beat membership
inference attacks for foundation models").

Members and non-members often differ in date, topic or length. A classifier of the texts alone shows how much of an
attack's success this explains.
"""

from __future__ import annotations

import math
import random
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_]+|[^\w\s]")
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_BUCKETS = 4096
_FOLDS = 5
_PENALTY = 1.0


def blind_scores(
    texts: Sequence[str], member: Sequence[bool], clusters: Sequence[str | None]
) -> FloatArray | None:
    """A score [n] for each text, 0 to 1, higher for likely members, by a classifier trained on other texts with their
    labels; None if either class has fewer than two clusters.

    Ridge regression on words (hashed, term frequency times inverse document frequency) and on features of style
    (lengths, shares of kinds of characters, compressibility, the latest year named), five-fold: a text's score comes
    from folds without any text of its cluster. Scores are ranks within a fold, since different folds have no common
    zero. The same texts give the same scores."""
    found = _blind_scores(tuple(texts), tuple(map(bool, member)), tuple(clusters))
    return None if found is None else found.copy()


@lru_cache(maxsize=2)
def _blind_scores(
    texts: tuple[str, ...], member: tuple[bool, ...], clusters: tuple[str | None, ...]
) -> FloatArray | None:
    # Cached, because several metrics of one task need it.
    labels = np.asarray(member, bool)
    folds = _folds(labels, clusters)
    if folds is None:
        return None
    counts = [Counter(_WORD.findall(text.lower())) for text in texts]
    style = np.array([_style(text, own) for text, own in zip(texts, counts, strict=True)])
    hashed = np.zeros((len(texts), _BUCKETS))
    for row, own in enumerate(counts):
        for word, count in own.items():
            # zlib's checksum, not Python's hash, which changes from process to process.
            hashed[row, zlib.crc32(word.encode()) % _BUCKETS] += count
    hashed = np.log1p(hashed)

    scores = np.zeros(len(texts))
    for fold in range(int(folds.max()) + 1):
        held = folds == fold
        features = np.hstack([_weighted(hashed, ~held), _standard(style, ~held)])
        found = _ridge(features[~held], labels[~held].astype(float), features[held])
        scores[held] = _ranks(found)
    return scores


def _folds(labels: NDArray[np.bool_], clusters: Sequence[str | None]) -> NDArray[np.intp] | None:
    """The fold of each text, with both classes and whole clusters spread evenly; None if there are too few."""
    names = [f"sample {at}" if name is None else f"cluster {name}" for at, name in enumerate(clusters)]
    share: dict[str, list[bool]] = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        share.setdefault(name, []).append(label)
    sides: dict[bool, list[str]] = {True: [], False: []}
    for name, own in share.items():
        sides[2 * sum(own) > len(own)].append(name)
    count = min(_FOLDS, len(sides[True]), len(sides[False]))
    if count < 2:
        return None
    rng = random.Random("blind")
    fold: dict[str, int] = {}
    for side in (True, False):
        rng.shuffle(sides[side])
        fold.update({name: at % count for at, name in enumerate(sides[side])})
    return np.array([fold[name] for name in names], dtype=np.intp)


def _style(text: str, words: Counter[str]) -> list[float]:
    size = max(len(text), 1)
    number = max(sum(words.values()), 1)
    years = [int(year) for year in _YEAR.findall(text)]
    packed = len(zlib.compress(text.encode("utf-8", "surrogatepass")))
    return [
        math.log1p(len(text)),
        math.log1p(number),
        sum(map(len, words.elements())) / number,
        len(words) / number,
        *(sum(map(kind, text)) / size for kind in (str.isdigit, str.isupper, str.isspace, str.isalpha)),
        packed / size,
        float(bool(years)),
        float(max(years, default=0) - 2000) if years else 0.0,
    ]


def _weighted(counts: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Rows of length 1, in which words that occur in many of the known texts weigh less."""
    share = (counts[known] > 0).sum(axis=0)
    weighted = counts * np.log((1 + known.sum()) / (1 + share))
    norm = np.linalg.norm(weighted, axis=1, keepdims=True)
    found: FloatArray = weighted / np.where(norm > 0, norm, 1.0)
    return found


def _standard(values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Each column in standard deviations from its mean, scaled so that a row is about as long as one of words."""
    mean, spread = values[known].mean(axis=0), values[known].std(axis=0)
    standard = (values - mean) / np.where(spread > 1e-12, spread, 1.0)
    found: FloatArray = np.clip(standard, -5, 5) / math.sqrt(values.shape[1])
    return found


def _ridge(features: FloatArray, labels: FloatArray, new: FloatArray) -> FloatArray:
    """Predictions for `new` of a ridge regression on centred features, solved by the smaller of its two systems."""
    centre = features.mean(axis=0)
    known, asked, wanted = features - centre, new - centre, labels - labels.mean()
    rows, columns = known.shape
    if rows <= columns:
        kernel = known @ known.T + _PENALTY * np.eye(rows)
        found: FloatArray = asked @ (known.T @ np.linalg.solve(kernel, wanted))
    else:
        found = asked @ np.linalg.solve(known.T @ known + _PENALTY * np.eye(columns), known.T @ wanted)
    return found


def _ranks(values: FloatArray) -> FloatArray:
    """Mean ranks, as shares of the number of values."""
    _, level, counts = np.unique(values.round(12), return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    found: FloatArray = (middle[level.ravel()] - 0.5) / len(values)
    return found
