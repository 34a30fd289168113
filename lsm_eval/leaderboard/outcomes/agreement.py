"""Agreement of models on the same samples: shares of equal outcomes, and kappa."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.leaderboard.outcomes.outcome import RIGHT, WRONG, Field
from lsm_eval.statistics.kappa import cohen_kappa

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Every pair of models. NaN if a pair has no sample in common, or (kappa) if all their outcomes are the same."""

    models: tuple[str, ...]
    number: NDArray[np.int64]
    """Number of samples for which both have an outcome [models, models]."""
    share: FloatArray
    """Share of these samples with the same outcome [models, models]."""
    kappa: FloatArray
    """Cohen's kappa: agreement beyond that expected by chance from the two models' shares of right outcomes [models, models]."""


def agreement(field: Field) -> Agreement:
    """The agreement of all pairs of the field's models, each over the questions that both were asked."""
    outcomes = field.found if field.otherwise is None else np.hstack([field.found, field.otherwise])
    right, wrong = ((outcomes == kind).astype(np.float64) for kind in (RIGHT, WRONG))
    cells = np.stack([right @ right.T, wrong @ right.T, right @ wrong.T, wrong @ wrong.T], axis=-1)
    number = cells.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (cells[..., 0] + cells[..., 3]) / number
        kappa = cohen_kappa(cells)
    return Agreement(field.models, number.astype(np.int64), share, kappa)
