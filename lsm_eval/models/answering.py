"""Turns requests into a network's rows and prompts, and its results into answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Literal

from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.network import Detailed, Network
from lsm_eval.models.answers import scored_answer, with_likelihood
from lsm_eval.models.given_choices import as_scored, refused, written
from lsm_eval.models.request_encoding import RequestEncoder, Row
from lsm_eval.requests import Failure, Generate, Generated, Likelihood, Perplexity, Request, Response

_SCORED_TOGETHER = 64  # generated texts that are then scored in one call


class Answering:
    """Answers requests with one loaded network."""

    def __init__(
        self,
        name: str,
        network: Network,
        requests: RequestEncoder,
        without_markers: Callable[[str], str],
        *,
        decoder: bool,
    ) -> None:
        """`without_markers` removes the marks of thoughts from a text; `decoder`: the model is decoder-only."""
        self._name, self._network, self._requests = name, network, requests
        self._without_markers, self._decoder = without_markers, decoder

    def answer(self, requests: Sequence[Request], known: Collection[int]) -> Iterator[dict[int, Response]]:
        """See `base.Model.answer`. Texts that must be one of given ones are scored (`given_choices`)."""
        scorable = [as_scored(request) for request in requests]
        no = {i: why for i, request in enumerate(requests) if (why := refused(request)) is not None}
        if no.keys() - set(known):
            yield {i: why for i, why in no.items() if i not in known}
        generated = [i for i, request in enumerate(scorable) if isinstance(request, Generate) and i not in no]
        scored = [i for i, request in enumerate(scorable) if not isinstance(request, Generate)]
        for batch in self._score(scorable, scored, known):
            yield {i: written(requests[i], response) for i, response in batch.items()}
        yield from self._generate(requests, generated, known)

    def _score(
        self, requests: Sequence[Request], indices: Sequence[int], known: Collection[int]
    ) -> Iterator[dict[int, Response]]:
        rows: dict[int, Sequence[Row]] = {}
        detailed: dict[int, Sequence[Row]] = {}
        cut: dict[int, int] = {}
        at_once: dict[int, Response] = {}
        for i in indices:
            request = requests[i]
            assert not isinstance(request, Generate)
            wants_detail = isinstance(request, Perplexity) and request.detail
            if wants_detail and not isinstance(self._network, Detailed):
                at_once[i] = self._no_detail()
                continue
            with self._network.ledger.encoding():
                own = self._requests.refusal(request) or self._requests.rows(request)
            if isinstance(own, Failure):
                at_once[i] = own
            elif not own[0]:
                at_once[i] = Likelihood(0.0, 0)  # an empty text
            else:
                (detailed if wants_detail else rows)[i], cut[i] = own
        at_once = {i: response for i, response in at_once.items() if i not in known}
        if at_once:
            yield at_once
        if rows:
            for batch in self._network.score(rows, known):
                yield {i: scored_answer(requests[i], rows[i], scores, cut[i]) for i, scores in batch.items()}
        if detailed and isinstance(self._network, Detailed):
            for batch in self._network.score_detailed(detailed, known):
                yield {i: scored_answer(requests[i], detailed[i], own, cut[i]) for i, own in batch.items()}

    def _no_detail(self) -> Failure:
        why = f"{self._name} is no decoder-only model, and the likelihood of its texts has no detail"
        return Failure("unsupported", why)

    def _generate(
        self, requests: Sequence[Request], indices: Sequence[int], known: Collection[int]
    ) -> Iterator[dict[int, Response]]:
        prompts: dict[int, Prompt] = {}
        cut: dict[int, int] = {}
        for i in indices:
            request = requests[i]
            assert isinstance(request, Generate)
            with self._network.ledger.encoding():
                own = self._requests.refusal(request) or self._requests.prompt(request)
            if not isinstance(own, Failure) and request.detail and not self._decoder:
                own = self._no_detail()
            if isinstance(own, Failure):
                if i not in known:
                    yield {i: own}
            else:
                prompts[i], cut[i] = own
        if not prompts:
            return
        waiting: dict[int, Generated] = {}
        for batch in self._network.generate(prompts, known):
            done: dict[int, Response] = {}
            for i, result in batch.items():
                if result.nan:
                    done[i] = Failure("nan", "the model's logits are NaN")
                else:
                    finish: Literal["stop", "length"] = "stop" if result.stopped else "length"
                    request = requests[i]
                    assert isinstance(request, Generate)
                    plain = request.stop_in_thoughts
                    text = self._without_markers(result.text) if plain else result.text
                    thought = None if plain else result.thought
                    answer = Generated(text, result.tokens, finish, cut[i], reasoning_tokens=thought)
                    if text and request.detail:
                        waiting[i] = answer
                    else:
                        done[i] = answer
            if done:
                yield done
            if len(waiting) >= _SCORED_TOGETHER:
                yield with_likelihood(self._network, self._requests, requests, waiting)
                waiting = {}
        if waiting:
            yield with_likelihood(self._network, self._requests, requests, waiting)
