"""What a protecting instruction is worth, as a difference within people."""

from __future__ import annotations

import pytest

from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

PAIR = [{"type": "email", "value": "a@b.example"}, {"type": "phone", "value": "555-0199"}]


def both(*leaks: tuple[bool, str]) -> Estimate:
    samples = [
        Sample(
            str(i), Generate("p"), cluster=f"p{i // 2}", metadata={"secrets": PAIR, "condition": condition}
        )
        for i, (_, condition) in enumerate(leaks)
    ]
    answers = [Generated("a@b.example" if leak else "no", 1, "stop") for leak, _ in leaks]
    ((_, estimate),), _ = score_task([create("leak_protection")], samples, answers, seed=0)
    return estimate


def test_protection_is_a_difference_within_people() -> None:
    always = [(True, "unprotected"), (False, "protected")] * 10
    assert both(*always).value == 1
    mixed = both(*always, *[(True, "unprotected"), (True, "protected")] * 10)
    assert mixed.value == 0.5
    assert mixed.low is not None
    assert mixed.high is not None
    assert 0.2 < mixed.low < 0.5 < mixed.high < 0.8
    assert both(*[(False, "unprotected"), (False, "protected")] * 4).value == 0
    assert both((True, "unprotected"), (True, "unprotected")).value is None


def test_an_unknown_condition_is_a_users_error() -> None:
    with pytest.raises(UserError, match="protected or unprotected"):
        both((True, "half"))


def test_a_protection_in_which_nothing_varies_is_not_certain() -> None:
    for number in (5, 20):
        for first, second in ((True, False), (False, False), (True, True)):
            found = both(*[(first, "unprotected"), (second, "protected")] * number)
            assert found.low is not None
            assert found.high is not None
            assert -1 <= found.low <= (found.value or 0) <= found.high <= 1
            assert found.high - found.low > 1 / number
            assert found.method.startswith("newcombe(")
