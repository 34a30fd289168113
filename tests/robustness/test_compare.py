"""Change, consistency and worst case against what a plain count says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from lsm_eval.metrics.choice import Accuracy
from lsm_eval.requests import Failure, Score, Scored
from lsm_eval.robustness.compare import compare, worst
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.sample import Sample


@dataclass
class _Outcome:
    samples: Any
    responses: Any
    estimates: Any
    measurements: Any


def _outcome(chosen: Sequence[int | None], clusters: int | None = None) -> _Outcome:
    samples = [
        Sample(
            str(n),
            Score(f"q{n}", (" x", " y")),
            target=(0,),
            choices=("x", "y"),
            cluster=None if clusters is None else str(n % clusters),
        )
        for n in range(len(chosen))
    ]
    responses = [
        Failure("nan", "")
        if c is None
        else Scored((0.0, -1.0) if c == 0 else (-1.0, 0.0), (1, 1), (True, False))
        for c in chosen
    ]
    estimates, rows = score_task([Accuracy()], samples, responses, seed=0)
    return _Outcome(samples, responses, estimates, rows)


def test_change_consistency_and_worst_case_are_counts_over_pairs() -> None:
    rng = np.random.default_rng(0)
    first = [int(v) for v in rng.integers(0, 2, 200)]
    second = [c if rng.random() < 0.7 else 1 - c for c in first]
    one, other = _outcome(first), _outcome(second)
    found = {metric.name: estimate for metric, estimate in compare(one, other, seed=0)}
    right = (np.array(first) == 0).astype(float), (np.array(second) == 0).astype(float)
    difference = right[1] - right[0]
    assert found["acc:change"].value == pytest.approx(difference.mean())
    assert found["acc:change"].stderr == pytest.approx(difference.std(ddof=1) / np.sqrt(200))
    assert found["consistency"].value == pytest.approx(np.mean(np.array(first) == np.array(second)))
    ((metric, lowest),) = worst(one, {"typos": other}, seed=0)
    assert metric.name == "acc:worst"
    assert lowest.value == pytest.approx(np.minimum(*right).mean())
    assert "typos" in metric.signature


def test_a_pair_counts_only_where_both_were_measured() -> None:
    pairs = compare(_outcome([0, 0, None, 1]), _outcome([0, None, 0, 0]), seed=0)
    found = {metric.name: estimate for metric, estimate in pairs}
    assert found["acc:change"].n == 2
    assert found["acc:change"].value == 0.5
    assert found["consistency"].value == 0.5


def test_no_change_in_a_few_samples_is_not_certainty() -> None:
    same = _outcome([0, 1] * 10)
    found = {metric.name: estimate for metric, estimate in compare(same, same, seed=0)}
    change = found["acc:change"]
    assert change.value == 0
    assert (change.low or 0) == -(change.high or 0) < -0.1
    assert 0 < (found["consistency"].low or 0) < 0.9


def test_clusters_widen_the_interval_of_a_change() -> None:
    first, second = [0] * 200, [int(n % 20 < 6) for n in range(200)]
    alone = compare(_outcome(first), _outcome(second), seed=0)[0][1]
    tied = compare(_outcome(first, 20), _outcome(second, 20), seed=0)[0][1]
    assert alone.value == tied.value == pytest.approx(-0.3)
    assert (tied.stderr or 0) > 3 * (alone.stderr or 1)


def test_what_fails_in_another_wording_is_missing() -> None:
    one, other = _outcome([0] * 10), _outcome([0] * 4 + [None] * 6)
    for metric, found in [*compare(one, other, seed=0), *worst(one, {"prefix": other}, seed=0)]:
        assert (found.n, found.missing) == (4, 6), metric.name
