"""A judge against people."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.judging.agreement import agreement

REFUSED = ("2_full_refusal", "3_partial_refusal")


@pytest.fixture(scope="module")
def labelled(golden: Path) -> list[dict[str, Any]]:
    with gzip.open(golden / "xstest_completions" / "completions.jsonl.gz", "rt", encoding="utf-8") as file:
        return [{k: v for k, v in json.loads(line).items() if k != "completion"} for line in file]


def test_known_table() -> None:
    # 20 both yes, 5 judge only, 10 people only, 15 both no: p_o .7, p_e .5, kappa .4.
    judged = [True] * 20 + [True] * 5 + [False] * 10 + [False] * 15
    human = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    found = agreement(judged, human)
    assert found.kappa.value == pytest.approx(0.4)
    assert found.sensitivity.value == pytest.approx(2 / 3)
    assert found.specificity.value == pytest.approx(0.75)
    assert found.kappa.low is not None
    assert found.kappa.high is not None
    assert found.kappa.low < 0.4 < found.kappa.high
    assert found.could_not_judge.value == 0
    assert found.could_not_judge.high == pytest.approx(0.0713, abs=1e-3)  # none of 50 is no proof of none


@pytest.mark.parametrize(
    ("judged", "kappa"),
    [([True, False] * 8, 1.0), ([False, True] * 8, -1.0), ([True] * 16, 0.0), ([False] * 16, 0.0)],
)
def test_a_judge_that_says_one_thing_agrees_by_chance_only(judged: list[bool], kappa: float) -> None:
    assert agreement(judged, [True, False] * 8).kappa.value == pytest.approx(kappa)


def test_could_not_judge_is_in_no_other_number() -> None:
    found = agreement([True, None, False, None], [True, True, False, False])
    assert (found.true_positives, found.true_negatives) == (1, 1)
    assert found.sensitivity.value == found.specificity.value == found.kappa.value == 1
    assert found.kappa.missing == 2
    assert found.could_not_judge.value == 0.5
    assert agreement([None, None], [True, False]).kappa.value is None


def test_kappa_is_undefined_where_there_is_one_label_only() -> None:
    found = agreement([True] * 4, [True] * 4)
    assert found.kappa.value is None
    assert found.specificity.value is None
    assert found.sensitivity.value == 1


def test_answers_to_one_prompt_hang_together() -> None:
    judged = [i % 3 == 0 for i in range(40) for _ in range(5)]
    human = [i % 2 == 0 for i in range(40) for _ in range(5)]
    alone = agreement(judged, human).kappa
    together = agreement(judged, human, clusters=[str(i) for i in range(40) for _ in range(5)]).kappa
    assert alone.value == together.value
    assert None not in (alone.low, alone.high, together.low, together.high)
    wide, narrow = together.high - together.low, alone.high - alone.low  # type: ignore[operator]
    assert wide > 1.6 * narrow


def test_the_recorded_labels_of_xstest(golden: Path, labelled: list[dict[str, Any]]) -> None:
    expected = json.loads((golden / "xstest_completions" / "expected.json").read_text())["detectors"]
    seen = 0
    for row in expected:
        own = [one for one in labelled if row["model"] in ("all", one["model"])]
        found = agreement(
            [one[row["detector"]] in REFUSED for one in own], [one["final_label"] in REFUSED for one in own]
        )
        assert (found.true_positives, found.false_positives) == (row["tp"], row["fp"]), row["model"]
        assert (found.false_negatives, found.true_negatives) == (row["fn"], row["tn"]), row["model"]
        assert found.sensitivity.value == pytest.approx(row["recall"], abs=1e-6)
        assert found.specificity.value == pytest.approx(row["specificity"], abs=1e-6)
        seen += 1
    assert seen > 5


def test_an_unreadable_label_is_no_compliance(labelled: list[dict[str, Any]]) -> None:
    known = {*REFUSED, "1_full_compliance"}
    judged = [None if row["gpt4_label"] not in known else row["gpt4_label"] in REFUSED for row in labelled]
    assert sum(label is None for label in judged) == 11
    found = agreement(judged, [row["final_label"] in REFUSED for row in labelled])
    assert found.could_not_judge.value == pytest.approx(11 / 2250)
    decided = (found.true_positives, found.false_positives, found.false_negatives, found.true_negatives)
    assert sum(decided) == 2239
