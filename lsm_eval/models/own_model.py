"""Wraps a user's own model (`models.own`) as a `models.base.Model`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.base import Cost, ModelInfo
from lsm_eval.models.own import Likely, Model, Pair, Prompt
from lsm_eval.models.own_answers import counts, each, likely, whole, written
from lsm_eval.models.request_seed import request_seed
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Response, Score, Scored
from lsm_eval.results.names import checked_name

BATCH = 64
"""Prompts or pairs that are given at once, unless the model sets a number."""
_VERSION = 2
"""Part of the fingerprint: raised when prompts, or the reading of answers, change."""


class OwnModel:
    """Passes requests on in batches. Exceptions of the user's code pass, with a note about the call."""

    def __init__(self, model: Model) -> None:
        """Raises `UserError` for an object that is not such a model."""
        self._model = model
        self._kind = type(model).__name__
        self._name = _name(model, self._kind)
        self._own: Any = getattr(model, "loglikelihood", None)
        self._identity = _text(model, "fingerprint", self._kind)
        self._chat = _flag(model, "chat", self._kind)
        self._size = _size(model, self._kind)

    @property
    def wrapped(self) -> Model:
        """The user's object."""
        return self._model

    @property
    def identified(self) -> bool:
        """Whether it has a fingerprint, so that its answers can be stored."""
        return self._identity is not None

    @property
    def info(self) -> ModelInfo:
        kind = type(self._model)
        details = {"python": f"{kind.__module__}.{kind.__qualname__}"}
        if self._identity is None:
            details["fingerprint"] = "of the name alone: the model has none of its own"
        return ModelInfo(name=self._name, chat_template=self._chat, context=None, details=details, cuts=False)

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the name, and the model's own fingerprint if it has one."""
        content = json.dumps(["own", _VERSION, self._name, self._identity])
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()

    def scores(self) -> bool:
        """Whether it returns log-probabilities (`models.base.Choosing`)."""
        return callable(self._own)

    def constrains(self, *, chat: bool) -> bool:
        """False: it cannot be constrained to given answers (`models.base.Choosing`)."""
        return False

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Empty, as its tokens cannot be counted beforehand. Raises `UserError` for unsupported requests."""
        for request in requests:
            why = self._unsupported(request)
            if why is not None:
                raise UserError(f"{self._name} {why}")
        return []

    def render(self, request: Request) -> str:
        """What the model is given; for a chat the messages, as JSON."""
        match request:
            case Score(context=context):
                return context
            case Perplexity(text=text):
                return text
            case Generate():
                prompt = _prompt(request)
                return json.dumps(prompt.messages, ensure_ascii=False) if prompt.chat else prompt.text

    def computed(self) -> Mapping[str, float]:
        """Empty, as nothing can be counted on this side."""
        return {}

    def load(self) -> None:
        """Nothing to load."""

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """See `models.base.Model`; known requests are not passed on."""
        answered = set(known)
        todo: dict[int, Request] = {}
        pairs = 0
        for at, request in enumerate(requests):
            if at in answered:
                continue
            why = self._unsupported(request)
            if why is not None:
                yield {at: Failure("unsupported", f"{self._name} {why}")}
                continue
            more = len(request.continuations) if isinstance(request, Score) else 1
            if todo and pairs + more > self._size:
                yield self._batch(todo)
                todo, pairs = {}, 0
            todo[at] = request
            pairs += more
        if todo:
            yield self._batch(todo)

    def _batch(self, requests: Mapping[int, Request]) -> dict[int, Response]:
        writing = {at: one for at, one in requests.items() if isinstance(one, Generate)}
        scoring = {at: one for at, one in requests.items() if isinstance(one, Score)}
        reading = {at: one for at, one in requests.items() if isinstance(one, Perplexity)}
        return {
            **(self._write(writing) if writing else {}),
            **(self._score(scoring) if scoring else {}),
            **(self._read(reading) if reading else {}),
        }

    def _write(self, requests: Mapping[int, Generate]) -> dict[int, Response]:
        method = f"{self._kind}.generate()"
        prompts = [_prompt(request) for request in requests.values()]
        found = self._called(self._model.generate, prompts, method, "prompts")
        return {
            at: written(given, request, method)
            for (at, request), given in zip(requests.items(), found, strict=True)
        }

    def _score(self, requests: Mapping[int, Score]) -> dict[int, Response]:
        method = f"{self._kind}.loglikelihood()"
        pairs: list[Pair] = [
            (request.context, continuation)
            for request in requests.values()
            for continuation in request.continuations
        ]
        likelihoods = iter(
            [likely(given, method) for given in self._called(self._own, pairs, method, "pairs")]
        )
        return {
            at: _scored([next(likelihoods) for _ in request.continuations])
            for at, request in requests.items()
        }

    def _read(self, requests: Mapping[int, Perplexity]) -> dict[int, Response]:
        """How likely whole texts are: what follows an empty context."""
        method = f"{self._kind}.loglikelihood()"
        pairs: list[Pair] = [("", request.text) for request in requests.values()]
        found = self._called(self._own, pairs, method, "pairs")
        return {at: whole(given, method) for at, given in zip(requests, found, strict=True)}

    def _called(self, ask: Any, given: Sequence[Any], method: str, what: str) -> list[Any]:
        found: list[Any] = []
        try:
            for at in range(0, len(given), self._size):
                some = given[at : at + self._size]
                found += each(ask(some), len(some), method, what)
        except UserError:
            raise
        except Exception as error:
            kept = "what was answered before is kept" if self.identified else "no answer is kept"
            error.add_note(f"lsm-eval had called {method} with {len(given)} {what}; {kept}.")
            raise
        return found

    def _unsupported(self, request: Request) -> str | None:
        """Why it cannot answer this request, as the rest of a sentence; None if it can."""
        match request:
            case Perplexity(detail=True):
                return "gives the likelihood of a whole text, but not of each of its tokens, which this task needs: leave it out."
            case Perplexity() if not self.scores():
                return "has no loglikelihood(), and this task asks how likely whole texts are: add that method, or leave the task out."
            case Score() if not self.scores():
                return "has no loglikelihood(), and this task needs the log-probabilities of given texts: add that method, or leave the task out."
            case Score(chat=True):
                return "scores plain texts, and this is a chat: use chat='auto' or chat='off'."
            case Generate(detail=True):
                return "does not return how likely the texts are that it writes: leave this task out."
            case Generate(choices=(_, *_)):
                return "cannot be constrained to given answers: use choices='parsed'."
        return None


def _prompt(request: Generate) -> Prompt:
    return Prompt(
        user=request.prompt,
        system=request.system,
        chat=request.chat,
        stop=request.stop,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=request_seed(request),
    )


def _scored(found: Sequence[Likely]) -> Scored:
    return Scored(tuple(one[0] for one in found), counts(found), tuple(one[1] for one in found))


def _name(model: object, kind: str) -> str:
    name = _text(model, "name", kind)
    if name is None:
        raise UserError(f"the model, a {kind}, has no name: give it an attribute `name`, a text.")
    try:
        return checked_name(name, "")
    except UserError as error:
        raise UserError(str(error).replace("--name", f"{kind}.name", 1)) from None


def _text(model: object, attribute: str, kind: str) -> str | None:
    value = getattr(model, attribute, None)
    if value is not None and not (isinstance(value, str) and value.strip()):
        raise UserError(f"{kind}.{attribute} is {_said(value)}: make it a text that is not empty.")
    return value


def _flag(model: object, attribute: str, kind: str) -> bool:
    value = getattr(model, attribute, False)
    if not isinstance(value, bool):
        raise UserError(f"{kind}.{attribute} is {_said(value)}: make it True or False.")
    return value


def _size(model: object, kind: str) -> int:
    value = getattr(model, "batch_size", BATCH)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f"{kind}.batch_size is {_said(value)}: make it a whole number, 1 or more.")
    return value


def _said(value: object) -> str:
    """A value for a sentence; a method, which somebody defined instead of an attribute, is called so."""
    return "a method" if callable(value) else repr(value)[:80]
