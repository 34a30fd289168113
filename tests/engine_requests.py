"""Requests of every kind for a tiny model, and its answers as JSON; run as a program by a Python that has an engine."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from lsm_eval.models.base import Model, ModelOptions
from lsm_eval.request_json import dump_answer
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Response, Score

CONTEXTS = ["the cat sat on the", "what is the name of the dog?", "the mat ", "on th", "", " \n",
            "é 语 the question of nothing and anything at all, yes or no: 100 200"]  # fmt: skip
CONTINUATIONS = [
    (" yes", " no"),
    ("e", "at", " log"),
    (" the other one, and", " a", " the other", "b"),
    (" yes",),
]
LONG = (
    "the cat sat on the mat and the dog sat on the log, yes or no: 1 2 3 10 20 30, what is the answer? " * 3
)
SCORED: list[Request] = [
    *(Score(context, own) for context in CONTEXTS for own in CONTINUATIONS),
    Score("the cat sat", (" on the mat",)),
    Score("the cat", (" sat on the mat", " sat on the log", " sat on the mat")),
    Score("the cat", (" yes",), chat=True),
    Score(LONG, (" yes", " no")),
    Perplexity(LONG),
    Perplexity("the"),
    Perplexity(""),
]
WRITTEN: list[Request] = [
    *(Generate(context, stop=("the", "\n", "os"), max_tokens=16) for context in CONTEXTS[:-1]),
    *(Generate(context, max_tokens=12, detail=True) for context in CONTEXTS[:-1]),
    Generate("the cat", system="you are the dog", chat=True, max_tokens=8),
    Generate(LONG, max_tokens=8),
    Generate("the cat sat on the", max_tokens=9, choices=(" mat", " log, and", " dog")),
]
BUDGETED: list[Request] = [
    *(Generate(f"{'the cat ' * at}<think>\n", max_tokens=6, reasoning_tokens=at * 3) for at in range(4)),
    Generate("what is", chat=True, max_tokens=6, reasoning_tokens=4),
]
"""For a context that holds what closes thoughts, too."""


def drawn(seed: int, prompt: str = "the cat sat on the", **more: Any) -> Generate:
    """A text that is drawn."""
    return Generate(prompt, max_tokens=12, temperature=0.8, seed=seed, **more)


DRAWN: list[Request] = [drawn(1), drawn(2), drawn(1, top_p=0.4), drawn(1, "what is"), drawn(2, "what is")]


def answers(model: Model, requests: Sequence[Request], known: Sequence[int] = ()) -> list[Response | None]:
    """Parallel to the requests; None for those that are known."""
    found: dict[int, Response] = {}
    for batch in model.answer(requests, known):
        assert not found.keys() & batch.keys(), "each request is answered once"
        found.update(batch)
    assert found.keys() == set(range(len(requests))) - set(known)
    return [found.get(at) for at in range(len(requests))]


def dumped(response: Response | None) -> Any:
    """A response as JSON."""
    assert response is not None
    if isinstance(response, Failure):
        return {"kind": "failure", "reason": response.reason, "detail": response.detail}
    return json.loads(dump_answer(response))


def main() -> None:
    """`engine_requests.py MODEL OPTIONS`: answers to all requests, on the last line that is written."""
    from lsm_eval.models.create import create

    options = json.loads(sys.argv[2])
    model = create(sys.argv[1], ModelOptions(offline=True, **options))
    first = {
        "info": {"name": model.info.name, "dtype": model.info.dtype, "device": model.info.device},
        "fingerprint": model.fingerprint(),
        "versions": dict(getattr(model, "versions", dict)()),
    }
    model.load()
    found = {
        **first,
        "scored": [dumped(one) for one in answers(model, SCORED)],
        "written": [dumped(one) for one in answers(model, WRITTEN)],
        "budgeted": [dumped(one) for one in answers(model, BUDGETED)],
        "drawn": [dumped(one) for one in answers(model, DRAWN)],
        "drawn again": [dumped(one) for one in answers(model, DRAWN[::-1])[::-1]],
        "details": dict(model.info.details or {}),
    }
    print("\n" + json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
