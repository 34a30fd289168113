"""Answers requests whose text must be one of given ones (`Generate.choices`) by scoring: the likeliest text is returned.

Whole texts are compared, by the sum of their tokens' log-probabilities; of an exact tie the first is returned. A server with
constrained decoding chooses token by token instead, which gives the same text if the texts differ in their first token, as
letters do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lsm_eval.requests import Failure, Generate, Generated, Request, Response, Score, Scored


def as_scored(request: Request) -> Request:
    """The `Score` request that decides a request with `choices`; any other request unchanged."""
    if not isinstance(request, Generate) or not request.choices or refused(request):
        return request
    return Score(request.prompt, request.choices, chat=request.chat)


def refused(request: Request) -> Failure | None:
    """Why a request with `choices` cannot be answered by scoring; None if it can, and for all other requests."""
    if not isinstance(request, Generate) or not request.choices:
        return None
    if request.temperature or request.system is not None or request.detail:
        return Failure(
            "unsupported", "a text that must be one of given ones is not sampled, nor after a system message"
        )
    if _begins(request.choices):
        return Failure("unsupported", "one of the given texts begins with another")
    return None


def written(request: Request, response: Response) -> Response:
    """The answer to a request, from the response to `as_scored(request)`."""
    if not isinstance(request, Generate) or not isinstance(response, Scored):
        return response
    best = max(range(len(request.choices)), key=lambda at: response.logprobs[at])
    return Generated(request.choices[best], response.tokens[best], "stop", response.truncated)


def _begins(texts: Sequence[str]) -> bool:
    ordered = sorted(texts)
    return any(after.startswith(before) for before, after in pairwise(ordered))
