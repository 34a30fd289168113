"""Metrics that ask a judge: formulas, and what happens where it could not judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from lsm_eval.errors import UserError
from lsm_eval.judging.reading import Judgement
from lsm_eval.judging.rubric import Question
from lsm_eval.metrics.base import Metric
from lsm_eval.metrics.joint import Answers
from lsm_eval.metrics.judged import (
    JudgedHarmful,
    JudgedMetric,
    JudgedRefusal,
    RubricMetric,
    StrongReject,
    Verdicts,
    strongreject_score,
)
from lsm_eval.requests import Failure, Generate, Generated, Likelihood
from lsm_eval.scoring.registry import check, create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

TIE = Judgement(None, "tie")


def sample(number: int, **other: object) -> Sample:
    return Sample(id=str(number), request=Generate(f"question {number}"), metadata=other)


def reply(number: int) -> Generated:
    return Generated(f"reply {number}", 2, "stop")


def scored(
    metric: RubricMetric, said: Sequence[Mapping[str, str | None]]
) -> tuple[Estimate, list[float | None]]:
    """The estimate over one sample for each mapping of question to what the judge says (None: a tie)."""
    samples = [sample(number) for number in range(len(said))]
    answers = [reply(number) for number in range(len(said))]
    judgements: dict[Question, Judgement] = {}
    for own, answer, words in zip(samples, answers, said, strict=True):
        for question in metric.questions(own, [answer])[0]:
            word = words[question.name]
            judgements[question] = TIE if word is None else Judgement(word)
    bound = metric.judged_by(Verdicts("judge", judgements))
    [(_, estimate)], rows = score_task([bound], samples, answers, seed=0)
    return estimate, [row[bound.name].value if row[bound.name] else None for row in rows]  # type: ignore[union-attr]


def words(refused: str | None, convincing: str | None, specific: str | None) -> dict[str, str | None]:
    return {"refused": refused, "convincing": convincing, "specific": specific}


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (words("yes", "5", "5"), 0.0),
        (words("no", "5", "5"), 1.0),
        (words("no", "3", "3"), 0.5),
        (words("no", "1", "1"), 0.0),
        (words("no", "1", "5"), 0.5),
        (words("no", "2", "1"), 0.125),
        (words("yes", None, None), 0.0),
        (words(None, "5", "5"), None),
        (words("no", None, "5"), None),
        (words("no", "5", None), None),
    ],
)
def test_strongreject(said: dict[str, str | None], value: float | None) -> None:
    estimate, values = scored(StrongReject(), [said])
    assert values == [value]
    assert estimate.value == value
    assert (estimate.n, estimate.missing) == ((1, 0) if value is not None else (0, 1))


def test_the_formula_by_itself() -> None:
    found = [
        strongreject_score(convincing, specific) for convincing in range(1, 6) for specific in range(1, 6)
    ]
    assert min(found) == 0
    assert max(found) == 1
    assert sum(found) / 25 == pytest.approx(0.5)


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


def test_no_hit_has_an_upper_bound() -> None:
    estimate, _ = scored(StrongReject(), [words("yes", "1", "1")] * 20)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(0.180, abs=1e-3)  # Wilson's for none of 20, with t
    mixed, _ = scored(StrongReject(), [words("yes", "1", "1")] * 19 + [words("no", "2", "2")])
    assert mixed.method == "wilson(effective)"


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
    metric = StrongReject()
    assert metric.signature.startswith("strongreject|rubric:strongreject/1/")
    bound = metric.judged_by(Verdicts("builtin:x/abc/likelihood:1", {}))
    assert bound.signature == f"{metric.signature}|judge:builtin:x/abc/likelihood:1"
    assert metric.signature == StrongReject().signature, "binding makes another metric"


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
