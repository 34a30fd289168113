"""HaluEval: a model that says one thing whatever it reads must show itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring import registry
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.auroc import auroc
from lsm_eval.tasks.sample import Sample

REQUEST = Score("q", (" Yes", " No"))
NAMES = ("acc", "auroc", "paired", "precision", "recall", "yes")


def item(name: str = "s", labels: Any = (0, 1)) -> Sample:
    return Sample(name, REQUEST, (1,), ("Yes", "No"), metadata={"hallucinated": labels}, further=(REQUEST,))


def odds(value: float) -> Scored:
    """An answer with these log-odds of yes."""
    return Scored((value / 2, -value / 2), (1, 1), (False, False))


def figures(pairs: list[tuple[float, float]]) -> dict[str, float | None]:
    """All metrics from the log-odds of (right answer, hallucinated answer), item by item."""
    from lsm_eval.metrics.joint import join

    samples = [item(str(number)) for number in range(len(pairs))]
    responses = [join([odds(right), odds(wrong)]) for right, wrong in pairs]
    metrics = [registry.create(f"halueval_{name}") for name in NAMES]
    found, _ = score_task(metrics, samples, responses, seed=0)
    return {metric.name.removeprefix("halueval_"): estimate.value for metric, estimate in found}


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        # accuracy, AUROC, paired, precision, recall, yes
        ((-1.0, 1.0), (1, 1, 1, 1, 1, 0.5)),
        ((1.0, -1.0), (0, 0, 0, 0, 0, 0.5)),
        ((2.0, 2.0), (0.5, 0.5, 0.5, 0.5, 1, 1)),  # always yes
        ((-2.0, -2.0), (0.5, 0.5, 0.5, None, 0, 0)),  # always no: of its yes there is nothing to say
        ((0.0, 0.0), (0.5, 0.5, 0.5, 0.5, 0.5, 0.5)),  # no view
        ((1.0, 2.0), (0.5, 1, 1, 0.5, 1, 1)),  # biased to yes, and tells them apart all the same
    ],
)
def test_habits_show_themselves(pair: tuple[float, float], expected: tuple[float | None, ...]) -> None:
    assert figures([pair] * 3) == dict(zip(NAMES, expected, strict=True))


def test_auroc_pools_items_and_paired_compares_within_them() -> None:
    # Within each item the hallucinated answer is more suspect, but items differ in level.
    found = figures([(0.0, 1.0), (2.0, 3.0)])
    assert found["paired"] == 1.0
    assert found["auroc"] == 3 / 4


def test_auroc_is_that_of_the_log_odds() -> None:
    rng = np.random.default_rng(0)
    right, wrong = rng.normal(0, 1, 150), rng.normal(0.7, 1, 150)
    found = figures(list(zip(right.tolist(), wrong.tolist(), strict=True)))
    expected = auroc([*right, *wrong], [False] * 150 + [True] * 150)
    assert found["auroc"] == pytest.approx(expected)
    said = np.r_[right > 0, wrong > 0]
    assert found["precision"] == pytest.approx((wrong > 0).sum() / said.sum())
    assert found["recall"] == pytest.approx((wrong > 0).mean())
    assert found["acc"] == pytest.approx(((right < 0).sum() + (wrong > 0).sum()) / 300)


def test_certainty_beyond_floats_is_still_ranked() -> None:
    # As probabilities both are 1.
    assert figures([(50.0, 60.0)])["paired"] == 1.0
    metric: Any = registry.create("halueval_paired")
    hopeless = Scored((-math.inf, -math.inf), (1, 1), (False, False))
    assert metric.measure_all(item(), [hopeless, odds(1.0)]).value == 1.0


@pytest.mark.parametrize("labels", [(0,), (0, 2), "01", None])
def test_labels_that_do_not_fit_are_refused(labels: Any) -> None:
    metric: Any = registry.create("halueval_acc")
    with pytest.raises(UserError, match=r"metadata\.hallucinated"):
        metric.measure_all(item(labels=labels), [odds(0), odds(0)])
    with pytest.raises(UserError, match="choices yes and no"):
        metric.measure_all(item(), [Scored((0.0,), (1,), (False,))] * 2)


def test_a_precision_of_one_from_two_answers_is_not_certain() -> None:
    from lsm_eval.metrics.joint import join

    pairs = [(-1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (-1.0, -2.0)]
    samples = [item(str(number)) for number in range(4)]
    responses = [join([odds(right), odds(wrong)]) for right, wrong in pairs]
    ((_, found),), _ = score_task([registry.create("halueval_precision")], samples, responses, seed=0)
    assert (found.value, found.high, found.method) == (1.0, 1.0, "clopper-pearson")
    assert found.low == pytest.approx(0.1581, abs=1e-4)
