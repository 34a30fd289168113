"""The sample table of a task, in the columns of the record's schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.models.base import Model
from lsm_eval.request_json import answer_fields, requests_hash
from lsm_eval.requests import Failure, Generated, Likelihood, Response, Score, Scored, kind
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.thought_tokens import split_token_counts
from lsm_eval.runner.thoughts import samples_with_thoughts
from lsm_eval.tasks.sample import Sample


def sample_rows(
    task: PreparedTask,
    responses: Sequence[SampleResponse],
    measurements: Sequence[Mapping[str, Measurement | None]],
    model: Model,
) -> dict[str, list[Any]]:
    """The sample table, column by column (`schema.SAMPLE_COLUMNS`, then two columns per metric)."""
    columns: dict[str, list[Any]] = {}

    def add(**values: Any) -> None:
        for name, value in values.items():
            columns.setdefault(name, []).append(value)

    # Including metrics that are known only once there are answers (`protocols.HasMoreMetrics`).
    names = list(
        dict.fromkeys([m.name for m in task.metrics] + [name for own in measurements for name in own])
    )
    several = any(sample.further for sample in task.samples)
    thinks = samples_with_thoughts(responses) > 0
    counted = thinks or any(split_token_counts(part)[0] for whole in responses for part in parts(whole))
    seconds = [_seconds(*pair) for pair in zip(task.samples, responses, strict=True)]
    took = any(time is not None for time in seconds)
    weighted = any(sample.weight != 1 for sample in task.samples)
    for index, (sample, whole, own) in enumerate(zip(task.samples, responses, measurements, strict=True)):
        request, response = sample.request, parts(whole)[0]
        scoring = isinstance(request, Score)
        failure = response if isinstance(response, Failure) else None
        unread = failure is not None and failure.reason == "unread"
        # For a text that ended inside its thoughts everything is kept, except an answer, which it does not have.
        response = failure.written if failure and failure.written else response
        add(
            task=task.name,
            sample=sample.id,
            index=index,
            cluster=sample.cluster,
            request=kind(request),
            asked=requests_hash(sample.requests),
            prompt="" if sample.missing else model.render(request),
            choices=list(sample.choices) if scoring or sample.listed else None,
            continuations=list(request.continuations) if isinstance(request, Score) else None,
            logprobs=_logprobs(response),
            tokens=_tokens(response),
            greedy=list(response.greedy) if isinstance(response, Scored) else None,
            completion=response.text if isinstance(response, Generated) and (unread or not failure) else None,
            finish=response.finish if isinstance(response, Generated) else None,
            truncated=response.truncated if isinstance(response, (Scored, Generated)) else 0,
            target=[str(value) for value in sample.target],
            metadata=json.dumps(dict(sample.metadata), ensure_ascii=False, sort_keys=True, default=str),
            failure=failure.reason if failure else None,
            failure_detail=failure.detail if failure else None,
        )
        if weighted:
            add(weight=sample.weight)
        if thinks:
            add(thoughts=(response.thoughts or None) if isinstance(response, Generated) else None)
        if counted:
            spent, own_tokens = split_token_counts(parts(whole)[0])
            add(reasoning_tokens=spent, answer_tokens=own_tokens)
        if took:
            add(seconds=seconds[index])
        if several:
            add(further=_further(sample, whole, model))
        for name in names:
            measured = own.get(name)
            add(
                **{
                    f"score.{name}": measured.value if measured else None,
                    f"stats.{name}": list(measured.statistics) if measured else None,
                }
            )
    return columns


def _seconds(sample: Sample, response: SampleResponse) -> float | None:
    """The sum of the times of its requests; None if one is not known, or there is no answer."""
    answers = [part.written if isinstance(part, Failure) else part for part in parts(response)]
    found = [answer.seconds for answer in answers if answer is not None and answer.seconds is not None]
    return round(sum(found), 6) if found and len(found) == len(sample.requests) else None


def _further(sample: Sample, response: SampleResponse, model: Model) -> str | None:
    """The requests after the sample's first one, and their answers, as a JSON list; None if it has only one request."""
    if not sample.further:
        return None
    answers: list[Response | None] = [*parts(response)[1:]] or [None] * len(sample.further)
    rows = [
        {
            "request": kind(request),
            "prompt": model.render(request),
            "continuations": list(request.continuations) if isinstance(request, Score) else None,
            **(_fields(answer) if answer is not None else {}),
        }
        for request, answer in zip(sample.further, answers, strict=True)
    ]
    return json.dumps(rows, ensure_ascii=False)


def _fields(answer: Response) -> dict[str, Any]:
    return asdict(answer) if isinstance(answer, Failure) else answer_fields(answer)


def _logprobs(response: Response) -> list[float] | None:
    if isinstance(response, Scored):
        return list(response.logprobs)
    return [response.logprob] if isinstance(response, Likelihood) else None


def _tokens(response: Response) -> list[int] | None:
    if isinstance(response, Scored):
        return list(response.tokens)
    if isinstance(response, (Likelihood, Generated)) and response.tokens is not None:
        return [response.tokens]
    return None
