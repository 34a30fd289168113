"""A `Network` computed by an external engine: rows are scored in waves, and texts come token by token and end by our rules."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

from lsm_eval.engines.waves import Query, Reply, Waves
from lsm_eval.inference.generating.budget import BudgetWatch
from lsm_eval.inference.generating.budget import watch as budget_watch
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.stops import StopWatch, finish, holds
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow

_ROWS = 2048  # the most that are scored together, so that answers are stored soon


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that an engine generated."""

    sequence: int
    token: int
    nan: bool
    """Whether its log-probability is NaN, so that the text is invalid."""
    over: bool
    """Whether the engine has finished this sequence."""


class Engine(Protocol):
    """The interface of an external engine."""

    cache_tokens: int
    """How many tokens' keys and values it can hold."""

    @property
    def details(self) -> Mapping[str, str]:
        """How it runs, for the record."""
        ...

    def score(self, queries: Sequence[Query]) -> list[Reply]:
        """Replies parallel to the queries."""
        ...

    def generate(self, prompts: Mapping[int, Prompt]) -> Iterator[Sequence[NewToken]]:
        """New tokens of all prompts as they come, including those that end a text."""
        ...

    def stop(self, sequences: Sequence[int]) -> None:
        """Stop generating these."""
        ...

    def close(self) -> None:
        """Free the weights."""
        ...


@dataclass(slots=True)
class _Text:
    number: int
    """Number of its request."""
    prompt: Prompt
    watch: StopWatch
    budget: BudgetWatch | None
    new: list[int] = field(default_factory=list)
    nan: bool = False

    def take(self, chosen: int, runtime: Runtime) -> tuple[bool, bool]:
        """Take the engine's token, or instead the tokens that close thoughts whose budget is used up. Returns whether the
        text has ended, and whether tokens other than the engine's were added."""
        token, written = (chosen if self.budget is None else self.budget.next(self.new, chosen)), False
        while True:
            written |= token != chosen
            self.new.append(token)
            if self._over(token, runtime):
                return True, written
            token = -1 if self.budget is None else self.budget.next(self.new, -1)
            if token < 0:
                return False, written

    def _over(self, token: int, runtime: Runtime) -> bool:
        if self.nan or token in runtime.ends or len(self.new) >= self.prompt.max_tokens:
            return True
        if self.budget is not None and self.budget.over(self.new):
            return True
        # The watch decodes a few tokens only; the whole text decides.
        return self.watch.push(token) and holds(self.prompt, self.new, runtime.decode, runtime.written)

    @property
    def rest(self) -> Prompt:
        """A prompt that continues from all tokens so far."""
        return replace(
            self.prompt,
            tokens=(*self.prompt.tokens, *self.new),
            max_tokens=self.prompt.max_tokens - len(self.new),
        )


class EngineNetwork:
    """A `Network` (`inference.network`) that uses an engine."""

    def __init__(self, engine: Engine, runtime: Runtime) -> None:
        self.engine, self._runtime = engine, runtime
        self.ledger = Ledger()

    @property
    def details(self) -> Mapping[str, str]:
        """See `Network.details`."""
        return self.engine.details

    def score(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Network.score`."""
        for batch in _batches(rows, self.engine.cache_tokens // 2):
            if all(i in known for i in batch):
                continue
            start = time.perf_counter()
            waves = Waves([row for i in batch for row in rows[i]])
            for queries in waves.queries():
                waves.add_replies(queries, self.engine.score(queries))
            scores = iter(waves.scores())
            self.ledger.score.seconds += time.perf_counter() - start
            done = {i: [next(scores) for _ in rows[i]] for i in batch}
            yield {i: own for i, own in done.items() if i not in known}

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """See `Network.generate`. Stop strings and budgets of thoughts are handled here, by the same rules as in every other
        backend."""
        runtime = self._runtime
        asked = [
            _Text(
                i,
                prompt,
                StopWatch(prompt.stop, runtime.decode, runtime.written),
                budget_watch(prompt, runtime),
            )
            for i, prompt in prompts.items()
            if i not in known
        ]
        numbers = count()
        ends = frozenset(runtime.ends)
        while asked:
            # Texts to which tokens were added here are continued as new prompts, with new numbers.
            left = {next(numbers): text for text in asked}
            asked = []
            start = time.perf_counter()
            for tokens in self.engine.generate({at: text.rest for at, text in left.items()}):
                done: dict[int, Continuation] = {}
                cut = []
                for new in tokens:
                    text = left.get(new.sequence)
                    if text is None:
                        continue  # its text has ended, and the engine was not stopped yet
                    text.nan |= new.nan
                    over, written = text.take(new.token, runtime)
                    if over or (new.over and not written):
                        done[text.number] = finish(
                            text.prompt, text.new, text.nan, ends, runtime.decode, runtime.written
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


def prompt_seed(prompt: Prompt) -> int:
    """A seed of 63 bits for a sequence's random numbers, different for each prompt, so that texts of different prompts are
    independent."""
    digest = hashlib.blake2b(repr((prompt.tokens, prompt.seed)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def is_nan(value: float | None) -> bool:
    """Whether a log-probability is NaN, which engines return as a number or as None."""
    return value is None or math.isnan(value)


def number(value: float | None) -> float:
    """A log-probability as a number, NaN for None."""
    return float("nan") if value is None else float(value)


def _batches(rows: Mapping[int, Sequence[TokenRow]], room: int) -> Iterator[list[int]]:
    """Numbers of requests that are scored together, in their order: so few that their contexts stay in the engine's cache
    between the two waves. A larger request is scored alone."""
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
