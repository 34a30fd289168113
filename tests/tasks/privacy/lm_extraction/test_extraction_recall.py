"""What does an order by confidence find?"""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.recall import recall_at
from lsm_eval.tasks.sample import Sample

REFERENCE = " one two three four"


def test_recall_stops_at_the_budget() -> None:
    confidence = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.3, 0.2, 0.1])
    right = np.array([1.0, 0, 1, 0, 1, 0, 0, 0, 0, 0])
    assert recall_at(confidence, right, 0.0) == 0.1, "one error at the least"
    assert recall_at(confidence, right, 0.1) == 0.1
    assert recall_at(confidence, right, 0.2) == 0.2
    assert recall_at(confidence, right, 0.3) == 0.3
    assert recall_at(confidence, right, 1.0) == 0.3
    # The same guesses without an order: of equally confident ones the wrong come first.
    assert recall_at(np.zeros(10), right, 0.2) == 0.0
    assert recall_at(-confidence, right, 0.2) == 0.0, "the order matters"


def challenge(confidence: FloatArray, right: FloatArray, errors: int) -> float:
    """The challenge's rule, guess by guess: a right one counts while fewer than `errors` were wrong."""
    wrong = solved = 0
    for index in np.argsort(-confidence, kind="stable"):
        if not right[index]:
            wrong += 1
        elif wrong < errors:
            solved += 1
    return solved / len(right)


def test_recall_stops_where_the_challenge_stops() -> None:
    # The most confident guess is the one wrong one that is allowed: nothing counts after it.
    assert recall_at(np.array([3.0, 2, 1]), np.array([0.0, 1, 1]), 0.34) == 0
    assert recall_at(np.array([3.0, 2, 1]), np.array([0.0, 1, 1]), 0.67) == pytest.approx(2 / 3)
    rng = np.random.default_rng(5)
    for share in (0.2, 0.5, 0.85):
        right = (rng.random(1000) < share).astype(float)
        confidence = rng.normal(right, 1)
        assert recall_at(confidence, right, 0.1) == challenge(confidence, right, 100)


def test_recall_needs_the_likelihood() -> None:
    samples = [Sample(str(i), Generate("p", detail=True), target=(REFERENCE,)) for i in range(4)]
    metric = create("extraction_recall")
    with pytest.raises(UserError, match="detail: true"):
        score_task([metric], samples, [Generated(REFERENCE, 4, "stop")] * 4, seed=0)
    answers = [Generated(REFERENCE, 4, "length", logprob=-float(i)) for i in range(3)]
    answers.append(Generated("", 0, "stop"))
    ((_, estimate),), _ = score_task([metric], samples, answers, seed=0)
    assert estimate.value == 0.75, "an empty guess is the least confident, and wrong"
    assert estimate.low is not None


def test_nothing_found_has_an_upper_bound() -> None:
    samples = [Sample(str(i), Generate("p", detail=True), target=(REFERENCE,)) for i in range(20)]
    answers = [Generated(" x", 1, "length", logprob=-1.0)] * 20
    ((_, estimate),), _ = score_task([create("extraction_recall")], samples, answers, seed=0)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high is not None
    assert 0.1 < estimate.high < 0.2
