"""A network that another engine computes: rows go through it in waves, texts come token by token and end by our rules."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

from lsm_eval.engines.waves import Ask, Reply, Waves
from lsm_eval.inference.generating.budget import BudgetWatch
from lsm_eval.inference.generating.budget import watch as budget_watch
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.stops import StopWatch, finish, holds
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.place import Place
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow

_ROWS = 2048  # scored together at most, so that what is answered is kept soon


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that an engine wrote."""

    sequence: int
    token: int
    nan: bool
    """Whether its log-probability is NaN, so that the text means nothing."""
    over: bool
    """Whether the engine writes no more of this sequence."""


class Engine(Protocol):
    """What somebody's engine must be able to do."""

    room: int
    """Tokens whose keys and values it holds at once."""

    @property
    def details(self) -> Mapping[str, str]:
        """What the record says of how it runs."""
        ...

    def tell(self, asks: Sequence[Ask]) -> list[Reply]:
        """Replies parallel to the asks."""
        ...

    def write(self, prompts: Mapping[int, Prompt]) -> Iterator[Sequence[NewToken]]:
        """New tokens of all prompts as they come, those that end a text included."""
        ...

    def stop(self, sequences: Sequence[int]) -> None:
        """Write no more of these."""
        ...

    def close(self) -> None:
        """Let the weights go."""
        ...


@dataclass(slots=True)
class _Text:
    number: int
    """Its request's."""
    prompt: Prompt
    watch: StopWatch
    budget: BudgetWatch | None
    new: list[int] = field(default_factory=list)
    nan: bool = False

    def take(self, chosen: int, place: Place) -> tuple[bool, bool]:
        """Take the token that the engine wrote, or in its place all that closes thoughts that have used up their budget.
        Whether the text is over, and whether other tokens than the engine's stand in it."""
        token, written = (chosen if self.budget is None else self.budget.next(self.new, chosen)), False
        while True:
            written |= token != chosen
            self.new.append(token)
            if self._over(token, place):
                return True, written
            token = -1 if self.budget is None else self.budget.next(self.new, -1)
            if token < 0:
                return False, written

    def _over(self, token: int, place: Place) -> bool:
        if self.nan or token in place.ends or len(self.new) >= self.prompt.max_tokens:
            return True
        if self.budget is not None and self.budget.over(self.new):
            return True
        # The watch decodes a few tokens only; the whole text decides.
        return self.watch.push(token) and holds(self.prompt, self.new, place.decode, place.written)

    @property
    def rest(self) -> Prompt:
        """What is left to be written of it, for an engine that is to go on from all that stands there."""
        return replace(
            self.prompt,
            tokens=(*self.prompt.tokens, *self.new),
            max_tokens=self.prompt.max_tokens - len(self.new),
        )


class EngineNetwork:
    """A `Network` (`inference.network`) around an engine."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self.engine, self._place = engine, place
        self.ledger = Ledger()

    @property
    def details(self) -> Mapping[str, str]:
        """See `Network.details`."""
        return self.engine.details

    def score(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Network.score`."""
        for batch in _batches(rows, self.engine.room // 2):
            if all(i in known for i in batch):
                continue
            start = time.perf_counter()
            waves = Waves([row for i in batch for row in rows[i]])
            for asks in waves.asks():
                waves.tell(asks, self.engine.tell(asks))
            scores = iter(waves.scores())
            self.ledger.score.seconds += time.perf_counter() - start
            done = {i: [next(scores) for _ in rows[i]] for i in batch}
            yield {i: own for i, own in done.items() if i not in known}

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """See `Network.generate`. Stop strings are found here, and budgets of thoughts kept, by the same rules as in every other
        backend."""
        place = self._place
        asked = [
            _Text(i, prompt, StopWatch(prompt.stop, place.decode, place.written), budget_watch(prompt, place))
            for i, prompt in prompts.items()
            if i not in known
        ]
        numbers = count()
        ends = frozenset(place.ends)
        while asked:
            # Those in which something was written in the engine's place go on as prompts of a number that it has not heard of.
            left = {next(numbers): text for text in asked}
            asked = []
            start = time.perf_counter()
            for tokens in self.engine.write({at: text.rest for at, text in left.items()}):
                done: dict[int, Continuation] = {}
                cut = []
                for new in tokens:
                    text = left.get(new.sequence)
                    if text is None:
                        continue  # its text is over, and the engine had not heard of it yet
                    text.nan |= new.nan
                    over, written = text.take(new.token, place)
                    if over or (new.over and not written):
                        done[text.number] = finish(
                            text.prompt, text.new, text.nan, ends, place.decode, place.written
                        )
                    elif written:
                        asked.append(text)
                    else:
                        continue
                    del left[new.sequence]
                    if not new.over:
                        cut.append(new.sequence)
                if cut:
                    self.engine.stop(cut)
                if done:
                    self.ledger.decode.seconds += time.perf_counter() - start
                    yield done
                    start = time.perf_counter()
            self.ledger.decode.seconds += time.perf_counter() - start


def stream_seed(prompt: Prompt) -> int:
    """The seed of a sequence's random numbers, 63 bits: of equal seeds, texts of other prompts are not tied to this one's."""
    digest = hashlib.blake2b(repr((prompt.tokens, prompt.seed)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def is_nan(value: float | None) -> bool:
    """Whether a log-probability is none; engines write NaN as a number or leave it out."""
    return value is None or math.isnan(value)


def _batches(rows: Mapping[int, Sequence[TokenRow]], room: int) -> Iterator[list[int]]:
    """Numbers of requests that are scored together, in their order: so many that the contexts stay in the engine's cache
    between the two waves. A request that is larger goes alone."""
    batch: list[int] = []
    tokens = count = 0
    for i, own in rows.items():
        size = sum(row.scored for row in own) + max(len(row.tokens) - row.scored for row in own)
        if batch and (tokens + size > room or count + len(own) > _ROWS):
            yield batch
            batch, tokens, count = [], 0, 0
        batch.append(i)
        tokens += size
        count += len(own)
    if batch:
        yield batch
