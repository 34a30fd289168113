"""A model in this process as a profiling target: requests arrive and wait for their turn in its loop, as in a server.

Nothing lies between client and model, so that the client cannot be the limit: a request arrives exactly at its scheduled time,
whatever the loop is doing then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.models.base import Endless, Model
from lsm_eval.models.hf import HFModel
from lsm_eval.profiling.prompts import counted_by
from lsm_eval.profiling.serving.load import Load, LoadResult
from lsm_eval.profiling.serving.prompts import Scale, exact, scale_from, text
from lsm_eval.profiling.serving.spec import ServingSpec
from lsm_eval.profiling.serving.stamps import Chunk, TimedRequest
from lsm_eval.requests import Generate

_SHORT_WORDS, _LONG_WORDS = 8, 136
COUNTED_BY = "engine"


def local_target(model: Model, serving: ServingSpec) -> LocalTarget:
    """The model as a serving target. Raises `UserError` for one that cannot take single requests."""
    if not isinstance(model, HFModel):
        raise UserError(
            f"--model {model.info.name} cannot be asked while other requests are under way: profile it in batches (--batch), or serve it, "
            "and name the server's address with --base-url."
        )
    return LocalTarget(model)


class LocalTarget:
    """A checkpoint in this process."""

    cpu_is_clients = False

    def __init__(self, model: HFModel) -> None:
        self._model = model
        self.name, self.context = model.info.name, model.info.context
        self.scale = Scale()
        self.fixed_length = isinstance(model, Endless)
        if isinstance(model, Endless):
            model.ignore_ends()

    def prepare(self, longest: int) -> None:
        """Load the weights, and find out how many tokens a word has."""
        self._model.load()
        count = counted_by(self._model)
        short, long = count([text(0, "first", _SHORT_WORDS), text(0, "first", _LONG_WORDS)])
        self.scale = scale_from((_SHORT_WORDS, short), (_LONG_WORDS, long))

    def prompts(self, seed: int, lengths: Sequence[int], first: int) -> list[str]:
        """Prompts of exactly these lengths, as far as the tokenizer can produce them."""
        return exact(counted_by(self._model), seed, lengths, first)

    def run(self, load: Load) -> LoadResult:
        """See `ServingTarget.run`."""
        requests = [Generate(one.prompt, max_tokens=one.output_tokens) for one in load.requests]
        closed = load.times is None
        loop, prompts = self._model.arriving(requests, load.concurrency if closed else None)
        first = replace(prompts[0], max_tokens=2)  # the first passes are slow
        loop.serve(_Feed([first], 1, None, None, time.perf_counter_ns()))
        begun = time.perf_counter_ns()
        feed = _Feed(prompts, load.concurrency if closed else None, load.times, load.seconds, begun)
        loop.serve(feed)
        for one in feed.timed:
            wanted = load.requests[one.index]
            one.asked_prompt_tokens, one.asked_output_tokens = wanted.prompt_tokens, wanted.output_tokens
        return LoadResult(feed.timed, begun, None)

    def flush(self) -> None:
        """Nothing is cached."""

    def close(self) -> None:
        """Release the weights."""
        self._model.release()


class _Feed:
    """Supplies prompts to the loop: a fixed number at a time, or at their scheduled times."""

    def __init__(
        self,
        prompts: Sequence[Prompt],
        concurrency: int | None,
        times: Sequence[int] | None,
        seconds: float | None,
        begun: int,
    ) -> None:
        self._prompts, self._times, self._begun = prompts, times, begun
        self._most = len(prompts) if concurrency is None else concurrency
        self._until = None if seconds is None else begun + round(1e9 * seconds)
        self._next = self._under_way = 0
        self.timed: list[TimedRequest] = []

    def due(self, now: int) -> list[tuple[int, Prompt]]:
        """See `arriving.Arrivals`."""
        found: list[tuple[int, Prompt]] = []
        while self._next < len(self._prompts) and self._under_way < self._most:
            at, start = self._next, now
            if self._times is not None:
                start = self._begun + self._times[at]
                if start > now:
                    break
            elif self._until is not None and now >= self._until:
                self._next = len(self._prompts)
                break
            elif not self.timed:
                start = self._begun
            prompt = self._prompts[at]
            one = TimedRequest(at, start, sent=start, prompt_tokens=len(prompt.tokens), counted_by=COUNTED_BY)
            one.scheduled = start if self._times is not None else None
            self.timed.append(one)
            found.append((at, prompt))
            self._next += 1
            self._under_way += 1
        return found

    def seconds(self, now: int) -> float | None:
        """See `arriving.Arrivals`."""
        if self._next >= len(self._prompts):
            return None
        if self._times is None:
            return 0.0
        return (self._begun + self._times[self._next] - now) * 1e-9

    def tokens(self, numbers: Sequence[int], now: int) -> None:
        """See `arriving.Arrivals`."""
        for number in numbers:
            self.timed[number].chunks.append(Chunk(now, 1))

    def ended(self, number: int, found: Continuation, now: int) -> None:
        """See `arriving.Arrivals`."""
        one: Any = self.timed[number]
        one.ended, one.output_tokens = now, len(one.chunks)
        one.finish = "stop" if found.stopped else "length"
        one.reasoning_tokens = found.thought
        if found.nan:
            one.failure, one.detail = "nan", "the model's output held a NaN"
        for chunk in one.chunks[: found.thought or 0]:
            chunk.thought = True
        self._under_way -= 1
