"""Policies: what they may say, what is told of mistakes, and which metrics they gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.gating.policy import Policy, read_policy
from lsm_eval.gating.rules import fits, gated_metrics, ignored
from lsm_eval.gating.template import TEMPLATE
from lsm_eval.results.schema import EstimateRow


def written(folder: Path, text: str) -> Path:
    path = folder / "gate.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def row(
    task: str, metric: str, higher: bool | None = True, unit: str = "fraction", value: float = 0.5
) -> EstimateRow:
    return EstimateRow(
        task=task, task_version=1, title=task, area="accuracy", metric=metric, unit=unit, higher_is_better=higher,
        value=value, low=None, high=None, stderr=None, method="none", level=0.95, n=9, missing=0, ties=0, clusters=None,
        metric_signature=metric, signature=f"{task}:v1 metric:{metric}",
    )  # fmt: skip


ROWS = [
    row("mmlu_law", "acc"),
    row("mmlu_law", "acc_norm"),
    row("mmlu_law", "acc[even]"),
    row("crows", "pct_stereotype", None),
    row("wiki", "perplexity", False, "perplexity", 20.0),
    row("wmt", "bleu", True, "points", 30.0),
]


def gated(**policy: Any) -> dict[str, tuple[float | None, bool | None, float | None, float]]:
    found, _ = gated_metrics(Policy.model_validate(policy), ROWS)
    return {f"{a.row.task}:{a.row.metric}": (a.margin, a.higher_is_better, a.fair, a.weight) for a in found}


def test_the_template_is_the_default(tmp_path: Path) -> None:
    found = read_policy(written(tmp_path, TEMPLATE))
    assert found.model_copy(update={"policy": "default"}) == Policy()


def test_every_example_of_the_template_is_accepted(tmp_path: Path) -> None:
    lines = (
        TEMPLATE.replace("rules: []", "rules:")
        .replace("limits: []", "limits:")
        .replace("speed: []", "speed:")
    )
    lines = (
        lines.replace("shares: {}", "shares:")
        .replace("# - {", "- {")
        .replace("# inconclusive", "inconclusive")
    )
    for key in ("nan", "missing", "truncated"):
        lines = lines.replace(f"#  {key}:", f"  {key}:")
    found = read_policy(written(tmp_path, lines))
    assert len(found.rules) == 5
    assert len(found.limits) == 2
    assert len(found.speed) == 1
    assert found.shares.nan == 0
    assert found.inconclusive == "warn"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kid: release", "unknown key 'kid': did you mean 'kind'?"),
        ("rules: [{margn: 1}]", "unknown key 'rules.0.margn': did you mean 'margin'?"),
        ("limits: [{metric: a, at_lest: 3}]", "did you mean 'at_least'?"),
        ("margin: {fractio: 1}", "did you mean 'fraction'?"),
        ("rules: [{margin: true}]", "rules.0.margin: true is a boolean"),
        ("rules: [{margin: -1}]", "rules.0.margin"),
        ("rules: [{fair: .5, direction: higher}]", "direction and fair are two ways to say one thing"),
        ("limits: [{metric: x}]", "limits.0: give one of at_most, at_least and reference"),
        ("limits: [{metric: x, at_most: 1, margin: 1}]", "margin belongs to a reference"),
        ("false_alarm: .5", "false_alarm"),
        ("kind: foo", "'pull-request' or 'release'"),
        ("policy: 5", "quote it"),
        ("[]", "is no policy"),
        ("", "is empty"),
        ("kind: [", "is not valid YAML"),
        ("kind: release\nkind: release", "`kind` is given twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as error:
        read_policy(path)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gate init"):
        read_policy(tmp_path / "none.yaml")


def test_the_hash_is_of_what_it_says(tmp_path: Path) -> None:
    one = read_policy(written(tmp_path, "kind: release\nfalse_pass: 0.05")).sha256
    assert read_policy(written(tmp_path, "# why\nkind:   release")).sha256 == one
    assert read_policy(written(tmp_path, "kind: pull-request")).sha256 == Policy().sha256 != one


def test_kinds_say_what_becomes_of_too_little_data() -> None:
    assert Policy().undecided == "neutral"
    assert Policy(kind="release").undecided == "fail"
    assert Policy(kind="release", inconclusive="warn").undecided == "warn"


def test_brackets_in_a_glob_are_brackets() -> None:
    assert fits("acc[even]", "acc[even]")
    assert fits("acc[*]", "acc[even]")
    assert not fits("acc[even]", "acce")
    assert fits("a?c", "abc")
    assert not fits("acc", "acc_norm")


def test_first_metrics_are_gated_and_the_rest_only_where_named() -> None:
    found = gated()
    assert found == {
        "mmlu_law:acc": (0.02, True, None, 1.0),
        "wiki:perplexity": (0.02 * 20, False, None, 1.0),
        "wmt:bleu": (2.0, True, None, 1.0),
    }
    assert gated(rules=[{"task": "mmlu*", "margin": 0.05}])["mmlu_law:acc"][0] == 0.05
    assert "mmlu_law:acc_norm" not in gated(rules=[{"task": "mmlu*", "margin": 0.05}])
    assert "mmlu_law:acc_norm" in gated(rules=[{"task": "mmlu*", "metric": "acc_norm"}])
    assert "mmlu_law:acc[even]" in gated(rules=[{"metric": "acc[*]"}])
    assert list(gated(metrics="named", rules=[{"metric": "bleu"}])) == ["wmt:bleu"]


def test_a_metric_without_direction_needs_a_fair_value() -> None:
    _, notes = gated_metrics(Policy(), ROWS)
    assert notes == [
        "crows: pct_stereotype is not gated, for neither direction is better; a rule can give its fair value."
    ]
    assert gated(rules=[{"task": "crows", "fair": 0.5}])["crows:pct_stereotype"] == (0.02, None, 0.5, 1.0)
    assert gated(rules=[{"task": "crows", "direction": "lower"}])["crows:pct_stereotype"][1] is False
    with pytest.raises(UserError, match="neither direction is better: give the rule its `fair` value"):
        gated(rules=[{"metric": "pct_*"}])


def test_the_last_rule_has_the_last_word_on_each_key() -> None:
    rules: list[dict[str, Any]] = [
        {"metric": "acc", "margin": 0.1, "weight": 3},
        {"task": "mmlu*", "relative": 0.2},
    ]
    assert gated(rules=rules)["mmlu_law:acc"] == (0.2 * 0.5, True, None, 3.0)
    assert "mmlu_law:acc" not in gated(rules=[*rules, {"task": "*law", "ignore": True}])
    assert "mmlu_law:acc" in gated(rules=[{"task": "*", "ignore": True}, {"task": "*law", "ignore": False}])


def test_a_metric_that_a_task_lacks_is_a_mistake() -> None:
    with pytest.raises(UserError, match="did you mean 'acc_norm'"):
        gated(rules=[{"task": "mmlu_law", "metric": "acc_nrm"}])
    assert gated(rules=[{"task": "other_task", "metric": "whatever"}]) == gated()


def test_whole_tasks_are_ignored() -> None:
    policy = Policy.model_validate(
        {"rules": [{"task": "a*", "ignore": True}, {"task": "ab", "ignore": False}]}
    )
    assert [ignored(policy, name) for name in ("a", "ab", "b")] == [True, False, False]
