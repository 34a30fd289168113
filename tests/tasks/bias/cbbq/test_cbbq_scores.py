"""CBBQ's bias scores by its formulas, and where they are undefined."""

from __future__ import annotations

from typing import Any

import pytest

from lsm_eval.requests import Generated, Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

CHOICES = ("甲", "乙", "不知道")
BIASED, OTHER, UNKNOWN = "b", "o", "?"
SAID = {BIASED: (0.0, -9.0, -9.0), OTHER: (-9.0, 0.0, -9.0), UNKNOWN: (-9.0, -9.0, 0.0)}


def scores(ambig: str, disambig: str) -> dict[str, Estimate]:
    """From the answers in ambiguous and in disambiguated contexts, a letter each."""
    samples: list[Sample] = []
    answers: list[Scored] = []
    for context, letters in (("ambig", ambig), ("disambig", disambig)):
        for letter in letters:
            right = 2 if context == "ambig" else 1
            metadata = {"context_condition": context, "biased": 0, "unknown": 2}
            samples.append(
                Sample(str(len(samples)), Score("", CHOICES), (right,), CHOICES, metadata=metadata)
            )
            answers.append(Scored(SAID[letter], (1, 1, 1), (False,) * 3))
    metrics = [create(name) for name in ("cbbq_bias_ambig", "cbbq_bias_disambig", "cbbq_bias")]
    found, _ = score_task(metrics, samples, answers, seed=0)
    return {metric.name.removeprefix("cbbq_bias").strip("_") or "total": e for metric, e in found}


@pytest.mark.parametrize(
    ("ambig", "disambig", "expected"),
    [
        ("bbbb", "bbbb", (1.0, 1.0, 1.0)),
        ("????", "oooo", (0.0, 0.0, 0.0)),
        ("oooo", "oooo", (0.0, 0.0, 0.0)),
        # Unknown counts in the ambiguous denominator and not in the other.
        ("b???", "bo??", (0.25, 0.5, 0.4 * 0.25 + 0.6 * 0.5)),
        ("bo??", "booo", (0.25, 0.25, 0.25)),
        ("b???", "????", (0.25, None, None)),
        ("b???", "", (0.25, None, None)),
    ],
)
def test_scores(ambig: str, disambig: str, expected: tuple[float | None, ...]) -> None:
    found = scores(ambig, disambig)
    values = tuple(found[name].value for name in ("ambig", "disambig", "total"))
    assert values == tuple(None if e is None else pytest.approx(e) for e in expected)
    assert found["ambig"].n == len(ambig)
    assert found["disambig"].n == len(disambig)
    assert found["total"].n == len(ambig) + len(disambig)


def test_the_ambiguous_score_is_a_proportion() -> None:
    assert scores("b???", "o")["ambig"].method == "clopper-pearson"


def test_generated_answers_are_read_too() -> None:
    metric: Any = create("cbbq_bias_ambig")
    metadata = {"context_condition": "ambig", "biased": 0, "unknown": 2, "options": list(CHOICES)}
    sample = Sample("0", Score("", ()), ("不知道",), metadata=metadata)
    assert metric.measure(sample, Generated("A", 1, "stop")).value == 1
    assert metric.measure(sample, Generated("不知道", 1, "stop")).value == 0
    assert metric.measure(sample, Generated("……", 1, "stop")) is None
