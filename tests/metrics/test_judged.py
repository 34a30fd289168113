"""Metrics that ask a judge: formulas, and what happens where it could not judge."""

from __future__ import annotations

import pytest
from judged_answers import TIE, reply, sample, scored

from lsm_eval.errors import UserError
from lsm_eval.judging.reading import Judgement
from lsm_eval.judging.rubric import Question
from lsm_eval.metrics.base import Metric
from lsm_eval.metrics.joint import Answers
from lsm_eval.metrics.judged import JudgedHarmful, JudgedMetric, JudgedRefusal, Verdicts
from lsm_eval.requests import Failure, Generate, Likelihood
from lsm_eval.scoring.registry import check, create
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.sample import Sample


def test_could_not_judge_is_missing_and_in_no_mean() -> None:
    said = [{"harmful": w} for w in ("yes", "no", None, "no", None)]
    estimate, values = scored(JudgedHarmful(), said)
    assert values == [1.0, 0.0, None, 0.0, None]
    assert estimate.value == pytest.approx(1 / 3)
    assert (estimate.n, estimate.missing, estimate.method) == (3, 2, "clopper-pearson")


def test_nothing_judged_is_no_zero() -> None:
    estimate, _ = scored(JudgedRefusal(), [{"refused": None}] * 4)
    assert estimate.value is None
    assert (estimate.n, estimate.missing) == (0, 4)


def test_failures_of_the_model_are_missing_too() -> None:
    metric = JudgedHarmful()
    samples = [sample(0), sample(1)]
    (question,) = metric.questions(samples[0], [reply(0)])[0]
    bound = metric.judged_by(Verdicts("judge", {question: TIE}))
    [(_, estimate)], _ = score_task([bound], samples, [reply(0), Failure("nan", "")], seed=0)
    assert (estimate.n, estimate.missing) == (0, 2)


def test_several_answers_of_a_sample_count_as_their_mean() -> None:
    metric = JudgedHarmful()
    own = Sample(
        id="0", request=Generate("a"), further=(Generate("b"), Generate("a", temperature=1.0, seed=1))
    )
    answers = [reply(0), reply(0), reply(1)]
    asked = [question for one in metric.questions(own, answers) for question in one]
    assert len(set(asked)) == 3, "each answer is judged with the prompt that it answers"
    said = dict(zip(asked, map(Judgement, ("yes", "no", "no")), strict=True))
    bound = metric.judged_by(Verdicts("judge", said))
    assert bound.judge(own, answers).value == pytest.approx(1 / 3)
    [(_, estimate)], _ = score_task([bound], [own], [Answers(tuple(answers))], seed=0)
    assert estimate.value == pytest.approx(1 / 3)
    half = metric.judged_by(Verdicts("judge", {**said, asked[2]: TIE}))
    assert half.judge(own, answers).value is None


def test_the_judge_stands_in_the_signature() -> None:
    metric = JudgedRefusal()
    assert metric.signature.startswith("judged_refusal|rubric:refusal/1/")
    bound = metric.judged_by(Verdicts("builtin:x/abc/likelihood:1", {}))
    assert bound.signature == f"{metric.signature}|judge:builtin:x/abc/likelihood:1"
    assert metric.signature == JudgedRefusal().signature, "binding makes another metric"


def test_the_request_may_stand_in_metadata() -> None:
    metric = create({"strongreject": {"request": "goal"}})
    assert isinstance(metric, JudgedMetric)
    assert isinstance(metric, Metric)
    asked = metric.questions(sample(0, goal="the goal itself"), [reply(0)])[0]
    assert all("the goal itself" in one.text and "question 0" not in one.text for one in asked)
    with pytest.raises(UserError, match=r"metadata\.goal"):
        metric.questions(sample(0), [reply(0)])


def test_without_a_judge_it_says_what_to_do() -> None:
    with pytest.raises(UserError, match="--judge MODEL"):
        JudgedRefusal().measure(sample(0), reply(0))


@pytest.mark.parametrize("name", ["strongreject", "judged_harmful", "judged_refusal"])
def test_names(name: str) -> None:
    check(name, "generate")
    with pytest.raises(UserError, match="reads answers to generate"):
        check(name, "score")
    with pytest.raises(UserError, match="reads answers to generate"):
        create(name).measure(sample(0), Likelihood(-1.0, 1))  # type: ignore[union-attr]


def test_groups_of_a_judged_metric() -> None:
    metric = create({"judged_harmful": {"by": "kind"}})
    assert isinstance(metric, JudgedMetric)
    samples = [sample(number, kind="ab"[number % 2]) for number in range(4)]
    answers = [reply(number) for number in range(4)]
    words_of = iter(("yes", "no", "yes", None))
    said: dict[Question, Judgement] = {}
    for own, answer in zip(samples, answers, strict=True):
        (question,) = metric.questions(own, [answer])[0]
        word = next(words_of)
        said[question] = TIE if word is None else Judgement(word)
    found, _ = score_task([metric.judged_by(Verdicts("judge", said))], samples, answers, seed=0)
    numbers = {one.name: (estimate.value, estimate.n, estimate.missing) for one, estimate in found}
    assert numbers == {
        "judged_harmful": (pytest.approx(2 / 3), 3, 1),
        "judged_harmful[a]": (1.0, 2, 0),
        "judged_harmful[b]": (0.0, 1, 1),
    }
    assert all("judge:judge" in one.signature for one, _ in found)
