"""Macro-F1 and the rows of each class: scikit-learn's numbers, ties, unread answers, and mistakes in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.joint import SampleResponse
from lsm_eval.requests import Failure, Generate, Generated, Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

CLASSES = ("yes", "no", "maybe")


@pytest.fixture(scope="module")
def theirs() -> Any:
    return pytest.importorskip("sklearn.metrics", reason="scikit-learn is another implementation")


def chosen(*logprobs: float) -> Scored:
    return Scored(logprobs, (1,) * len(logprobs), (False,) * len(logprobs))


def choice(number: int, true: int, choices: tuple[str, ...] = CLASSES, cluster: str | None = None) -> Sample:
    return Sample(str(number), Score("q", choices), (true,), choices, cluster)


def written(number: int, true: str) -> Sample:
    return Sample(str(number), Generate("q"), (true,))


def text(said: str) -> Generated:
    return Generated(said, 1, "stop")


def found(spec: Any, samples: list[Sample], answers: list[SampleResponse]) -> dict[str, Estimate]:
    rows, _ = score_task([create(spec)], samples, answers, seed=0)
    return {metric.name: estimate for metric, estimate in rows}


def classified(rng: np.random.Generator, number: int) -> tuple[list[int], list[int]]:
    true = rng.choice(3, number, p=[0.6, 0.3, 0.1])
    said = np.where(rng.random(number) < 0.7, true, rng.choice(3, number))
    return true.tolist(), said.tolist()


@pytest.mark.parametrize("number", [3, 12, 200])
@pytest.mark.parametrize("seed", range(4))
def test_values_are_those_of_scikit_learn(number: int, seed: int, theirs: Any) -> None:
    true, said = classified(np.random.default_rng(seed), number)
    samples = [choice(i, one) for i, one in enumerate(true)]
    answers: list[SampleResponse] = [chosen(*(-float(i != one) for i in range(3))) for one in said]
    rows = found("macro_f1", samples, answers)
    assert rows["macro_f1"].value == pytest.approx(theirs.f1_score(true, said, average="macro"))
    wanted_rows = theirs.precision_recall_fscore_support(true, said, labels=[0, 1, 2], zero_division=np.nan)
    for name, own in zip(("precision", "recall", "f1", "support"), wanted_rows, strict=True):
        for label, wanted in zip(CLASSES, own, strict=True):
            value = rows[f"macro_f1.{name}[{label}]"].value
            # Nothing was taken for the class, or nothing is of it: scikit-learn says 0 with a warning, we say nothing.
            assert (np.nan if value is None else value) == pytest.approx(wanted, nan_ok=True), (name, label)
    assert rows["macro_f1.recall[maybe]"].n == true.count(2)
    assert rows["macro_f1.precision[maybe]"].n == said.count(2)
    assert len(rows) == 1 + 4 * 3


def test_classes_are_told_by_their_text_whatever_the_order() -> None:
    turned = ("no", "yes")
    samples = [choice(0, 0, ("yes", "no")), choice(1, 1, turned), choice(2, 0, turned)]
    answers: list[SampleResponse] = [chosen(0, -1), chosen(-1, 0), chosen(-1, 0)]
    rows = found("macro_f1", samples, answers)
    assert rows["macro_f1.recall[yes]"].value == 1
    assert rows["macro_f1.recall[no]"].value == 0
    assert rows["macro_f1"].value == pytest.approx((2 * 2 / (3 + 2) + 0) / 2)


def test_labels_name_choices_by_their_place() -> None:
    samples = [choice(0, 0, ("Rome", "Oslo")), choice(1, 1, ("Bern", "Bonn"))]
    answers: list[SampleResponse] = [chosen(0, -1), chosen(0, -1)]
    rows = found({"macro_f1": {"labels": ["A", "B"], "rows": ["recall"]}}, samples, answers)
    assert {name: row.value for name, row in rows.items() if "recall" in name} == {
        "macro_f1.recall[A]": 1.0,
        "macro_f1.recall[B]": 0.0,
    }
    assert len(rows) == 3


def test_tied_choices_share_the_prediction() -> None:
    samples = [choice(0, 0), choice(1, 2)]
    rows = found("macro_f1", samples, [chosen(0, 0, -1), chosen(-1, -1, 0)])
    assert (rows["macro_f1"].ties, rows["macro_f1.f1[yes]"].ties, rows["macro_f1.f1[maybe]"].ties) == (
        1,
        1,
        0,
    )
    assert rows["macro_f1.f1[yes]"].value == pytest.approx(2 * 0.5 / (0.5 + 1))
    assert rows["macro_f1.recall[yes]"].value == 0.5
    assert rows["macro_f1"].value == pytest.approx((2 / 3 + 0 + 1) / 3)


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("exact_match", ["yes", "no", "no", "hm"]),
        ("yes_no_match", ["Yes.", "No, it is not.", "no", "It depends."]),
        ({"contains": {"ignore_case": True}}, ["Yes!", "no", "I say no", "yes or no"]),
    ],
)
def test_completions_are_read_by_the_rule(of: Any, said: list[str]) -> None:
    samples = [written(i, true) for i, true in enumerate(["yes", "yes", "no", "no"])]
    rows = found({"macro_f1": {"of": of, "labels": ["yes", "no"]}}, samples, [text(one) for one in said])
    each = 2 * 1 / (1 + 2), 2 * 1 / (2 + 2)
    assert rows["macro_f1"].value == pytest.approx(sum(each) / 2)
    assert rows["macro_f1.recall[no]"].value == 0.5  # the unread one is missed by its class
    assert rows["macro_f1.precision[no]"].n == 2  # and taken for none


def test_failures_are_missing_where_they_would_have_counted() -> None:
    samples = [choice(i, true) for i, true in enumerate([0, 0, 1])]
    rows = found("macro_f1", samples, [chosen(0, -1, -1), Failure("nan", ""), chosen(-1, 0, -1)])
    assert [rows[name].missing for name in ("macro_f1", "macro_f1.recall[yes]", "macro_f1.recall[no]")] == [
        1,
        1,
        0,
    ]
    assert rows["macro_f1.support[yes]"].value == 1


def test_where_all_failed_nothing_has_a_value() -> None:
    rows = found("macro_f1", [choice(0, 0), choice(1, 1)], [Failure("nan", "")] * 2)
    assert {row.value for row in rows.values()} == {None}
    assert rows["macro_f1"].missing == 2
    assert rows["macro_f1.recall[maybe]"].missing == 0


def test_rare_classes_bear_no_interval() -> None:
    samples = [choice(i, i % 2) for i in range(40)] + [choice(40, 2)]
    answers: list[SampleResponse] = [chosen(*(-float(i != s.target[0]) for i in range(3))) for s in samples]
    rows = found("macro_f1", samples, answers)
    assert rows["macro_f1"].method == "none (class 'maybe' has 1 sample)"
    assert rows["macro_f1.support[maybe]"].method == "none (a count)"
    assert rows["macro_f1.f1[yes]"].method == "wilson(effective, macro)"
    assert found("macro_f1", samples[:40], answers[:40])["macro_f1"].method == "wilson(effective, macro)"


def test_signatures_say_rule_and_labels() -> None:
    assert create("macro_f1").signature == "macro_f1|of:acc or exact_match|labels:choices"
    named = create({"macro_f1": {"of": "yes_no_match", "labels": ["yes", "no"]}})
    assert named.signature == "macro_f1|of:(yes_no_match)|labels:yes+no"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"of": "bleu"}, "`of` is to tell a right answer.*'bleu' is no mean"),
        ({"of": "macro_f1"}, "'macro_f1' is no mean"),
        ({"of": {"acc": {}, "acc_norm": {}}}, "a mapping of one name"),
        ({"of": "exat_match"}, "did you mean 'exact_match'"),
        ({"labels": ["a", "a"]}, "each once"),
        ({"rows": ["accuracy"]}, "is not valid"),
        ({"by": "category"}, "takes no option 'by'"),
    ],
)
def test_mistakes_in_options_are_a_sentence(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        create({"macro_f1": options})


def test_mistakes_in_samples_are_a_sentence() -> None:
    with pytest.raises(UserError, match=r"not the same few classes.*'1'"):
        found("macro_f1", [choice(0, 0), choice(1, 0, ("a", "b", "c"))], [chosen(0, -1, -1)] * 2)
    with pytest.raises(UserError, match="sample '0' has 3 choices, which are not the 2 classes"):
        found({"macro_f1": {"labels": ["A", "B"]}}, [choice(0, 0)], [chosen(0, -1, -1)])
    with pytest.raises(UserError, match="2 right choices"):
        found("macro_f1", [Sample("0", Score("q", CLASSES), (0, 1), CLASSES)], [chosen(0, -1, -1)])
    with pytest.raises(UserError, match="with the option `labels`"):
        found("macro_f1", [written(0, "yes")], [text("yes")])
    metric: Any = create("macro_f1")
    metric.check_task("score", 0)
    with pytest.raises(UserError, match="with the option `labels`"):
        metric.check_task("generate", 0)
    with pytest.raises(UserError, match="target of sample '0' is not one of yes, no"):
        found({"macro_f1": {"labels": ["yes", "no"]}}, [written(0, "maybe")], [text("yes")])
