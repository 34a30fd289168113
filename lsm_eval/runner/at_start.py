"""Detects answers that a stop string ended at their start, because the model wrote a line break or a heading first."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.requests import Generate, Generated, Request, Response
from lsm_eval.tasks.sample import Sample


def samples_stopped_at_start(samples: Sequence[Sample], responses: Sequence[SampleResponse]) -> int:
    """The number of samples with an answer that ended at its very start; `responses` are parallel to `samples`. Such
    answers are scored as they are, and counted."""
    return sum(
        any(map(stopped_at_start, sample.requests, parts(whole)))
        for sample, whole in zip(samples, responses, strict=True)
    )


def stopped_at_start(request: Request, response: Response) -> bool:
    """Whether nothing but white space, or one heading ("Summary:"), is left of a text that has stop strings.

    A text that the model itself ended before its first token does not count: it has no tokens. Thoughts are not part of
    the answer, but their tokens are counted with it, so an empty answer after thoughts cannot be distinguished from one
    that was never begun, and does not count either.
    """
    if not isinstance(request, Generate) or not isinstance(response, Generated):
        return False
    if not request.stop or response.finish != "stop" or response.tokens == 0:
        return False
    text = response.text.strip()
    if not text:
        return not response.thoughts
    return "\n" not in text and text.endswith((":", "："))
