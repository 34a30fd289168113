"""How many tokens went into thoughts, and how many into answers: of a server as its usage says, of a local model by its
tokenizer. What is not known is None, never 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lsm_eval.metrics.joint import Answers, SampleResponse, parts
from lsm_eval.models.base import Counting, Model
from lsm_eval.requests import Failure, Generated, Response


def counted_apart(
    written: Sequence[SampleResponse], answered: Sequence[SampleResponse], model: Model
) -> list[SampleResponse]:
    """The answers of a task with the tokens of their thoughts, where the model has a tokenizer that is known and one of them
    has thoughts; `written`: what they were taken from.

    Those that a text begins with were counted while it was written. Of others (thoughts that only a closing mark tells) the
    tokens are those of the whole text without those of the answer, both as the tokenizer writes them; the rest, a stop
    string's among them, are the answer's.
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


def apart(response: Response) -> tuple[int | None, int | None]:
    """Tokens of the thoughts and of the answer; None where unknown."""
    own = response.written if isinstance(response, Failure) else response
    if not isinstance(own, Generated) or own.reasoning_tokens is None:
        return None, None
    return own.reasoning_tokens, None if own.tokens is None else own.tokens - own.reasoning_tokens


def totals(responses: Iterable[SampleResponse], model: Model) -> dict[str, int]:
    """Both summed over all texts, `reasoning` and `answer`; empty where one of them is unknown, or nothing was thought."""
    known = isinstance(model, Counting)
    texts = [
        part
        for whole in responses
        for part in parts(whole)
        if isinstance(part, Generated) or (isinstance(part, Failure) and part.written is not None)
    ]
    found = [apart(_without_any(part) if known else part) for part in texts]
    if not any(spent for spent, _ in found) or any(spent is None or own is None for spent, own in found):
        return {}
    return {"reasoning": sum(spent or 0 for spent, _ in found), "answer": sum(own or 0 for _, own in found)}


def _without_any(part: Response) -> Response:
    """A text in which no thoughts were found has none, where a server could hide none."""
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
