"""By how much one score tells two classes apart better than another does, on the same samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsm_eval.statistics.auroc_interval import Area, auroc_area
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
    """AUROC of `scores` less that of `baseline`, or less `floor` where the baseline has less than that; all are [n], the samples'
    `weights` too, where they are not all the same.

    It is the smaller of two differences, that to the baseline and that to `floor`, and so are its ends. The interval of the
    first is put together from those of the two areas and their correlation (Zou, Psychological Methods 12:399-413, 2007; Zou &
    Donner, Statistics in Medicine 27:1693-1702, 2008), which is that of what each cluster adds to the one and to the other
    (DeLong, DeLong & Clarke-Pearson, Biometrics 44:837-845, 1988).

    Where the baseline is as good as `floor`, the upper end of either difference may be the one that lies too low. So both are made to
    miss half as often (Bonferroni's inequality). The smaller of two lower ends misses no more often than either does."""
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    areas = _areas(scores, baseline, positive, base, weights)
    values = [area.value if isinstance(area, Area) else area[0] for area in areas]
    first, second = areas
    value = values[0] - max(values[1], floor) if not math.isnan(values[0]) else None
    for area in areas:
        if not isinstance(area, Area):
            return base.result(value, f"none ({area[1]})")
    assert isinstance(first, Area)
    assert isinstance(second, Area)
    assert value is not None
    low = min(_difference(first, second)[0], first.low - floor)
    first, second = _areas(scores, baseline, positive, replace(base, level=1 - (1 - level) / 2), weights)
    assert isinstance(first, Area)
    assert isinstance(second, Area)
    high = min(_difference(first, second)[1], first.high - floor)
    method = f"mover(delong{', clusters' if base.clusters is not None else ''})"
    return base.result(value, method, (low, high))


def _areas(
    scores: FloatArray,
    baseline: FloatArray,
    positive: FloatArray,
    base: Basis,
    weights: FloatArray | None,
) -> tuple[Area | tuple[float, str], ...]:
    return tuple(
        auroc_area(np.asarray(own, float), np.asarray(positive, float), base, weights)
        for own in (scores, baseline)
    )


def _difference(first: Area, second: Area) -> tuple[float, float]:
    """The ends of the difference of two areas of the same samples."""
    size = math.sqrt(float((first.pulls**2).sum() * (second.pulls**2).sum()))
    alike = float((first.pulls * second.pulls).sum()) / size if size > 0 else 0.0
    return square_and_add(
        (first.value, first.low, first.high), (second.value, second.low, second.high), alike
    )
