"""Agreement between human raters on labels: an upper limit for the quality that a detector's card can show."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def agreement_share(ratings: Sequence[Sequence[Hashable]]) -> float:
    """Share of items on which all raters agree, 0 to 1; NaN without items."""
    return float(np.mean([len(set(item)) == 1 for item in ratings])) if ratings else float("nan")


def fleiss_kappa(ratings: Sequence[Sequence[Hashable]]) -> float:
    """Agreement beyond chance with equally many raters for each item (Fleiss, Psychological Bulletin 76:378-382, 1971):
    (P - P_e) / (1 - P_e), with P the mean share of agreeing pairs of raters and P_e the sum of the classes' squared
    shares. NaN if all ratings are the same. Raises ValueError for fewer than two raters, or if their numbers differ."""
    raters = {len(item) for item in ratings}
    if len(raters) != 1 or (number := raters.pop()) < 2:
        raise ValueError("every item needs the same number of raters, two at least")
    classes = {
        label: at for at, label in enumerate(dict.fromkeys(label for item in ratings for label in item))
    }
    counts = np.zeros((len(ratings), len(classes)))
    for row, item in enumerate(ratings):
        for label in item:
            counts[row, classes[label]] += 1
    observed = float((counts * (counts - 1)).sum() / (len(ratings) * number * (number - 1)))
    by_chance = float(np.square(counts.sum(axis=0) / counts.sum()).sum())
    return float("nan") if by_chance == 1 else (observed - by_chance) / (1 - by_chance)
