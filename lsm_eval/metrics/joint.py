"""Samples with several requests: their joined answers, and the metrics that read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lsm_eval.metrics.base import Measurement
from lsm_eval.requests import Answer, Failure, Response, Scored
from lsm_eval.tasks.sample import Sample


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to all requests of one sample, parallel to `Sample.requests`."""

    parts: tuple[Answer, ...]


SampleResponse = Response | Answers
"""The response to a sample: as for a request, or `Answers` if the sample has several."""


def join(responses: Sequence[Response]) -> SampleResponse:
    """One sample's responses as one: the first failure if any failed, since incomplete answers cannot be scored."""
    answers: list[Answer] = []
    for response in responses:
        if isinstance(response, Failure):
            return response
        answers.append(response)
    return answers[0] if len(answers) == 1 else Answers(tuple(answers))


def parts(response: SampleResponse) -> tuple[Response, ...]:
    """The parts of a sample's response."""
    return response.parts if isinstance(response, Answers) else (response,)


def order_only(response: SampleResponse) -> bool:
    """Whether the numbers of some answer are not log-probabilities but only order the choices."""
    return any(isinstance(part, Scored) and part.order_only for part in parts(response))


@runtime_checkable
class JointMetric(Protocol):
    """A metric that reads several answers per sample; it is a `Metric` too."""

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        """As `Metric.measure`, from the answers to all of the sample's requests."""
        ...


@runtime_checkable
class JointCorpusMetric(Protocol):
    """A corpus metric that reads several answers per sample; it is a `CorpusMetric` too."""

    def compute_all(self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]]) -> float:
        """As `CorpusMetric.compute`, from the answers to all requests of each sample."""
        ...
