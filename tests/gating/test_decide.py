"""The three answers on real runs, and what every odd case comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from gate_runs import GateRuns, copy, edited, failing, run_of, with_manifest

import lsm_eval
from lsm_eval.errors import UserError
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.result import Finding, GateResult
from lsm_eval.gating.written.text import lines


def judged(
    runs: GateRuns,
    *tasks: str,
    first: Path | None = None,
    second: Path | None = None,
    across: Any = (),
    **policy: Any,
) -> GateResult:
    """Under a policy that gates these tasks alone."""
    rules = [{"task": "*", "ignore": True}, *({"task": task, "ignore": False} for task in tasks)]
    told = Policy.model_validate({**policy, "rules": [*rules, *policy.get("rules", [])]})
    return lsm_eval.gate(
        first or runs.baseline, second or runs.candidate, told, across=across, include=[runs.tasks]
    )


def only(result: GateResult) -> Finding:
    assert len(result.findings) == 1
    return result.findings[0]


def test_a_proven_loss_beyond_the_margin_fails(gate_runs: GateRuns) -> None:
    result = judged(gate_runs, "worse")
    found = only(result)
    assert (result.answer, result.exit_code, found.answer) == ("fail", 1, "fail")
    assert (found.n, found.discordant, found.missing) == (600, 60, 0)
    assert found.loss == pytest.approx(40 / 600)
    assert found.baseline == pytest.approx(590 / 600)
    assert found.low is not None
    assert found.low > 0.02
    assert found.p is not None
    assert found.p < 1e-4
    assert "proven, and beyond the margin of 2 pp" in found.why
    assert {flip.metric for flip in result.flips} == {"acc"}
    assert len(result.flips) == 5


def test_a_loss_that_is_ruled_out_passes(gate_runs: GateRuns) -> None:
    for task in ("same", "better"):
        result = judged(gate_runs, task)
        assert (result.answer, result.exit_code) == ("pass", 0)
        assert only(result).answer == "pass"
    assert not result.flips


def test_too_little_data_says_what_would_decide(gate_runs: GateRuns) -> None:
    result = judged(gate_runs, "unsure")
    found = only(result)
    assert (result.answer, result.exit_code) == ("not enough data", 3)
    assert (found.n, found.discordant) == (200, 20)
    assert found.smallest_loss is not None
    assert 0.05 < found.smallest_loss < 0.1
    assert found.wanted_n is not None
    assert found.wanted_n > 1000
    assert found.why.startswith("200 pairs, of which 20 differ (10 %), can show a loss of 7.04 pp")


def test_what_becomes_of_too_little_data(gate_runs: GateRuns) -> None:
    assert judged(gate_runs, "unsure", kind="release").exit_code == 1
    assert judged(gate_runs, "unsure", inconclusive="warn").exit_code == 0
    told = Policy.model_validate(
        {"rules": [{"task": "*", "ignore": True}, {"task": "unsure", "ignore": False}]}
    )
    for asked, code in (("warn", 0), ("fail", 1), ("neutral", 3)):
        result = lsm_eval.gate(gate_runs.baseline, gate_runs.candidate, told, inconclusive=asked)  # type: ignore[arg-type]
        assert result.exit_code == code


def test_no_pair_differs_passes_by_the_exact_bound_alone(gate_runs: GateRuns) -> None:
    # 1 - 0.05 ** (1 / 400) = 0.0075
    found = only(judged(gate_runs, "same", rules=[{"task": "same", "margin": 0.0076}]))
    assert (found.answer, found.discordant) == ("pass", 0)
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 400))
    found = only(judged(gate_runs, "same", rules=[{"task": "same", "margin": 0.0074}]))
    assert found.answer == "not enough data"
    assert found.wanted_n == 404


def test_a_record_against_itself_and_a_copy_of_it(gate_runs: GateRuns, tmp_path: Path) -> None:
    for second in (gate_runs.baseline, copy(gate_runs.baseline, tmp_path)):
        result = judged(gate_runs, "worse", second=second)
        assert result.answer == "pass"
        assert any("one and the same run" in note for note in result.notes)
        # Too few to rule out the margin, even where nothing differs.
        assert judged(gate_runs, "few", second=second).answer == "not enough data"


def test_a_second_run_of_the_same_model_is_no_regression(gate_runs: GateRuns, tmp_path: Path) -> None:
    again = run_of("builtin:first", gate_runs.tasks, tmp_path / "reports", "worse,same")
    result = judged(gate_runs, "worse", "same", second=again)
    assert result.answer == "pass"
    assert not any("same run" in note for note in result.notes)


def test_few_pairs_one_cluster_and_three(gate_runs: GateRuns) -> None:
    for task in ("few", "lone", "one_passage", "three_passages"):
        found = only(judged(gate_runs, task))
        assert found.answer == "not enough data", task
    assert "one cluster" in only(judged(gate_runs, "one_passage")).why
    assert "only 3 clusters" in only(judged(gate_runs, "three_passages")).why


def test_all_ties(gate_runs: GateRuns, tmp_path: Path) -> None:
    tied = run_of("builtin:uniform", gate_runs.tasks, tmp_path / "reports", "same")
    found = only(judged(gate_runs, "same", first=tied, second=tied))
    assert (found.answer, found.discordant, found.loss) == ("pass", 0, 0)


def test_no_sample_in_common(gate_runs: GateRuns, tmp_path: Path) -> None:
    def renamed(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(sample=[f"other{name}" for name in table["sample"]])

    result = judged(gate_runs, "same", second=edited(gate_runs.candidate, tmp_path, "same", renamed))
    assert (result.answer, result.exit_code) == ("not comparable", 4)
    assert list(result.reasons) == ["same: the two runs have no sample in common."]


def test_another_prompt_is_no_pair(gate_runs: GateRuns, tmp_path: Path) -> None:
    def asked_otherwise(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(asked=[f"{text}x" for text in table["asked"]])

    result = judged(gate_runs, "same", second=edited(gate_runs.candidate, tmp_path, "same", asked_otherwise))
    assert result.exit_code == 4
    assert "no sample of both runs has one prompt" in result.reasons[0]


def test_pairs_are_matched_by_id(gate_runs: GateRuns, tmp_path: Path) -> None:
    turned = edited(gate_runs.candidate, tmp_path, "worse", lambda table: table.iloc[::-1])
    assert only(judged(gate_runs, "worse", second=turned)).discordant == 60


@pytest.mark.parametrize("side", ["first", "second"])
def test_an_outage_is_no_regression(gate_runs: GateRuns, tmp_path: Path, side: str) -> None:
    record = gate_runs.baseline if side == "first" else gate_runs.candidate
    out: dict[str, Any] = {side: edited(record, tmp_path / "more", "worse", failing(31))}
    result = judged(gate_runs, "worse", **out)
    assert (result.answer, result.exit_code, len(result.findings)) == ("not comparable", 4, 0)
    assert result.reasons[0].startswith("worse: 31 of 600 samples (5.17 %) failed in one run or both (")
    fewer: dict[str, Any] = {side: edited(record, tmp_path / "fewer", "worse", failing(30))}
    found = only(judged(gate_runs, "worse", **fewer))
    assert (found.answer, found.n, found.missing) == ("fail", 570, 30)
    lenient = judged(gate_runs, "worse", **out, not_comparable={"missing": 0.1})
    assert only(lenient).n == 569


def test_what_fails_alike_in_both_is_no_outage(gate_runs: GateRuns, tmp_path: Path) -> None:
    both = [
        edited(record, tmp_path / name, "worse", failing(100, "too_long"))
        for record, name in ((gate_runs.baseline, "a"), (gate_runs.candidate, "b"))
    ]
    result = judged(gate_runs, "worse", first=both[0], second=both[1])
    assert only(result).n == 500
    assert "worse: 100 samples failed in one run or both, and are in no pair." in result.notes
    nan = [
        edited(record, tmp_path / name, "worse", failing(100, "nan"))
        for record, name in ((gate_runs.baseline, "c"), (gate_runs.candidate, "d"))
    ]
    assert judged(gate_runs, "worse", first=nan[0], second=nan[1]).exit_code == 4


def test_truncated_answers_of_one_run_alone_are_not_comparable(gate_runs: GateRuns, tmp_path: Path) -> None:
    def cut(count: int) -> Any:
        return lambda table: table.assign(
            finish=["length" if at < count else None for at in range(len(table))]
        )

    many = edited(gate_runs.candidate, tmp_path / "a", "same", cut(21))
    result = judged(gate_runs, "same", second=many)
    assert result.exit_code == 4
    assert "0 % of the baseline's and 5.25 % of the candidate's answers are cut" in result.reasons[0]
    assert (
        judged(
            gate_runs, "same", second=edited(gate_runs.candidate, tmp_path / "b", "same", cut(20))
        ).exit_code
        == 0
    )
    # Answers that run on in both are what the task asks for.
    as_many = edited(gate_runs.baseline, tmp_path / "c", "same", cut(21))
    assert judged(gate_runs, "same", first=as_many, second=many).exit_code == 0


def test_another_signature_is_not_comparable(gate_runs: GateRuns, tmp_path: Path) -> None:
    other = with_manifest(
        gate_runs.candidate, tmp_path, lambda content: [task.update(shots=5) for task in content["tasks"]]
    )
    path = other / "estimates.json"
    path.write_text(path.read_text().replace("shots:0", "shots:5"))
    result = judged(gate_runs, "same", second=other)
    assert result.exit_code == 4
    assert "shots (0 against 5) differs" in result.reasons[0]
    assert "--across shots" in result.reasons[0]
    assert judged(gate_runs, "same", second=other, across=["shots"]).exit_code == 0
    with pytest.raises(UserError, match="--across shoots"):
        judged(gate_runs, "same", second=other, across=["shoots"])


def test_a_task_that_the_candidate_lacks(gate_runs: GateRuns, tmp_path: Path) -> None:
    short = run_of("builtin:longest", gate_runs.tasks, tmp_path / "reports", "same")
    result = judged(gate_runs, "same", "better", second=short)
    assert result.exit_code == 4
    assert result.reasons == [
        "better: the candidate has not run it: run it, or let a rule of the policy ignore it."
    ]
    assert judged(gate_runs, "same", second=short).exit_code == 0
    # The other way round it is worth a note.
    assert judged(gate_runs, "same", first=short).exit_code == 0


def test_a_judge_that_did_not_answer_is_an_outage(gate_runs: GateRuns, tmp_path: Path) -> None:
    def judged_by(lost: int) -> Any:
        def change(content: dict[str, Any]) -> None:
            row = {
                "task": "worse",
                "metric": "acc",
                "rubric": "r",
                "samples": 600,
                "could_not_judge": {"no_answer": lost},
            }
            content["judge"] = {
                "model": content["model"], "read": "text", "same_model": False, "requests": {}, "metrics": [row],
            }  # fmt: skip

        return change

    result = judged(
        gate_runs, "worse", second=with_manifest(gate_runs.candidate, tmp_path / "a", judged_by(31))
    )
    assert result.exit_code == 4
    assert "the judge of the candidate could not judge 31 of 600 answers for acc" in result.reasons[0]
    result = judged(
        gate_runs, "worse", second=with_manifest(gate_runs.candidate, tmp_path / "b", judged_by(30))
    )
    assert result.exit_code == 1


def test_a_proven_loss_is_not_excused_by_an_outage_elsewhere(gate_runs: GateRuns, tmp_path: Path) -> None:
    out = edited(gate_runs.candidate, tmp_path, "same", failing(100))
    result = judged(gate_runs, "same", "worse", second=out)
    assert (result.answer, list(result.reasons)) == ("fail", [])
    assert any(note.startswith("Not compared: same: 100 of 400") for note in result.notes)


def test_false_alarms_are_shared_by_all_metrics(gate_runs: GateRuns) -> None:
    alone = only(judged(gate_runs, "unsure"))
    with_others = {one.task: one for one in judged(gate_runs, "unsure", "same", "better").findings}
    assert alone.p is not None
    assert with_others["unsure"].p == pytest.approx(min(1.0, 3 * alone.p))
    heavy = {
        one.task: one
        for one in judged(
            gate_runs, "unsure", "same", "better", rules=[{"task": "unsure", "weight": 8}]
        ).findings
    }
    assert heavy["unsure"].p == pytest.approx(10 / 8 * alone.p)


def test_lower_may_be_better(gate_runs: GateRuns) -> None:
    found = only(judged(gate_runs, "better", rules=[{"task": "better", "direction": "lower"}]))
    assert (found.answer, found.higher_is_better) == ("fail", False)
    assert found.loss == pytest.approx(30 / 600)


def test_distance_from_a_fair_value(gate_runs: GateRuns) -> None:
    # From 0.942 to 0.992.
    away = only(judged(gate_runs, "better", rules=[{"task": "better", "fair": 0.5}]))
    assert away.answer == "fail"
    assert away.loss == pytest.approx(30 / 600)
    nearer = only(judged(gate_runs, "better", rules=[{"task": "better", "fair": 1.0}]))
    assert nearer.answer == "pass"
    assert nearer.loss == pytest.approx(-30 / 600)
    # The candidate lies as far on the other side: nothing is lost.
    across = only(
        judged(gate_runs, "better", rules=[{"task": "better", "fair": (565 + 595) / 1200, "margin": 0.05}])
    )
    assert across.loss == pytest.approx(0, abs=1e-12)
    assert across.answer == "pass"
    with pytest.raises(UserError, match="which it cannot have"):
        judged(gate_runs, "better", rules=[{"task": "better", "fair": 50.0}])


def test_records_without_samples(gate_runs: GateRuns, tmp_path: Path) -> None:
    bare = with_manifest(
        gate_runs.baseline,
        tmp_path,
        lambda content: [
            task.update(no_samples="left out") for task in content["tasks"] if task["task"] == "same"
        ],
    )
    (bare / "samples" / "same.parquet").unlink()
    result = judged(gate_runs, "same", first=bare)
    assert result.exit_code == 4
    assert "the baseline has no samples of its own" in result.reasons[0]


def test_nothing_gated_is_no_pass(gate_runs: GateRuns) -> None:
    result = judged(gate_runs)
    assert result.exit_code == 4
    assert "gates nothing" in result.reasons[0]


def test_values_are_kept_out_of_the_notes_by_nobody(gate_runs: GateRuns, tmp_path: Path) -> None:
    odd = with_manifest(
        gate_runs.candidate, tmp_path, lambda content: content["model"].update(name="x\n::error::\x1b[31m")
    )
    shown = lines(judged(gate_runs, "same", second=odd))
    assert not any("\x1b" in line or line.startswith("::") for line in shown)
    assert shown[-1].startswith("PASS. ")


def test_the_same_values_from_the_command_line_and_from_python(gate_runs: GateRuns, tmp_path: Path) -> None:
    from command_line import call

    path = tmp_path / "gate.yaml"
    path.write_text("rules: [{task: '*', ignore: true}, {task: worse, ignore: false}]\n")
    done = call(
        "gate", "--baseline", gate_runs.baseline, "--candidate", gate_runs.candidate, "--policy", path,
        "--json", tmp_path / "gate.json",
    )  # fmt: skip
    assert done.code == 1
    content = json.loads((tmp_path / "gate.json").read_text())
    result = lsm_eval.gate(gate_runs.baseline, gate_runs.candidate, path)
    assert content["findings"][0]["p"] == only(result).p
    assert content["policy"]["sha256"] == result.policy_sha256


def test_samples_that_changed_are_told_by_the_policys_direction(gate_runs: GateRuns) -> None:
    # 35 of 600 were gained and 5 lost; the policy holds gains to be losses.
    rules = [{"task": "better", "direction": "lower"}]
    result = judged(gate_runs, "better", rules=rules)
    assert result.answer == "fail"
    assert [(flip.first, flip.second) for flip in result.flips[:3]] == [(0.0, 1.0)] * 3
    assert [(flip.first, flip.second) for flip in result.flips[3:]] == [(1.0, 0.0)] * 2
