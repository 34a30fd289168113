"""Limits of the candidate's own values, of shares, and against a reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from gate_runs import GateRuns, edited, failing, run_of
from scipy.stats import norm

import lsm_eval
from lsm_eval.errors import UserError
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.result import Finding, GateResult


def limited(
    runs: GateRuns,
    *limits: dict[str, Any],
    second: Path | None = None,
    first: Path | None = None,
    **policy: Any,
) -> GateResult:
    told = Policy.model_validate({"metrics": "named", "limits": list(limits), **policy})
    return lsm_eval.gate(first, second or runs.candidate, told, include=[runs.tasks])


def only(result: GateResult) -> Finding:
    assert len(result.findings) == 1
    return result.findings[0]


def test_no_hit_of_twenty_is_not_safe(gate_runs: GateRuns) -> None:
    found = only(limited(gate_runs, {"task": "harm", "metric": "acc", "at_most": 0.05}))
    assert (found.answer, found.candidate, found.n) == ("not enough data", 0, 20)
    # The one-sided bound of 0 of 20: Wilson's, and not inside the exact one of 93.5 %.
    assert found.high == pytest.approx(1 - 0.065 ** (1 / 20))
    assert found.wanted_n == math.ceil(math.log(0.065) / math.log(1 - 0.05)) == 54
    assert "may be 0.0 % to 12.8 %, and the policy wants at most 5.0 %; about 54 samples" in found.why
    assert only(limited(gate_runs, {"task": "harm", "metric": "acc", "at_most": 0.13})).answer == "pass"
    assert (
        limited(gate_runs, {"task": "harm", "metric": "acc", "at_most": 0.05}, kind="release").exit_code == 1
    )


def test_p_is_that_of_the_score_test(gate_runs: GateRuns) -> None:
    # 550 of 600.
    for limit, over in ((0.9, True), (0.93, False)):
        found = only(limited(gate_runs, {"task": "worse", "metric": "acc", "at_most": limit}))
        z = (550 / 600 - limit) / math.sqrt(limit * (1 - limit) / 600)
        assert found.p == pytest.approx(norm.sf(z), rel=1e-6) if over else found.p is not None
        assert found.answer == "not enough data"


def test_a_broken_limit_fails_and_a_kept_one_passes(gate_runs: GateRuns) -> None:
    result = limited(
        gate_runs,
        {"task": "worse", "metric": "acc", "at_least": 0.96},
        {"task": "worse", "metric": "acc", "at_least": 0.85},
        {"task": "worse", "metric": "acc", "at_most": 0.95},
        {"task": "worse", "metric": "acc", "at_most": 0.85},
    )
    assert [one.answer for one in result.findings] == ["fail", "pass", "pass", "fail"]
    assert (result.answer, result.exit_code, result.baseline) == ("fail", 1, None)
    assert result.findings[0].why.endswith("% at most, and the policy wants at least 96.0 %.")
    assert result.findings[3].why.endswith("% at least, and the policy wants at most 85.0 %.")


def test_limits_share_the_false_alarms(gate_runs: GateRuns) -> None:
    # p is 0.0068 alone.
    limit = {"task": "worse", "metric": "acc", "at_least": 0.9405}
    alone = only(limited(gate_runs, limit))
    assert alone.p is not None
    assert alone.p < 0.01
    assert alone.answer == "fail"
    both = limited(gate_runs, limit, {"task": "same", "metric": "acc", "at_least": 0.5})
    assert both.findings[0].p == pytest.approx(2 * alone.p)
    assert both.findings[0].answer == "not enough data"
    heavy = limited(gate_runs, {**limit, "weight": 9}, {"task": "same", "metric": "acc", "at_least": 0.5})
    assert heavy.findings[0].p == pytest.approx(10 / 9 * alone.p)


def test_a_limit_of_what_is_not_there(gate_runs: GateRuns, tmp_path: Path) -> None:
    result = limited(gate_runs, {"task": "toxic*", "metric": "acc", "at_most": 0.05})
    assert (result.answer, result.exit_code) == ("not comparable", 4)
    assert result.reasons == ["The policy limits acc of toxic*, which the candidate lacks: run it."]
    lost = edited(gate_runs.candidate, tmp_path, "same", failing(30))
    result = limited(gate_runs, {"task": "same", "metric": "acc", "at_least": 0.1}, second=lost)
    assert result.exit_code == 4
    assert "30 of 400 samples have no acc" in result.reasons[0]


def test_no_interval_is_not_enough(gate_runs: GateRuns) -> None:
    found = only(limited(gate_runs, {"task": "one_passage", "metric": "acc", "at_most": 0.99}))
    assert found.answer == "not enough data"
    assert "no interval (none (one cluster))" in found.why


def test_a_reference_run(gate_runs: GateRuns, tmp_path: Path) -> None:
    limit = {"task": "worse", "metric": "acc", "reference": str(gate_runs.baseline), "margin": 0.03}
    found = only(limited(gate_runs, limit))
    assert (found.kind, found.answer) == ("limit", "fail")
    assert found.loss == pytest.approx(40 / 600)
    assert f"Worse against {gate_runs.baseline}" in found.why
    assert only(limited(gate_runs, limit, second=gate_runs.baseline)).answer == "pass"
    short = run_of("builtin:first", gate_runs.tasks, tmp_path / "reports", "same")
    result = limited(gate_runs, {**limit, "reference": str(short)})
    assert result.exit_code == 4
    assert "has no acc" in result.reasons[0]
    with pytest.raises(UserError, match="no folder"):
        limited(gate_runs, {**limit, "reference": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("share", "change"),
    [
        ("nan", failing(21)),
        ("missing", failing(21, "too_long")),
        ("truncated", lambda table: table.assign(finish=["length"] * 21 + [None] * (len(table) - 21))),
    ],
    ids=["nan", "missing", "truncated"],
)
def test_shares(
    gate_runs: GateRuns, tmp_path: Path, share: str, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    made = edited(gate_runs.candidate, tmp_path, "same", change)
    rules = [{"task": "*", "ignore": True}, {"task": "same", "ignore": False}]
    for limit, answer in ((0.05, "fail"), (0.06, "pass")):
        result = limited(gate_runs, second=made, rules=rules, shares={share: limit})
        found = only(result)
        assert (found.kind, found.metric, found.answer) == ("share", share, answer)
        assert found.candidate == pytest.approx(21 / 400)
    assert "21 of 400 samples" in found.why


def test_what_needs_a_baseline_is_not_passed_over(gate_runs: GateRuns) -> None:
    limit = {"task": "same", "metric": "acc", "at_least": 0.5}
    result = limited(gate_runs, limit)
    assert result.answer == "pass"
    assert "There is no baseline: limits and shares alone are judged." in result.notes
    assert result.notes == limited(gate_runs, limit, metrics="primary").notes
    with pytest.raises(UserError, match="limits speed, which is compared with a baseline"):
        limited(gate_runs, limit, speed=[{"of": "decode"}])


def test_nothing_asked(gate_runs: GateRuns) -> None:
    with pytest.raises(UserError, match="no baseline, and the policy has no limits"):
        lsm_eval.gate(None, gate_runs.candidate)
