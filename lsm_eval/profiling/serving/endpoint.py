"""A server as a profiling target, reached over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from lsm_eval.endpoints.files import allowed_connections
from lsm_eval.endpoints.loop import Runner
from lsm_eval.endpoints.loop import made as made_in_loop
from lsm_eval.errors import UserError
from lsm_eval.profiling.serving import cache
from lsm_eval.profiling.serving.checks import self_check
from lsm_eval.profiling.serving.drive import SentLoad, closed_loop, open_loop
from lsm_eval.profiling.serving.load import Load, LoadResult
from lsm_eval.profiling.serving.prompts import Count, Scale, exact, made, scale_from, text
from lsm_eval.profiling.serving.reading import read_request
from lsm_eval.profiling.serving.request_format import RequestFormat, refusal
from lsm_eval.profiling.serving.stamps import TimedRequest
from lsm_eval.profiling.serving.watch import WatchedLoop
from lsm_eval.profiling.serving.wire import Client

if TYPE_CHECKING:
    from lsm_eval.endpoints.address import Address
    from lsm_eval.endpoints.key import Key

_TRIES = 8
_SHORT_WORDS, _LONG_WORDS = 8, 136
_FIRST_TOKENS = 4
_WARM_UP_TOKENS = 4
_MOST_WARM_UP = 64


class EndpointTarget:
    """One server. All requests use one event loop, which exists until `close`."""

    cpu_is_clients = True

    def __init__(
        self,
        name: str,
        address: Address,
        key: Key,
        asking: RequestFormat,
        *,
        seconds: float,
        context: int | None = None,
        flush: str | None = None,
        count: Count | None = None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`seconds`: time limit of one request. `flush`: how its cache is emptied (`cache`).
        `count`: counts the tokens of prompts, if possible."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise UserError(
                "a server cannot be profiled where an event loop runs already, as in a notebook: use the command line."
            )
        self.name, self.context = name, context
        self._address, self._key, self._asking = address, key, asking
        self._flush, self._note, self._count = flush, note, count
        self.scale = Scale()
        self._runner = Runner(loop_factory=WatchedLoop)
        self._client = self._runner.run(made_in_loop(lambda: Client(address, key, seconds=seconds)))

    @property
    def fixed_length(self) -> bool:
        """Whether answers have the requested length."""
        return self._asking.fixed_length

    def prepare(self, longest: int) -> None:
        """Send a short and a longer prompt to find out whether it answers, streams and counts, and how many tokens a word has."""
        self.flush()  # if that fails, no prompt is sent
        short = self._first(_SHORT_WORDS)
        if not self._runner.run(self._client.settle()):
            self._note(
                f"{self.name} closes every connection after an answer: each request makes one of its own, which its times include."
            )
        words = _second(short.prompt_tokens, longest)
        long = self._first(words)
        found = sorted(
            [(_SHORT_WORDS, short.prompt_tokens), (words, long.prompt_tokens)], key=lambda one: one[0]
        )
        self.scale = scale_from(*found)
        if not self.scale.known:
            self._note(
                f"{self.name} does not count the tokens of prompts: a word is taken for a token, and their lengths are not known."
            )

    def _first(self, words: int) -> TimedRequest:
        prompt = text(0, f"first {words}", words)
        for _ in range(_TRIES):
            body = self._asking.body(prompt, _FIRST_TOKENS)
            exchange = self._client.take(self._runner.run(self._client.ask(self._asking.path, body)))
            one = read_request(exchange, self._asking.path, 0, self._key)
            if one.failure is None:
                return one
            if not self._asking.learn(exchange, one, self._note):
                break
        raise refusal(self.name, one)

    def prompts(self, seed: int, lengths: Sequence[int], first: int) -> list[str]:
        """See `ServingTarget.prompts`."""
        if self._count is not None:
            return exact(self._count, seed, lengths, first)
        return [made(seed, first + at, length, self.scale) for at, length in enumerate(lengths)]

    def run(self, load: Load) -> LoadResult:
        """See `ServingTarget.run`; warm-up requests open as many connections as are needed at a time."""
        self._make_room(load)
        asking, path = self._asking, self._asking.path
        bodies = [asking.body(one.prompt, one.output_tokens) for one in load.requests]
        self._warm_up(load)
        if load.cache == "prefix-warm":
            self._read_before(load)
        elif load.cache == "cold":
            self.flush()
        if load.times is not None:
            driven = self._runner.run(open_loop(self._client, path, bodies, load.times))
        else:
            driven = self._runner.run(
                closed_loop(self._client, path, bodies, load.concurrency or 1, load.seconds)
            )
        requests = self._read(driven, load)
        check = self_check(
            driven, requests, rate=load.rate, concurrency=load.concurrency if load.times is None else None
        )
        return LoadResult(requests, driven.begun, check)

    def _read(self, driven: SentLoad, load: Load) -> list[TimedRequest]:
        found = []
        for at, (exchange, scheduled) in enumerate(zip(driven.exchanges, driven.scheduled, strict=True)):
            one = read_request(self._client.take(exchange), self._asking.path, at, self._key)
            exchange.parts = []
            wanted = load.requests[at]
            one.scheduled, one.server = scheduled, self._address.url
            one.asked_prompt_tokens, one.asked_output_tokens = wanted.prompt_tokens, wanted.output_tokens
            found.append(one)
        return found

    def _warm_up(self, load: Load) -> None:
        """Send some short requests, so that the measurement does not include connecting or first-time work."""
        number = min(load.concurrency or 4, _MOST_WARM_UP, len(load.requests))
        asking = self._asking
        bodies = [
            asking.body(text(0, f"warm-up {at}", _SHORT_WORDS), _WARM_UP_TOKENS) for at in range(number)
        ]
        self._unread(closed_loop(self._client, asking.path, bodies, number))

    def _read_before(self, load: Load) -> None:
        """Send every prompt once, so that the server has it in its cache."""
        asking = self._asking
        bodies = [asking.body(prompt, 1) for prompt in dict.fromkeys(one.prompt for one in load.requests)]
        self._unread(closed_loop(self._client, asking.path, bodies, min(load.concurrency or 4, 16)))

    def _unread(self, loop: Coroutine[Any, Any, SentLoad]) -> None:
        """Run a loop and discard its answers."""
        for exchange in self._runner.run(loop).exchanges:
            self._client.take(exchange)

    def _make_room(self, load: Load) -> None:
        wanted = load.concurrency if load.times is None else len(load.requests)
        room = allowed_connections(wanted or 1)
        if load.times is None and room < (wanted or 1):
            raise UserError(
                f"--concurrency {wanted} needs as many open files, and this process may have {room:,} of them: raise that (`ulimit -n`), or "
                "ask fewer at a time."
            )

    def flush(self) -> None:
        """See `ServingTarget.flush`."""
        if self._flush is not None:
            cache.flush(self._address, self._key, self._flush)

    def close(self) -> None:
        """Close the connections and the event loop."""
        self._runner.run(made_in_loop(self._client.close))
        self._runner.close()


def _second(tokens: int | None, longest: int) -> int:
    """Number of words in the second prompt, whose tokens are compared with those of the first: more, as far as `longest` tokens
    allow; else fewer."""
    each = (tokens or 1) / _SHORT_WORDS  # includes the tokens of a chat template
    words = min(_LONG_WORDS, int(longest / each))
    return words if words > _SHORT_WORDS else _SHORT_WORDS // 4
