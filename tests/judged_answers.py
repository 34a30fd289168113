"""Samples that a judge has answered questions about, for tests of metrics that ask one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lsm_eval.judging.reading import Judgement
from lsm_eval.judging.rubric import Question
from lsm_eval.metrics.judged import RubricMetric, Verdicts
from lsm_eval.requests import Generate, Generated
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
