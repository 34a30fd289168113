"""Decides which of a model's servers is sent which request.

Every server is kept as busy as its limiter allows, so that the only choice is which request it gets when it has room.
Requests are therefore assigned ahead of time, to the queue of the server that has read most of their prompt, unless that
one has much more to do than the others (bounded loads: Mirrokni, Thorup and Zadimoghaddam 2018, "Consistent hashing with
bounded loads"). A server whose queue is empty takes from the longest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from lsm_eval.endpoints.affinity import prefix_hashes, weight
from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.replica import Replica

_SHARE = 1.25  # of the mean load: the most that a server is given because it has read the prompt
_AHEAD_LEAST, _AHEAD_MOST = 64, 2048  # requests that are assigned ahead


class Fleet:
    """The servers of one model; at least one is always live."""

    def __init__(
        self,
        replicas: Sequence[Replica],
        prompt: Callable[[int], str] | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`prompt`: the prompt of a request, by its index; None if all are alike. `say` is called when a server is taken out
        or back in."""
        self.replicas = list(replicas)
        self._prompt, self._say = prompt, say
        self._only = self.replicas[0] if len(self.replicas) == 1 else None
        self._ended = False
        for replica in self.replicas:
            replica.under_way = 0
            replica.queue.clear()

    def free(self, now: float, but: Collection[Replica] = ()) -> Replica | None:
        """The least busy of the servers that may be sent one more request; none of `but`, unless no other is live."""
        if self._only is not None:
            return self._only if self._only.limiter.allows(self._only.under_way, now) else None
        live = [one for one in self.replicas if one.live]
        if but:
            live = [one for one in live if one not in but] or live
        found = [one for one in live if one.limiter.allows(one.under_way, now)]
        return min(found, key=lambda one: one.under_way, default=None)

    def full(self, now: float) -> bool:
        """Whether there is only one server, and it takes no more until it has answered one: a quick check that mostly holds."""
        only = self._only
        return only is not None and only.limiter.full(only.under_way) and only.limiter.wakes <= now

    def fresh(self, replica: Replica, places: Iterator[int]) -> int | None:
        """The next untried request for a server; None if none is left."""
        if self._only is not None:
            return next(places, None)
        if not replica.queue and not self._ended:
            self._look_ahead(places)
        if not replica.queue:
            longest = max(self.replicas, key=lambda one: len(one.queue))
            if not longest.queue:
                return None
            place = longest.queue.pop()
            if self._prompt is not None:
                replica.memory.add(prefix_hashes(self._prompt(place)))
            return place
        return replica.queue.popleft()

    def wakes(self, now: float) -> float:
        """The earliest time at which a paused server may be sent a request; in the past if none is paused."""
        if self._only is not None:
            return self._only.limiter.wakes
        times = (one.limiter.wakes for one in self.replicas if one.live)
        return min((time for time in times if time > now), default=now)

    def others(self, replica: Replica) -> bool:
        """Whether another server is live."""
        return self._only is None and any(one.live and one is not replica for one in self.replicas)

    def take_out(self, replica: Replica, why: Retryable) -> None:
        """Take out a server that is gone; its queue goes to the others."""
        replica.take_out()
        self._say(f"{replica.url} is left out until it is there again ({why.fault}: {why.detail}).")
        waiting = list(replica.queue)
        replica.queue.clear()
        for place in waiting:
            self._assign(place)

    def take_in(self, replica: Replica) -> None:
        """Take a server back in."""
        replica.live = True
        self._say(f"{replica.url} is there again.")

    def _look_ahead(self, places: Iterator[int]) -> None:
        live = [one for one in self.replicas if one.live]
        room = 2 * sum(one.limiter.limit for one in live)
        ahead = int(min(max(room, _AHEAD_LEAST), _AHEAD_MOST)) - sum(len(one.queue) for one in live)
        for _ in range(max(ahead, 1)):
            place = next(places, None)
            if place is None:
                self._ended = True
                return
            self._assign(place)

    def _assign(self, place: int) -> None:
        live = [one for one in self.replicas if one.live]
        found = [0] if self._prompt is None else prefix_hashes(self._prompt(place))
        bound = _SHARE * (1 + sum(one.load for one in live) / len(live))
        room = [one for one in live if one.load < bound]
        if self._prompt is None:
            chosen = min(room, key=lambda one: one.load)
        else:
            chosen = max(room, key=lambda one: (one.memory.matched(found), weight(one.url, found[-1])))
            chosen.memory.add(found)
        chosen.queue.append(place)
