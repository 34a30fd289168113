"""Counts tokens of thoughts and of answers: from a server's usage, or with a local model's tokenizer.
What is not known is None, never 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lsm_eval.metrics.joint import Answers, SampleResponse, parts
from lsm_eval.models.base import Counting, Model
from lsm_eval.requests import Failure, Generated, Response


def with_token_counts(
    written: Sequence[SampleResponse], answered: Sequence[SampleResponse], model: Model
) -> list[SampleResponse]:
    """The answers of a task with the token counts of their thoughts, if the model's tokenizer is known and any of them has thoughts;
    `written`: the full texts with thoughts.

    Thoughts at the beginning of a text were counted during generation. For others (thoughts that have only a closing mark) the
    count is that of the whole text minus that of the answer, both by the tokenizer; the remaining tokens, including those of
    a stop string, are the answer's.
    """
    if not isinstance(model, Counting) or not any(
        _thinks(part) for whole in answered for part in parts(whole)
    ):
        return list(answered)
    pairs = [
        (before, after)
        for one, other in zip(written, answered, strict=True)
        for before, after in zip(parts(one), parts(other), strict=False)
        if isinstance(before, Generated) and isinstance(after, Generated) and _open(after)
    ]
    counts = model.count_tokens([text for before, after in pairs for text in (before.text, after.text)])
    found: dict[int, Generated] = {}
    for (before, after), whole, answer in zip(pairs, counts[::2], counts[1::2], strict=True):
        spent = whole - answer if before.text != after.text else 0
        found[id(after)] = replace(after, reasoning_tokens=min(max(spent, 0), after.tokens or 0))
    return [_with(response, found) for response in answered]


def split_token_counts(response: Response) -> tuple[int | None, int | None]:
    """Tokens of the thoughts and of the answer; None if unknown."""
    own = response.written if isinstance(response, Failure) else response
    if not isinstance(own, Generated) or own.reasoning_tokens is None:
        return None, None
    return own.reasoning_tokens, None if own.tokens is None else own.tokens - own.reasoning_tokens


def totals(responses: Iterable[SampleResponse], model: Model) -> dict[str, int]:
    """Sums over all texts, as `reasoning` and `answer`; empty if one of them is unknown, or there are no thoughts."""
    known = isinstance(model, Counting)
    texts = [
        part
        for whole in responses
        for part in parts(whole)
        if isinstance(part, Generated) or (isinstance(part, Failure) and part.written is not None)
    ]
    found = [split_token_counts(_without_any(part) if known else part) for part in texts]
    if not any(spent for spent, _ in found) or any(spent is None or own is None for spent, own in found):
        return {}
    return {"reasoning": sum(spent or 0 for spent, _ in found), "answer": sum(own or 0 for _, own in found)}


def _without_any(part: Response) -> Response:
    """Sets the thought tokens of a text without thoughts to 0, for models that cannot hide thoughts."""
    if isinstance(part, Generated) and part.thoughts == "" and part.reasoning_tokens is None:
        return replace(part, reasoning_tokens=0)
    return part


def _thinks(part: Response) -> bool:
    return bool(part.written if isinstance(part, Failure) else isinstance(part, Generated) and part.thoughts)


def _open(part: Generated) -> bool:
    return part.reasoning_tokens is None and part.thoughts is not None and part.tokens is not None


def _with(response: SampleResponse, found: dict[int, Generated]) -> SampleResponse:
    if isinstance(response, Answers):
        own = [found.get(id(part), part) if isinstance(part, Generated) else part for part in response.parts]
        return Answers(tuple(own))
    return found.get(id(response), response) if isinstance(response, Generated) else response
