"""Turns token rows into queries for an engine: log-probabilities of next tokens after prompts, and of the prompts' own tokens.

A context that several rows share is read once, in a first wave, which scores each row's first token. In a second wave, the
prompts begin with contexts that are then in the engine's prefix cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow

TokenScore = tuple[float, bool]
"""A token's log-probability in nats, and whether it is the likeliest at its place."""


@dataclass(slots=True)
class Query:
    """One prompt, and which log-probabilities are wanted."""

    prompt: tuple[int, ...]
    targets: dict[int, None] = field(default_factory=dict)
    """Tokens whose log-probability after the prompt is wanted, in order."""
    since: int | None = None
    """Index (1 or more) of the first of the prompt's own tokens whose log-probability is wanted, with all after it; None if
    none is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An engine's reply to a `Query`."""

    targets: Mapping[int, TokenScore]
    own: Sequence[TokenScore]
    """Those of the prompt's tokens, from `Query.since` on."""


class Waves:
    """The queries that score `rows`, in two waves, and the rows' scores once all are answered."""

    def __init__(self, rows: Sequence[TokenRow]) -> None:
        self._rows = rows
        self._waves: tuple[dict[tuple[int, ...], Query], ...] = ({}, {})
        sharing: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
        for row in rows:
            sharing.setdefault(_context(row), set()).add(row.tokens)
        self._shared = {context for context, own in sharing.items() if len(own) > 1}
        for row in rows:
            self._plan(row)
        self._replies: tuple[dict[tuple[int, ...], Reply], ...] = ({}, {})

    def queries(self) -> Iterator[list[Query]]:
        """The queries of each wave that has any; call `add_replies` for one before the next is taken."""
        for wave in self._waves:
            if wave:
                yield list(wave.values())

    def add_replies(self, queries: Sequence[Query], replies: Sequence[Reply]) -> None:
        """Take the replies to a wave, parallel to its queries."""
        wave = 0 if not self._replies[0] and self._waves[0] else 1
        self._replies[wave].update(
            {query.prompt: reply for query, reply in zip(queries, replies, strict=True)}
        )

    def scores(self) -> list[SequenceScore]:
        """The scores, parallel to the rows."""
        return [self._score(row) for row in self._rows]

    def _plan(self, row: TokenRow) -> None:
        context = _context(row)
        before = len(context)
        wave = 0
        if context in self._shared:
            self._query(0, context).targets[row.tokens[before]] = None
            if row.scored == 1:
                return
            wave, before = 1, before + 1
        query = self._query(wave, row.tokens[:-1])
        query.targets[row.tokens[-1]] = None
        if before < len(row.tokens) - 1:
            query.since = before if query.since is None else min(query.since, before)

    def _query(self, wave: int, prompt: tuple[int, ...]) -> Query:
        return self._waves[wave].setdefault(prompt, Query(prompt))

    def _score(self, row: TokenRow) -> SequenceScore:
        context = _context(row)
        scores: list[TokenScore] = []
        first, wave = len(context), 0
        if context in self._shared:
            scores.append(self._replies[0][context].targets[row.tokens[first]])
            first, wave = first + 1, 1
        if len(scores) < row.scored:
            prompt = row.tokens[:-1]
            reply = self._replies[wave][prompt]
            since = self._waves[wave][prompt].since
            if first < len(prompt):
                assert since is not None
                scores += reply.own[first - since :]
            scores.append(reply.targets[row.tokens[-1]])
        return SequenceScore(
            math.fsum(value for value, _ in scores), all(likeliest for _, likeliest in scores)
        )


def _context(row: TokenRow) -> tuple[int, ...]:
    return row.tokens[: -row.scored]
