"""Sends many requests to all servers of a model, over connections that stay open meanwhile."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lsm_eval.endpoints.asking import beginning, path_of
from lsm_eval.endpoints.discovery import Discovery
from lsm_eval.endpoints.files import allowed_connections
from lsm_eval.endpoints.fleet import Fleet
from lsm_eval.endpoints.loop import event_loop, infrequent_gc, made
from lsm_eval.endpoints.quota import stated_rate
from lsm_eval.endpoints.replica import one_at_a_time
from lsm_eval.endpoints.request_sender import RequestSender
from lsm_eval.endpoints.same import still_the_same
from lsm_eval.endpoints.site import Site
from lsm_eval.endpoints.transport import Transport
from lsm_eval.endpoints.window import Window
from lsm_eval.errors import UserError
from lsm_eval.requests import Failure, Generate, Request, Response, asks_likelihood, kind

if TYPE_CHECKING:
    from lsm_eval.endpoints.scoring.alike import Sample
    from lsm_eval.endpoints.scoring.scorer import Scorer

_SAY_SECONDS = 30.0  # between two lines about requests that wait to be retried
_LOOK_SECONDS = 5.0


class Session:
    """An event loop with the connections to all servers, open inside `with`."""

    def __init__(self, requests: Sequence[Request], known: Discovery) -> None:
        self._requests, self._discovery = requests, known
        self._api = known.options.api
        self._replicas = [one.replica for one in known.sites]
        self._likely = any(map(asks_likelihood, requests))
        self._kind = kind(requests[0])  # all are of the same kind

    def __enter__(self) -> Self:
        self._make_room()
        with ExitStack() as stack:
            self._runner = stack.enter_context(event_loop())
            stack.enter_context(infrequent_gc())
            self._encoding = ThreadPoolExecutor(1)  # starts its thread on first use
            stack.callback(lambda: self._encoding.shutdown(wait=False, cancel_futures=True))
            for site in self._discovery.sites:
                self._connect(site, stack)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def ask(self, held: Set[int]) -> Iterator[dict[int, Response]]:
        """The responses to all requests except those at the indices `held`, in any order. Raises `UserError` if the servers
        refuse all requests."""
        # The first of each kind is sent alone, one to each server, so that a user's mistake costs one request.
        first: dict[str, list[int]] = {}
        for place, request in enumerate(self._requests):
            if place not in held and isinstance(request, Generate):
                alike = first.setdefault(path_of(request, self._api), [])
                if len(alike) < len(self._replicas):
                    alike.append(place)
        done = set(held)
        for places in first.values():
            with one_at_a_time(self._replicas):
                for batch in self._window(iter(places), Fleet(self._replicas, say=self._say)):
                    self._check_there(batch)
                    yield batch
            done.update(places)
        rest = (place for place in range(len(self._requests)) if place not in done)
        fleet = Fleet(self._replicas, lambda place: beginning(self._requests[place], self._api), self._say)
        yield from self._window(rest, fleet)

    def _make_room(self) -> None:
        """Allow enough open files: a connection that this process may not open looks like an unreachable server."""
        wanted = sum(one.limiter.most for one in self._replicas)
        room = allowed_connections(wanted)
        if room < wanted:
            each = max(room // len(self._replicas), 1)
            for one in self._replicas:
                one.limiter.bound(each)
            self._say(
                f"at most {each:,} requests are under way at each server, since this process may not have more files open "
                "(`ulimit -n` raises that)."
            )

    def _connect(self, site: Site, stack: ExitStack) -> None:
        """Open connections to a server, in this event loop."""
        known, run = self._discovery, self._runner.run
        transport = run(made(lambda: Transport(site.address, known.key)))
        stack.callback(lambda: run(transport.close()))
        scorer = run(made(lambda: self._scorer(site)))
        if scorer is not None:
            stack.callback(lambda: run(scorer.close()))
        sender = RequestSender(
            self._requests, known.model, self._api, site.address, known.key, transport, site.quirks,
            known.options.stream, known.retry_policy, known.note, scorer, known.times.of(self._kind, "first_token"),
        )  # fmt: skip
        site.replica.took = known.times.of(self._kind, "request")

        def hear(headers: Mapping[str, str], posts: float = 1) -> None:
            rate = stated_rate(headers, time.time())
            if rate is not None:
                site.replica.limiter.quota_stated(time.monotonic(), rate / posts)

        transport.hears = hear
        if scorer is not None:
            scorer.listen(hear)
        site.replica.attempt, site.replica.look = sender.attempt, self._looks(site)

    def _scorer(self, site: Site) -> Scorer | None:
        if not self._likely or self._discovery.scoring.lacks:
            return None
        from lsm_eval.endpoints.scoring.scorer import Scorer

        known = self._discovery
        return Scorer(known.scoring, site.address, known.key, known.model, self._encoding)

    def _looks(self, site: Site) -> Callable[[], Awaitable[bool]]:
        """The check whether a server that was taken out can be reached again."""

        async def look() -> bool:
            known = self._discovery  # `seen` and `sample` are None if they were not needed
            same = await still_the_same(site.address, known.key, known.model, known.seen)
            if same and known.sample is not None:
                same = await self._scores_the_same(site, known.sample)
            if same is None:
                known.note(f"{site.address.url} is there again as another version or model, and is left out.")
                site.replica.look = _never
            return bool(same)

        return look

    async def _scores_the_same(self, site: Site, sample: Sample) -> bool | None:
        from lsm_eval.endpoints.scoring.alike import differs
        from lsm_eval.endpoints.scoring.calling import Unanswered

        try:
            why = await differs(sample, (site.address, self._discovery.key, self._discovery.model))
        except Unanswered:
            return False
        return True if why is None else None

    def _window(self, places: Iterator[int], fleet: Fleet) -> Iterator[dict[int, Response]]:
        run = self._runner.run
        window = run(made(lambda: Window(places, fleet, self._discovery.retry_policy)))
        said = time.monotonic()
        try:
            while not window.finished:
                run(window.wait(_LOOK_SECONDS))  # a Ctrl-C here loses no response
                batch = window.taken()
                if batch:
                    yield batch
                waiting, longest = window.waiting()
                if waiting and time.monotonic() - said >= _SAY_SECONDS:
                    said = time.monotonic()
                    self._say(f"retrying {waiting:,}, longest {longest:.0f} s.")
        except KeyboardInterrupt:
            run(window.close())
            left = window.left()
            if left:  # after a Ctrl-C, all answers so far are kept, as they were paid for
                yield left
            raise
        finally:
            run(window.close())

    def _check_there(self, batch: Mapping[int, Response]) -> None:
        for response in batch.values():
            if isinstance(response, Failure) and response.detail.startswith("connection:"):
                urls = " and ".join(one.url for one in self._replicas)
                raise UserError(
                    f"{urls} did not answer the first request ({response.detail}): start the server, and run the same "
                    "command again."
                )

    def _say(self, text: str) -> None:
        self._discovery.note(f"openai:{self._discovery.model}: {text}")


async def _never() -> bool:
    return False
