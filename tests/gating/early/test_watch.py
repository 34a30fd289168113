"""Look by look: what ends a task, what stands, and what an outage comes to. Scores are given, no model is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from watched_runs import Watched, watched

from lsm_eval.gating.result import Finding
from lsm_eval.gating.written.wording import look_evidence
from lsm_eval.statistics.comparison.score import Score
from lsm_eval.statistics.comparison.sequential import equal_shares, limits


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Tasks of 400 and of 300 samples, the latter in clusters of six."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        return watched(
            tmp_path_factory.mktemp("two"), {"a": (400, 1), "b": (300, 6)}, margin={"fraction": 0.1}
        )


def scores(setting: Watched, name: str) -> np.ndarray:
    table = setting.own.of(name)
    assert table is not None
    statistics = table.statistics("acc")
    assert statistics is not None
    return statistics[:, 0].copy()


def by_task(findings: list[Finding]) -> dict[str, Finding]:
    return {one.task: one for one in findings}


def test_each_task_ends_by_itself(two: Watched) -> None:
    bad = scores(two, "a")
    bad[:] = 0
    result = two.judged({"a": bad, "b": scores(two, "b")})
    assert result.answer == "fail"
    found = by_task(list(result.findings))
    assert (found["a"].answer, found["b"].answer) == ("fail", "pass")
    first, second = found["a"].looked_at, found["b"].looked_at
    assert first is not None
    assert second is not None
    assert (first.look, first.share) == (1, 0.1)
    # Two metrics share the false alarms, and the first look has a tenth of its half.
    assert first.limit_loss == pytest.approx(0.01 / 2 / 10)
    assert first.limit_margin == pytest.approx(0.05 / 10)
    assert second.look is not None
    assert second.look > 1
    assert result.looking is not None
    asked = {one.task: one for one in result.looking.tasks}
    assert (asked["a"].asked, asked["a"].planned, asked["a"].look) == (40, 400, 1)
    assert asked["b"].look == second.look == result.looking.look
    assert asked["b"].asked % 6 == 0
    assert any("Stopped early: a at look 1 of 10 (40 of 400 samples)" in note for note in result.notes)


def test_the_interval_is_that_of_the_limit_at_its_look(two: Watched) -> None:
    result = two.judged({"a": scores(two, "a"), "b": scores(two, "b")})
    found = by_task(list(result.findings))["a"]
    assert found.answer == "pass"
    assert found.looked_at is not None
    assert found.looked_at.look is not None
    passing = limits(0.05, equal_shares())[found.looked_at.look - 1]
    assert found.looked_at.limit_margin == pytest.approx(passing)
    assert found.level == pytest.approx(1 - 2 * passing)
    assert found.high is not None
    assert found.high < 0.1
    # It contradicts neither its p nor the look before.
    assert found.looked_at.p_margin is not None
    assert found.looked_at.p_margin <= passing
    before = found.looked_at.look - 1
    same = Score(40 * before, 0, 0)
    assert same.p(-0.1, "greater") > limits(0.05, equal_shares())[before - 1]


def test_an_undecided_run_goes_to_the_end(two: Watched) -> None:
    unsure = scores(two, "a")
    rng = np.random.default_rng(0)
    lost, gained = (rng.permutation(np.flatnonzero(unsure == one)) for one in (1, 0))
    unsure[lost[:45]], unsure[gained[:20]] = 0, 1
    result = two.judged({"a": unsure, "b": scores(two, "b")})
    assert result.answer == "not enough data"
    found = by_task(list(result.findings))["a"]
    assert (found.answer, found.n) == ("not enough data", 400)
    assert found.looked_at is not None
    assert (found.looked_at.look, found.looked_at.share) == (None, 1.0)
    assert result.looking is not None
    assert result.looking.look == 10
    assert not any("a at look" in note for note in result.notes)


def test_missing_samples_leave_their_pair_and_the_plan_stays(two: Watched) -> None:
    some = scores(two, "a")
    some[np.random.default_rng(1).permutation(400)[:10]] = np.nan
    result = two.judged({"a": some, "b": scores(two, "b")})
    assert result.answer == "pass"
    found = by_task(list(result.findings))["a"]
    assert found.missing > 0
    assert found.looked_at is not None
    assert found.n + found.missing == round(400 * found.looked_at.share)


def test_an_outage_is_no_regression_and_ends_what_is_lost(two: Watched) -> None:
    dead = np.full(400, np.nan)
    result = two.judged({"a": dead, "b": scores(two, "b")})
    assert (result.answer, result.exit_code) == ("not comparable", 4)
    assert result.reasons[0].startswith(
        "a: 40 of 40 samples (100 %) failed in one run or both (candidate: 40 nan)"
    )
    assert result.looking is not None
    # 40 lost are more than 5 % of 400, whatever comes.
    assert {one.task: one.asked for one in result.looking.tasks}["a"] == 40
    # A loss that is proven elsewhere is one all the same.
    bad = two.judged({"a": dead, "b": np.zeros(300)})
    assert (bad.answer, bad.exit_code) == ("fail", 1)
    assert any(note.startswith("Not compared: a: 40 of 40") for note in bad.notes)


def test_a_short_outage_early_on_does_not_end_it(two: Watched) -> None:
    first = two.plan.task("a").slices[0]
    some = scores(two, "a")
    some[list(first)[:15]] = np.nan
    result = two.judged({"a": some, "b": scores(two, "b")})
    found = by_task(list(result.findings))["a"]
    # 15 of 400 are fewer than 5 %; looks at which they are more judge nothing.
    assert (result.answer, found.answer) == ("pass", "pass")
    assert found.looked_at is not None
    assert found.looked_at.look is not None
    assert 15 / (400 * found.looked_at.share) <= 0.05


def test_what_its_last_look_cannot_judge_is_judged_by_the_next(two: Watched) -> None:
    own = {one.metric.row.task: one for one in two.plan.watched}
    # A metric whose last pairs are in at look 3, while 8 of 120 samples failed; at look 4 it is 8 of 160.
    early = replace(own["a"], shares=(0.4, 0.7, *(1.0,) * 8))
    setting = replace(two, plan=replace(two.plan, watched=(early, own["b"])))
    some = scores(two, "a")
    some[list(two.plan.task("a").slices[0])[:8]] = np.nan
    result = setting.judged({"a": some, "b": scores(two, "b")})
    found = by_task(list(result.findings))["a"]
    assert (result.answer, found.answer) == ("pass", "pass")
    assert found.looked_at is not None
    assert (found.looked_at.look, found.looked_at.share) == (4, 1.0)


def test_pairs_that_end_before_the_last_look_and_have_no_interval_are_not_enough(
    own_cache: Path, tmp_path: Path
) -> None:
    # The last of six clusters is in at look 9; half of them fail, which the policy allows.
    setting = watched(
        tmp_path, {"a": (400, 1), "b": (300, 50)}, margin={"fraction": 0.1}, not_comparable={"missing": 0.5}
    )
    assert setting.plan.watched[1].shares[-2:] == (1.0, 1.0)
    some = scores(setting, "b")
    some[:150] = np.nan
    result = setting.judged({"a": scores(setting, "a"), "b": some})
    assert (result.answer, result.exit_code) == ("not enough data", 3)
    found = by_task(list(result.findings))["b"]
    assert (found.answer, found.n) == ("not enough data", 150)
    assert "there is no interval of their difference (only 3 clusters)" in found.why


def test_an_outage_at_the_end_is_no_answer_of_the_looks_before(two: Watched) -> None:
    unsure = scores(two, "a")
    rng = np.random.default_rng(0)
    lost, gained = (rng.permutation(np.flatnonzero(unsure == one)) for one in (1, 0))
    unsure[lost[:45]], unsure[gained[:20]] = 0, 1
    unsure[[*two.plan.task("a").slices[8], *two.plan.task("a").slices[9]]] = np.nan
    result = two.judged({"a": unsure, "b": scores(two, "b")})
    assert result.answer == "not comparable"
    assert result.reasons[0].startswith("a: 40 of 360 samples")


def test_a_loss_that_a_look_before_proved_is_told_so(two: Watched) -> None:
    result = two.judged({"a": np.zeros(400), "b": scores(two, "b")})
    found = by_task(list(result.findings))["a"]
    assert found.looked_at is not None
    assert (look_evidence(found) or "").startswith("settled at look 1, with 10 % of its pairs: p of no loss")
    later = replace(found, looked_at=replace(found.looked_at, look=5, p_loss=0.02))
    assert (look_evidence(later) or "").startswith(
        "settled at look 5, its loss being proven by a look before, with 10 % of its pairs: p of no loss 0.02"
    )


def test_a_task_whose_samples_are_all_asked_keeps_what_was_said_of_it(
    own_cache: Path, tmp_path: Path
) -> None:
    # `b` is all in at look 9, `a` goes on to look 10.
    sizes = {"a": (400, 1), "b": (300, 50)}
    setting = watched(tmp_path, sizes, margin={"fraction": 0.1}, not_comparable={"missing": 0.1})
    unsure, some = scores(setting, "a"), scores(setting, "b")
    rng = np.random.default_rng(0)
    lost, gained = (rng.permutation(np.flatnonzero(unsure == one)) for one in (1, 0))
    unsure[lost[:45]], unsure[gained[:20]] = 0, 1
    some[::25] = np.nan
    result = setting.judged({"a": unsure, "b": some})
    assert result.answer == "not enough data"
    assert "b: 12 samples failed in one run or both, and are in no pair." in result.notes
    assert result.looking is not None
    assert {one.task: one.look for one in result.looking.tasks} == {"a": 10, "b": 9}
