"""The places in texts whose next tokens are scored: texts with a common prefix share its places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.inference.scoring.plain import TokenRow


@dataclass(slots=True)
class Place:
    """A prefix of tokens, and the tokens after it that are scored."""

    row: TokenRow
    """A row with this place, before its token `at`."""
    at: int
    wanted: dict[int, None] = field(default_factory=dict)
    known: dict[int, TokenNumber] = field(default_factory=dict)

    @property
    def before(self) -> tuple[int, ...]:
        """The tokens before it."""
        return self.row.tokens[: self.at]

    @property
    def unknown(self) -> list[int]:
        """The wanted tokens that are not scored yet."""
        return [token for token in self.wanted if token not in self.known]


class Places:
    """The places of some rows. Memory is linear in their tokens."""

    def __init__(self, rows: Sequence[TokenRow]) -> None:
        self._rows: list[tuple[TokenRow, list[Place]]] = []
        after: dict[tuple[int, int], int] = {}  # (prefix, next token): the longer prefix
        found: dict[int, Place] = {}
        for row in rows:
            beginning, own = 0, []
            for at, token in enumerate(row.tokens):
                if at >= len(row.tokens) - row.scored:
                    own.append(found.setdefault(beginning, Place(row, at)))
                    own[-1].wanted[token] = None
                beginning = after.setdefault((beginning, token), len(after) + 1)
            self._rows.append((row, own))
        self._all = list(found.values())

    def unknown(self) -> Iterator[Place]:
        """The places at which some token is not scored yet when it is their turn."""
        return (place for place in self._all if place.unknown)

    def runs(self, most: int) -> Iterator[tuple[TokenRow, int, int]]:
        """Rows, each with the start and end of tokens to score in one request: at most `most` of them, at least two."""
        for row, own in self._rows:
            start = len(row.tokens) - row.scored
            for begin in range(0, row.scored, most):
                some = range(begin, min(begin + most, row.scored))
                open_yet = [at for at in some if row.tokens[start + at] not in own[at].known]
                if len(open_yet) > 1:
                    yield row, start + open_yet[0], start + open_yet[-1] + 1

    def learn(self, row: TokenRow, at: int, found: Mapping[int, TokenNumber]) -> None:
        """Take the log-probabilities of tokens of a row, by their indices counted from `at`."""
        own = next(own for one, own in self._rows if one is row)
        start = len(row.tokens) - row.scored
        for place, number in found.items():
            own[at - start + place].known[row.tokens[at + place]] = number

    def numbers(self) -> list[list[TokenNumber]]:
        """The log-probabilities of each row. All must be known."""
        return [
            [
                place.known[token]
                for place, token in zip(own, row.tokens[len(row.tokens) - row.scored :], strict=True)
            ]
            for row, own in self._rows
        ]
