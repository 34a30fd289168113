"""Metrics that are no mean over samples: BLEU and perplexity of two tiny checkpoints."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from compared_runs import Runs, make_runs

import lsm_eval
from lsm_eval.comparison.find import find
from lsm_eval.errors import UserError
from lsm_eval.gating.plan import plan
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.result import Finding


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Of two tiny checkpoints."""
    return make_runs(tmp_path_factory.mktemp("tiny"))


def found(runs: Runs, second: Path, metric: str, **rule: float | str) -> Finding:
    told = Policy.model_validate({"metrics": "named", "rules": [{"metric": metric, **rule}]})
    (one,) = lsm_eval.gate(runs.first, second, told, include=[runs.tasks]).findings
    return one


def test_equal_answers_say_what_so_many_can(runs: Runs) -> None:
    bound = 1 - 0.05 ** (1 / 24)
    bleu = found(runs, runs.first, "bleu", margin=100.0)
    assert (bleu.answer, bleu.discordant, bleu.loss) == ("pass", 0, 0)
    # Its texts are of uneven length, so that they count as fewer than 24.
    assert bleu.high is not None
    assert 100 * bound < bleu.high < 200 * bound
    assert found(runs, runs.first, "bleu", margin=bleu.high + 0.1).answer == "pass"
    assert found(runs, runs.first, "bleu", margin=bleu.high - 0.1).answer == "not enough data"
    perplexity = found(runs, runs.first, "byte_perplexity", margin=1e6)
    assert (perplexity.answer, perplexity.loss) == ("pass", 0)
    assert perplexity.high is not None
    assert perplexity.high > 0
    assert found(runs, runs.first, "byte_perplexity", margin=perplexity.high / 2).answer == "not enough data"


def test_another_model(runs: Runs) -> None:
    one = found(runs, runs.second, "byte_perplexity", margin=1e6)
    assert one.answer == "pass"
    assert one.higher_is_better is False
    assert one.loss is not None
    assert one.baseline is not None
    assert one.candidate is not None
    assert one.loss == pytest.approx(one.candidate - one.baseline)
    assert one.low is not None
    assert one.high is not None
    assert one.low <= one.loss <= one.high
    other = found(runs, runs.second, "byte_perplexity", margin=1e6, direction="higher")
    assert other.loss == pytest.approx(-one.loss)


def test_sensitive_texts_are_marked(runs: Runs) -> None:
    assert found(runs, runs.second, "chrf").sensitive


def test_without_its_task_file_it_is_not_comparable(runs: Runs) -> None:
    told = Policy.model_validate({"metrics": "named", "rules": [{"metric": "bleu"}]})
    result = lsm_eval.gate(runs.first, runs.second, told)
    assert result.exit_code == 4
    assert "--include" in result.reasons[0]


def test_a_fair_value_of_a_metric_that_is_no_mean(runs: Runs) -> None:
    """The distance from a value that both lie below is the difference itself."""
    plain = found(runs, runs.second, "byte_perplexity", margin=1e6, direction="higher")
    fair = found(runs, runs.second, "byte_perplexity", margin=1e6, fair=1e9)
    assert fair.loss == pytest.approx(plain.loss, rel=1e-5)
    assert (fair.answer, fair.higher_is_better) == ("pass", None)
    assert fair.baseline is not None
    assert fair.candidate is not None
    # Between the two it lies as near to one as to the other.
    middle = found(
        runs, runs.second, "byte_perplexity", margin=1.0, fair=(fair.baseline + fair.candidate) / 2
    )
    assert middle.loss == pytest.approx(0, abs=1e-6)
    assert middle.answer == "not enough data"


def test_a_plan_refuses_what_no_gate_can_compare(runs: Runs) -> None:
    told = Policy.model_validate({"metrics": "named", "rules": [{"metric": "bleu"}]})
    baseline = find(str(runs.first))
    (row,) = plan(baseline, told, include=[runs.tasks]).rows
    # However little BLEU varies: so many equal texts rule out two points of a hundred.
    assert row.needed is not None
    assert row.needed >= math.ceil(math.log(0.05) / math.log(0.98))
    assert not row.decides
    with pytest.raises(
        UserError, match=r"the policy gates bleu of .*, which no gate can compare, because .*--include"
    ):
        plan(baseline, told)
