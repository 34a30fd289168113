"""Turns the scores of token rows into answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lsm_eval.inference.network import Network
from lsm_eval.inference.scoring.plain import SequenceScore
from lsm_eval.models.request_encoding import RequestEncoder, Row
from lsm_eval.requests import Failure, Generate, Generated, Likelihood, Perplexity, Request, Response, Scored

_NAN = Failure("nan", "the model's log-probabilities are NaN")


def scored_answer(
    request: Request, rows: Sequence[Row], scores: Sequence[SequenceScore], cut: int
) -> Response:
    """The answer to `Score` or `Perplexity` from the scores of its rows; `cut`: tokens cut from its context."""
    sums = tuple(score.logprob for score in scores)
    if any(math.isnan(value) for value in sums):
        return _NAN
    counts = tuple(row.scored for row in rows)
    if isinstance(request, Perplexity):
        each = [score.detail for score in scores if score.detail]
        return Likelihood(
            sum(sums),
            sum(counts),
            tuple(value for detail in each for value in detail.logprobs),
            tuple(value for detail in each for value in detail.means),
            tuple(value for detail in each for value in detail.deviations),
        )
    return Scored(sums, counts, tuple(score.greedy for score in scores), cut)


def with_likelihood(
    network: Network, encoder: RequestEncoder, requests: Sequence[Request], answers: Mapping[int, Generated]
) -> dict[int, Response]:
    """The generated texts (not empty, by index into `requests`) with their log-probabilities after their prompts."""
    rows: dict[int, Sequence[Row]] = {}
    found: dict[int, Response] = {}
    for i, answer in answers.items():
        request = requests[i]
        assert isinstance(request, Generate)
        own = encoder.completion(request, answer.text)
        if isinstance(own, Failure):
            found[i] = own
        else:
            rows[i] = own[0]
    for batch in network.score(rows, ()):
        for i, (score,) in batch.items():
            nan = math.isnan(score.logprob)
            found[i] = _NAN if nan else replace(answers[i], logprob=score.logprob)
    return found
