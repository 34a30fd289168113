"""A text that is one of given ones (`Generate.choices`), by a model that scores: it writes the likeliest of them.

The whole of each text is compared, by the sum of its tokens' log-probabilities; of an exact tie the first is written. A
server that holds its answers by a grammar picks token by token instead: the same text wherever the texts differ in their
first token and that decides, as with letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lsm_eval.requests import Failure, Generate, Generated, Request, Response, Score, Scored


def as_scored(request: Request) -> Request:
    """The request that tells which text is written, in place of one with `choices`; any other as it is."""
    if not isinstance(request, Generate) or not request.choices or refused(request):
        return request
    return Score(request.prompt, request.choices, chat=request.chat)


def refused(request: Request) -> Failure | None:
    """Why a request with `choices` cannot be answered so; None where it can, and for all others."""
    if not isinstance(request, Generate) or not request.choices:
        return None
    if request.temperature or request.system is not None or request.detail:
        return Failure(
            "unsupported", "a text that is one of given ones is not drawn, nor after a system message"
        )
    if _begins(request.choices):
        return Failure("unsupported", "one of the given texts begins with another")
    return None


def written(request: Request, response: Response) -> Response:
    """The answer to the request itself, from the one to what `as_scored` made of it."""
    if not isinstance(request, Generate) or not isinstance(response, Scored):
        return response
    best = max(range(len(request.choices)), key=lambda at: response.logprobs[at])
    return Generated(request.choices[best], response.tokens[best], "stop", response.truncated)


def _begins(texts: Sequence[str]) -> bool:
    ordered = sorted(texts)
    return any(after.startswith(before) for before, after in pairwise(ordered))
