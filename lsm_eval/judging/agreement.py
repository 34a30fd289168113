"""Agreement of a judge with human labels, which shows how far its numbers can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate
from lsm_eval.statistics.kappa import kappa_estimate

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge's binary labels compared with human labels; intervals allow for clusters."""

    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int
    could_not_judge: Estimate
    """Share of all items; these items are in none of the other numbers."""
    sensitivity: Estimate
    """Share of the human positives that the judge labels positive."""
    specificity: Estimate
    """Share of the human negatives that the judge labels negative."""
    kappa: Estimate
    """Cohen 1960: agreement beyond chance, (p_o - p_e) / (1 - p_e); 0 for a judge that gives all items the same label."""


def agreement(
    judged: Sequence[bool | None],
    human: Sequence[bool],
    *,
    clusters: Sequence[str | None] | None = None,
    seed: int = 0,
) -> Agreement:
    """Compares parallel labels; None means *could not judge*. `clusters`: which items are dependent (answers to one prompt); None: all are
    independent. Undefined values (a label without items) are None."""
    groups = list(clusters) if clusters is not None else [None] * len(human)
    rows = list(zip(judged, human, groups, strict=True))
    decided = [(bool(own), people, group) for own, people, group in rows if own is not None]

    def share(items: Sequence[tuple[bool, str | None]], kind: _Share) -> Estimate:
        statistics = np.array([[float(hit), 1.0] for hit, _ in items], float)
        return estimate(kind, statistics, [group for _, group in items], missing=0, ties=0, seed=seed)

    cells = np.array([_cell(own, people) for own, people, _ in decided], float).reshape(-1, 4)
    both, missed, false, neither = (int(count) for count in cells.sum(axis=0))
    return Agreement(
        true_positives=both,
        false_negatives=missed,
        false_positives=false,
        true_negatives=neither,
        could_not_judge=share([(own is None, group) for own, _, group in rows], _Share()),
        sensitivity=share([(own, group) for own, people, group in decided if people], _Share()),
        specificity=share([(not own, group) for own, people, group in decided if not people], _Share()),
        kappa=kappa_estimate(cells, [group for _, _, group in decided], missing=len(rows) - len(decided)),
    )


class _Share:
    unit = "fraction"
    mean = True
    proportion = True

    def aggregate(self, sums: FloatArray) -> FloatArray:
        share: FloatArray = sums[..., 0] / sums[..., 1]
        return share


def _cell(judge: bool, people: bool) -> tuple[float, float, float, float]:
    return (
        float(judge and people),
        float(not judge and people),
        float(judge and not people),
        float(not judge and not people),
    )
