"""A trie of decoder inputs for encoder-decoder models, so that every prefix is computed once.

The continuations of one context form a trie of decoder inputs. It is walked by depth in *segments*: between two
depths at which any sequence branches off another, all sequences go through the model in one pass, one row each;
where they branch, the rows of the key/value cache are copied. All rows of a pass are at the same depth, so that the
model's ordinary cache suffices, whatever its position encoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lsm_eval.inference.prefixes import common_prefix

Tokens = tuple[int, ...]

_WORTH_A_PASS = 64
"""The fewest positions of padding that an additional pass must save."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One pass through the decoder: some sequences from one depth to another."""

    first: int
    end: int
    """Depths: the pass reads each sequence's tokens `first` to `end`, as far as it has them."""
    sequences: list[int]
    """For each row of the pass, the number of a sequence that goes through it."""
    parents: list[int]
    """For each row, the row of the previous pass that it continues (in the first pass, its context)."""
    row_of: dict[int, int]
    """The row of each sequence that continues here."""


@dataclass(frozen=True, slots=True)
class Point:
    """One continuation, and where it is scored."""

    context: int
    number: int
    tokens: Tokens
    sequence: int
    """The sequence whose prefix its decoder input is."""


def node_count(continuations: Sequence[Tokens]) -> int:
    """The number of distinct decoder inputs of one context's continuations, which is also that of scored places."""
    inputs = sorted({tokens[:-1] for tokens in continuations})
    shared = sum(common_prefix(a, b) for a, b in pairwise(inputs))
    return 1 + sum(map(len, inputs)) - shared


class DecoderTrie:
    """The decoder inputs of some contexts' continuations."""

    def __init__(self, continuations: Sequence[Sequence[Tokens]], start: int) -> None:
        """`continuations`: at least one for each context, none empty; `start`: the decoder's first input."""
        entries = sorted(
            ((context, (start, *tokens[:-1])), number, tokens)
            for context, own in enumerate(continuations)
            for number, tokens in enumerate(own)
        )
        self.inputs: list[Tokens] = []
        """The sequences: decoder inputs that are not a prefix of another of the same context, in order."""
        self.contexts: list[int] = []
        """The context of each sequence."""
        self.points: list[Point] = []
        self._common: list[int] = []  # of each sequence with the next
        for at, ((context, tokens), number, continuation) in enumerate(entries):
            self.points.append(Point(context, number, continuation, len(self.inputs)))
            if at + 1 == len(entries):
                common = 0
            else:
                following, after = entries[at + 1][0]
                common = common_prefix(tokens, after) if following == context else 0
                if common == len(tokens):
                    continue  # the next one, or one after it, is computed instead
            self.inputs.append(tokens)
            self.contexts.append(context)
            self._common.append(common)

    def groups(self, width: int, most: int, tokens: int) -> Iterator[range]:
        """Sequences longer than the first input, as ranges that are computed one after the other.

        A group has at most `most` positions of contexts, `width` for each sequence, and `tokens` inputs, but at least one
        branch of the trie.
        """
        first = size = 0
        for at, own in enumerate(self.inputs):
            full = (at - first + 1) * width > most or size + len(own) > tokens
            if size and (len(own) == 1 or (full and self._common[at - 1] <= 1)):
                yield range(first, at)
                first, size = at, 0
            if len(own) == 1:
                first = at + 1  # all of it is in the first input
            else:
                size += len(own)
        if size:
            yield range(first, len(self.inputs))

    def root(self) -> Segment:
        """The first input of every context: all contexts, in order."""
        firsts: dict[int, int] = {}
        for number, context in enumerate(self.contexts):
            firsts.setdefault(context, number)
        rows = dict(enumerate(self.contexts))
        return Segment(0, 1, list(firsts.values()), list(firsts), rows)

    def segments(self, group: range) -> Iterator[Segment]:
        """The passes over a group's sequences, after their first input."""
        longest = max(len(self.inputs[number]) for number in group)
        bounds = sorted({self._common[number] for number in group[:-1]} - {0} | {1, longest})
        row_of = {number: self.contexts[number] for number in group}
        for first, end in self._with_cuts(group, bounds):
            sequences: list[int] = []
            parents: list[int] = []
            rows: dict[int, int] = {}
            for number in group:
                if len(self.inputs[number]) <= first:
                    continue
                if not (number - 1 in rows and self._common[number - 1] > first):
                    sequences.append(number)
                    parents.append(row_of[number])
                rows[number] = len(sequences) - 1
            yield Segment(first, end, sequences, parents, rows)
            row_of = rows

    def _with_cuts(self, group: range, bounds: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Segments between `bounds`, divided further where many sequences end long before the others."""
        for first, end in pairwise(bounds):
            while True:
                lengths = sorted(
                    min(len(self.inputs[number]), end) - first
                    for number in group
                    if len(self.inputs[number]) > first
                )
                saved, at = max(
                    ((done + 1) * (lengths[-1] - length), length) for done, length in enumerate(lengths)
                )
                if saved < _WORTH_A_PASS or 4 * saved < lengths[-1] * len(lengths):
                    break
                yield first, first + at
                first += at
            yield first, end
