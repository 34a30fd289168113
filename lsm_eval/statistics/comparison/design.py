"""A prior for the design effect of clustered pairs, if too few pairs differ to estimate it.

The observed design effect is averaged with a prior (`difference`). The prior that each cluster is one pair is right in the worst case and
far too wide in most: if ten pairs differ, each in a different cluster, the other pairs of these clusters agree, which is evidence. So
the prior estimates the similarity within clusters from the share of a differing pair's neighbours that differ too, with one pair added, all
of whose neighbours differ. But a few differing pairs may all lie in clusters of another kind than the next one: they must not count yet, or a
model that is worse by the margin would pass too often. The prior therefore moves from the first to the second as more pairs differ.

Both the number and the power are our own choice, by simulation (`benchmarks/coverage_paired.py`).
"""

from __future__ import annotations

import numpy as np

from lsm_eval.statistics.comparison.pairs import Pairs

HALF_WAY = 14.0
"""The number of differing pairs, over the observed design effect, at which the prior is half way between the two."""
_POWER = 4


def guessed_design_effect(data: Pairs, size: float, effective: float) -> float:
    """The prior design effect, from 1 to `size` (that of clusters which are one pair each); `effective` is the number of independent
    pairs that tell as much as those that were seen to differ."""
    counts, differing = np.bincount(data.groups), np.bincount(data.groups, data.differences != 0)
    neighbours = float((differing * (counts - 1)).sum()) + (size - 1)
    if neighbours <= 0:
        return 1.0
    alike = (float((differing * (differing - 1)).sum()) + (size - 1)) / neighbours
    unknown = 1 / (1 + (effective / HALF_WAY) ** _POWER)
    return size * unknown + (1 + (size - 1) * alike) * (1 - unknown)
