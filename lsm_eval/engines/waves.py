"""What an engine is asked to score token rows: next tokens after prompts, and tokens of the prompts themselves.

Engines tell the log-probability of given tokens after a prompt, and of a prompt's own tokens. A context that several
rows share is read once: in a first wave, which tells how likely each row's first token is; in a second one, the prompts
begin with what the engine's prefix cache then holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow

Told = tuple[float, bool]
"""A token's natural-log probability, and whether it is the likeliest at its place."""


@dataclass(slots=True)
class Ask:
    """One prompt, and what is wanted of it."""

    prompt: tuple[int, ...]
    targets: dict[int, None] = field(default_factory=dict)
    """Tokens whose log-probability after the prompt is wanted, in order."""
    since: int | None = None
    """The first of the prompt's own tokens (by place, 1 or more) whose log-probability is wanted, with all after it;
    None where none is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an engine told of an `Ask`."""

    targets: Mapping[int, Told]
    own: Sequence[Told]
    """Of the prompt's tokens, from `Ask.since` on."""


class Waves:
    """The asks that score `rows`, in two waves, and the rows' scores once all are answered."""

    def __init__(self, rows: Sequence[TokenRow]) -> None:
        self._rows = rows
        self._waves: tuple[dict[tuple[int, ...], Ask], ...] = ({}, {})
        sharing: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
        for row in rows:
            sharing.setdefault(_context(row), set()).add(row.tokens)
        self._shared = {context for context, own in sharing.items() if len(own) > 1}
        for row in rows:
            self._plan(row)
        self._replies: tuple[dict[tuple[int, ...], Reply], ...] = ({}, {})

    def asks(self) -> Iterator[list[Ask]]:
        """The asks of each wave that has any; `tell` what came of one before the next is taken."""
        for wave in self._waves:
            if wave:
                yield list(wave.values())

    def tell(self, asks: Sequence[Ask], replies: Sequence[Reply]) -> None:
        """The replies to a wave, parallel to its asks."""
        wave = 0 if not self._replies[0] and self._waves[0] else 1
        self._replies[wave].update({ask.prompt: reply for ask, reply in zip(asks, replies, strict=True)})

    def scores(self) -> list[SequenceScore]:
        """The scores, parallel to the rows."""
        return [self._score(row) for row in self._rows]

    def _plan(self, row: TokenRow) -> None:
        context = _context(row)
        before = len(context)
        wave = 0
        if context in self._shared:
            self._ask(0, context).targets[row.tokens[before]] = None
            if row.scored == 1:
                return
            wave, before = 1, before + 1
        ask = self._ask(wave, row.tokens[:-1])
        ask.targets[row.tokens[-1]] = None
        if before < len(row.tokens) - 1:
            ask.since = before if ask.since is None else min(ask.since, before)

    def _ask(self, wave: int, prompt: tuple[int, ...]) -> Ask:
        return self._waves[wave].setdefault(prompt, Ask(prompt))

    def _score(self, row: TokenRow) -> SequenceScore:
        context = _context(row)
        told: list[Told] = []
        first, wave = len(context), 0
        if context in self._shared:
            told.append(self._replies[0][context].targets[row.tokens[first]])
            first, wave = first + 1, 1
        if len(told) < row.scored:
            prompt = row.tokens[:-1]
            reply = self._replies[wave][prompt]
            since = self._waves[wave][prompt].since
            if first < len(prompt):
                assert since is not None
                told += reply.own[first - since :]
            told.append(reply.targets[row.tokens[-1]])
        return SequenceScore(math.fsum(value for value, _ in told), all(likeliest for _, likeliest in told))


def _context(row: TokenRow) -> tuple[int, ...]:
    return row.tokens[: -row.scored]
