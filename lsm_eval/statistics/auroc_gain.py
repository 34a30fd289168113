"""By how much the AUROC of one score exceeds that of another, on the same samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsm_eval.statistics.auroc_interval import AurocInterval, auroc_area
from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.square_and_add import square_and_add


def auroc_gain(
    scores: FloatArray,
    baseline: FloatArray,
    positive: FloatArray,
    clusters: Sequence[str | None],
    *,
    missing: int,
    floor: float = 0.5,
    level: float = 0.95,
    weights: FloatArray | None = None,
) -> Estimate:
    """AUROC of `scores` minus that of `baseline`, or minus `floor` if the baseline is below it. All are [n]; so are the samples'
    `weights`, if they are unequal.

    It is the smaller of the differences to the baseline and to `floor`, and so are its ends. The interval of the difference to the
    baseline combines the intervals of the two areas with their correlation (Zou, Psychological Methods 12:399-413, 2007; Zou &
    Donner, Statistics in Medicine 27:1693-1702, 2008), computed from the clusters' contributions to both (DeLong, DeLong &
    Clarke-Pearson, Biometrics 44:837-845, 1988).

    If the baseline is near `floor`, either difference may be the one whose upper end is too low. Both are therefore computed at
    half the miss rate (Bonferroni's inequality). The smaller of two lower ends misses no more often than either does."""
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    areas = _areas(scores, baseline, positive, base, weights)
    values = [area.value if isinstance(area, AurocInterval) else area[0] for area in areas]
    first, second = areas
    value = values[0] - max(values[1], floor) if not math.isnan(values[0]) else None
    for area in areas:
        if not isinstance(area, AurocInterval):
            return base.result(value, f"none ({area[1]})")
    assert isinstance(first, AurocInterval)
    assert isinstance(second, AurocInterval)
    assert value is not None
    low = min(_difference(first, second)[0], first.low - floor)
    first, second = _areas(scores, baseline, positive, replace(base, level=1 - (1 - level) / 2), weights)
    assert isinstance(first, AurocInterval)
    assert isinstance(second, AurocInterval)
    high = min(_difference(first, second)[1], first.high - floor)
    method = f"mover(delong{', clusters' if base.clusters is not None else ''})"
    return base.result(value, method, (low, high))


def _areas(
    scores: FloatArray,
    baseline: FloatArray,
    positive: FloatArray,
    base: Basis,
    weights: FloatArray | None,
) -> tuple[AurocInterval | tuple[float, str], ...]:
    return tuple(
        auroc_area(np.asarray(own, float), np.asarray(positive, float), base, weights)
        for own in (scores, baseline)
    )


def _difference(first: AurocInterval, second: AurocInterval) -> tuple[float, float]:
    """The ends of the difference between two areas on the same samples."""
    size = math.sqrt(float((first.influences**2).sum() * (second.influences**2).sum()))
    alike = float((first.influences * second.influences).sum()) / size if size > 0 else 0.0
    return square_and_add(
        (first.value, first.low, first.high), (second.value, second.low, second.high), alike
    )
