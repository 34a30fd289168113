"""Wraps a model of another package, so that every fault of that package becomes one sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.base import (
    Budgeting,
    Chatting,
    Choosing,
    Cost,
    Counting,
    Measuring,
    Model,
    ModelInfo,
    Probing,
    Releasing,
    Versioned,
)
from lsm_eval.plugins import calling
from lsm_eval.requests import Failure, Generate, Generated, Likelihood, Request, Response, Scored

_RESPONSES = (Scored, Generated, Likelihood, Failure)


class Guarded:
    """Passes every call to the model; whatever it raises becomes a `CodeFault` that names the model and its package."""

    def __init__(self, model: Model, whose: str, then: str) -> None:
        """`whose`: the model in words. `then`: what to do about a fault."""
        self._model, self._whose, self._then = model, whose, then

    def __getattr__(self, name: str) -> Any:
        # Attributes that only some models have (`encoder`).
        return getattr(self._model, name)

    def _calling(self, method: str) -> Any:
        return calling(f"{self._whose}, in {method}(),", self._then)

    @property
    def info(self) -> ModelInfo:
        with calling(f"{self._whose}, in info,", self._then):
            return self._model.info

    def fingerprint(self) -> str:
        with self._calling("fingerprint"):
            return self._model.fingerprint()

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        with self._calling("cost"):
            found = list(self._model.cost(requests))
        if found and len(found) != len(requests):
            raise UserError(
                f"{self._whose} returns the cost of {len(found)} of {len(requests)} requests: {self._then}."
            )
        return found

    def render(self, request: Request) -> str:
        with self._calling("render"):
            return self._model.render(request)

    def computed(self) -> Mapping[str, float]:
        with self._calling("computed"):
            return self._model.computed()

    def load(self) -> None:
        with self._calling("load"):
            self._model.load()

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        open_places = set(range(len(requests))) - set(known)
        with self._calling("answer"):
            for batch in self._model.answer(requests, known):
                for place, response in dict(batch).items():
                    if not isinstance(response, _RESPONSES) or place not in range(len(requests)):
                        raise UserError(
                            f"{self._whose} answers request {place!r} of {len(requests)} with "
                            f"{type(response).__name__}, which is no response (see lsm_eval.requests): {self._then}."
                        )
                    open_places.discard(place)
                yield batch
        if open_places:
            raise UserError(
                f"{self._whose} left {len(open_places)} of {len(requests)} requests without an answer: {self._then}."
            )


class _Releasing(Guarded):
    def release(self) -> None:
        with self._calling("release"):
            self._model.release()  # type: ignore[attr-defined]  # `guarded` has looked


class _Versioned(Guarded):
    def versions(self) -> Mapping[str, str]:
        with self._calling("versions"):
            return dict(self._model.versions())  # type: ignore[attr-defined]


class _Chatting(Guarded):
    def refusal(self, request: Request) -> str | None:
        with self._calling("refusal"):
            found: str | None = self._model.refusal(request)  # type: ignore[attr-defined]
            return found

    def folded(self, request: Request) -> bool:
        with self._calling("folded"):
            return bool(self._model.folded(request))  # type: ignore[attr-defined]


class _Choosing(Guarded):
    def scores(self) -> bool | None:
        with self._calling("scores"):
            found: bool | None = self._model.scores()  # type: ignore[attr-defined]
            return found

    def constrains(self, *, chat: bool) -> bool | None:
        with self._calling("constrains"):
            found: bool | None = self._model.constrains(chat=chat)  # type: ignore[attr-defined]
            return found


class _Measuring(Guarded):
    def scored_as(self) -> str:
        with self._calling("scored_as"):
            return str(self._model.scored_as())  # type: ignore[attr-defined]


class _Probing(Guarded):
    def probe(self, requests: Sequence[Request]) -> None:
        with self._calling("probe"):
            self._model.probe(requests)  # type: ignore[attr-defined]


class _Counting(Guarded):
    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        with self._calling("count_tokens"):
            return list(self._model.count_tokens(texts))  # type: ignore[attr-defined]


class _Budgeting(Guarded):
    def no_budget(self, request: Generate) -> str | None:
        with self._calling("no_budget"):
            found: str | None = self._model.no_budget(request)  # type: ignore[attr-defined]
            return found


# Optional abilities are methods of the class, as protocol checks ignore what `__getattr__` returns (from Python 3.12 on).
_ABILITIES = (
    (Releasing, _Releasing),
    (Versioned, _Versioned),
    (Chatting, _Chatting),
    (Choosing, _Choosing),
    (Measuring, _Measuring),
    (Probing, _Probing),
    (Counting, _Counting),
    (Budgeting, _Budgeting),
)


def guarded(model: Model, whose: str, then: str) -> Model:
    """The model, wrapped so that every fault of its package becomes one sentence."""
    own = tuple(guard for ability, guard in _ABILITIES if isinstance(model, ability)) or (Guarded,)
    made: Model = type("Guarded", own, {})(model, whose, then)
    return made
