"""Answers that a stop string ended before there was one: the model wrote a line break or a heading first."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.requests import Generate, Generated, Request, Response
from lsm_eval.tasks.sample import Sample


def samples_stopped_at_start(samples: Sequence[Sample], responses: Sequence[SampleResponse]) -> int:
    """Of how many samples an answer was ended at its very start; `responses` stand parallel to `samples`. They are
    scored as they are, and counted."""
    return sum(
        any(map(stopped_at_start, sample.requests, parts(whole)))
        for sample, whole in zip(samples, responses, strict=True)
    )


def stopped_at_start(request: Request, response: Response) -> bool:
    """Whether nothing but white space, or one heading ("Summary:"), was left of a text that has stop strings.

    A text that the model ended by itself before its first token is no such one: it has no tokens. What a model thought
    before its answer is none of the answer, and its tokens are, so that an empty answer behind thoughts is not told
    apart from one that was never begun, and does not count.
    """
    if not isinstance(request, Generate) or not isinstance(response, Generated):
        return False
    if not request.stop or response.finish != "stop" or response.tokens == 0:
        return False
    text = response.text.strip()
    if not text:
        return not response.thoughts
    return "\n" not in text and text.endswith((":", "："))
