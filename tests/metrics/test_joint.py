"""Samples of several requests: their answers are scored together or not at all."""

from __future__ import annotations

import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.joint import Answers, join, parts
from lsm_eval.requests import Failure, Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.sample import Sample

ONE, OTHER = Scored((-1.0,), (1,), (True,)), Scored((-2.0,), (1,), (False,))
FAILED = Failure("nan", "")


def test_one_answer_stays_what_it_is() -> None:
    assert join([ONE]) is ONE
    assert parts(ONE) == (ONE,)


def test_half_an_answer_is_none() -> None:
    assert join([ONE, OTHER]) == Answers((ONE, OTHER))
    assert parts(join([ONE, OTHER])) == (ONE, OTHER)
    assert join([ONE, FAILED]) is FAILED


def test_a_metric_of_one_answer_refuses_several() -> None:
    first, second = Score("a", (" b",)), Score("c", (" b",))
    sample = Sample("7", first, target=(0,), choices=("b",), further=(second,))
    assert sample.requests == (first, second)
    with pytest.raises(UserError, match="sample '7' has 2"):
        score_task([create("acc")], [sample], [join([ONE, OTHER])], seed=0)
