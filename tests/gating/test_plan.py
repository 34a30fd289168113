"""What a gate needs, from the baseline alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from gate_runs import GateRuns

from lsm_eval.comparison.find import find
from lsm_eval.errors import UserError
from lsm_eval.gating.plan import SHARES, Plan, PlanRow, cells, plan, share_cells
from lsm_eval.gating.policy import Policy


def planned(runs: GateRuns, *tasks: str, **more: float | int) -> Plan:
    rules = [{"task": "*", "ignore": True}, *({"task": task, "ignore": False} for task in tasks)]
    return plan(find(str(runs.baseline)), Policy.model_validate({"rules": rules}), **more)  # type: ignore[arg-type]


def only(found: Plan) -> PlanRow:
    assert len(found.rows) == 1
    return found.rows[0]


def test_the_spread_of_the_baseline(gate_runs: GateRuns) -> None:
    row = only(planned(gate_runs, "better"))
    assert row.discordance is not None
    share = 565 / 600
    assert row.discordance == pytest.approx(2 * share * (1 - share))
    assert row.n == 600
    # (1.645 + 1.282)² times the share that differs over the margin's square, about.
    assert row.needed == pytest.approx(8.56 * row.discordance / 0.02**2, rel=0.05)
    assert not row.decides


def test_a_stated_discordance(gate_runs: GateRuns) -> None:
    row = only(planned(gate_runs, "better", discordance=0.02))
    assert row.discordance == 0.02
    assert row.decides
    assert row.needed is not None
    assert row.needed < 600
    assert row.possible_margin is not None
    assert row.possible_margin < 0.02
    assert row.possible_loss is not None
    assert 0.02 < row.possible_loss < 0.05


def test_no_pair_that_differs_needs_what_the_exact_bound_needs(gate_runs: GateRuns) -> None:
    assert only(planned(gate_runs, "same")).needed == math.ceil(math.log(0.05) / math.log(0.98)) == 149
    assert only(planned(gate_runs, "same", margin=0.01)).needed == math.ceil(math.log(0.05) / math.log(0.99))


def test_more_samples_rule_out_a_smaller_margin(gate_runs: GateRuns) -> None:
    margins = [only(planned(gate_runs, "better", n=n)).possible_margin for n in (200, 2000, 20000)]
    assert all(margin is not None for margin in margins)
    assert margins == sorted(margins, reverse=True)  # type: ignore[type-var]


def test_what_cannot_decide_is_told(gate_runs: GateRuns) -> None:
    assert planned(gate_runs, "same").undecidable is None
    assert "could not decide" in (planned(gate_runs, "same", "better").undecidable or "")
    assert "acc of better with 600 samples" in (planned(gate_runs, "same", "better").undecidable or "")
    # What has been stated is not asked for.
    assert "--discordance" in (planned(gate_runs, "same", "better").undecidable or "")
    stated = planned(gate_runs, "better", n=40, discordance=0.02).undecidable or ""
    assert stated.endswith("take more samples or a wider margin.")
    # Who asks what a margin needs is told, and not refused.
    assert planned(gate_runs, "better", margin=0.01).undecidable is None
    assert planned(gate_runs, "better", n=100_000).undecidable is None


def test_nothing_to_plan(gate_runs: GateRuns) -> None:
    with pytest.raises(UserError, match="gates nothing of this baseline"):
        planned(gate_runs)


def test_what_fewer_pairs_that_differ_would_need_stands_beside_the_worst_case(gate_runs: GateRuns) -> None:
    row = only(planned(gate_runs, "better"))
    assert row.by_share is not None
    assert len(row.by_share) == len(SHARES)
    two = only(planned(gate_runs, "better", discordance=0.02))
    assert row.by_share[1] == two.needed
    # Of ten in a hundred no two models differ that are right in 94 of a hundred: 10.8 % do.
    known = [one for one in row.by_share if one is not None]
    assert known == sorted(known)
    assert row.needed is not None
    assert known[-1] < row.needed
    assert two.by_share is None
    assert row.needed_same is None
    assert share_cells(row)[-2].endswith(" %)")
    named = share_cells(replace(row, task="\x1b[31mt", metric="##[error]m"))
    assert named[:2] == cells(replace(row, task="\x1b[31mt", metric="##[error]m"))[:2]
    assert "\x1b" not in named[0]
    assert "##[" not in named[1]


def test_a_share_that_unrelated_models_do_not_reach_is_left_out(gate_runs: GateRuns) -> None:
    row = only(planned(gate_runs, "same"))
    assert row.by_share == (None,) * len(SHARES)


def test_the_refusal_says_what_fewer_would_need(gate_runs: GateRuns) -> None:
    said = planned(gate_runs, "better").undecidable or ""
    assert "of the pairs differ, for its margin" in said
