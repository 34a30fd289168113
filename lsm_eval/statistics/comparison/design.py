"""How much pairs of one cluster hang together, where the pairs that differ are too few to tell.

The design effect that is seen is averaged with a guess (`difference`). A guess that each cluster is one pair is right for the worst case and
far too wide for most: of ten pairs that differ, each in a cluster of its own, most clusters' other pairs agree, which says something. So
the guess reads how alike neighbours are from the share of a differing pair's neighbours that differ too, with one pair more, all
of whose neighbours do. But a few pairs that differ may all lie in clusters of another kind than the next one: they count for nothing yet, and a
model that is worse by the margin would pass too often. The guess therefore goes from the one to the other as more is seen.

Both the number and the power were found by simulation (`benchmarks/coverage_paired.py`), and are ours.
"""

from __future__ import annotations

import numpy as np

from lsm_eval.statistics.comparison.pairs import Pairs

TELLING = 14.0
"""Of so many pairs that differ, over the design effect that is seen, the guess lies half way."""
_POWER = 4


def guessed(data: Pairs, size: float, told: float) -> float:
    """The design effect that is guessed, from 1 to `size`, the one of clusters that are one pair each; `told` is how many pairs that
    stand alone tell as much as those that were seen to differ."""
    counts, differing = np.bincount(data.groups), np.bincount(data.groups, data.differences != 0)
    neighbours = float((differing * (counts - 1)).sum()) + (size - 1)
    if neighbours <= 0:
        return 1.0
    alike = (float((differing * (differing - 1)).sum()) + (size - 1)) / neighbours
    unknown = 1 / (1 + (told / TELLING) ** _POWER)
    return size * unknown + (1 + (size - 1) * alike) * (1 - unknown)
