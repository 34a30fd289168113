"""One tree of token prefixes for many sequences, cut into pieces that go through a model one after another.

The tree's tokens form one stream, depth first: a sequence adds the tokens that it does not share with the one before it. A
piece is a slice of that stream. What a later piece still attends to (the path from the root to its first token) stays in
the key/value cache; everything else leaves it. So every unique token goes through the model once, every piece but the last
is full, and the cache holds at most one sequence's tokens.

In the stream a token's descendants follow it directly: a key is seen by the queries from its own place up to the end of
its subtree, which determines the mask.

This file handles tokens only; `tree_scorer` runs the pieces.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from lsm_eval.inference.scoring.plain import TokenRow

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens that go through the model in one pass, after `path` cached ones."""

    path: int
    """Number of cached tokens: those at the depths 0 to path - 1 above the piece's first token."""
    tokens: Ints
    """Shape [tokens]."""
    depths: Ints
    """Position of each token in its own sequence, shape [tokens]."""
    last: Ints
    """For each key (cached ones, then the piece's own), the first query that no longer sees it; [path + tokens]."""
    keep: Ints
    """Keys that stay in the cache for the next piece, in order of depth."""
    at: Ints
    """For each scored point, the index of the token before it; in ascending order."""
    rows: Ints
    """The row that each point is scored for."""
    targets: Ints
    """The scored token of each point."""

    @property
    def first(self) -> Ints:
        """For each key, the first query that sees it; [path + tokens]."""
        return np.concatenate([np.zeros(self.path, np.int64), np.arange(len(self.tokens))])

    @property
    def key_depths(self) -> Ints:
        """Position of each key in its own sequence; [path + tokens]."""
        return np.concatenate([np.arange(self.path), self.depths])

    def mask(self) -> NDArray[np.bool_]:
        """Which keys a token attends to, shape [tokens, path + tokens]: itself and its ancestors."""
        query = np.arange(len(self.tokens))[:, None]
        return (self.first <= query) & (query < self.last)


class TokenTree:
    """The prefix tree of rows' inputs (all their tokens but the last)."""

    def __init__(self, rows: Sequence[TokenRow]) -> None:
        members: dict[bytes, list[int]] = {}
        for number, row in enumerate(rows):
            members.setdefault(sortable(row.tokens[:-1]), []).append(number)
        order = sorted(members)
        self._stream(order, [members.pop(key) for key in order], rows)

    @property
    def unique_tokens(self) -> int:
        """The number of tokens that differ from all others by themselves or by what precedes them."""
        return len(self._tokens)

    @property
    def unique_points(self) -> int:
        """The number of rows of logits that are needed: places whose next token is scored."""
        return len(np.unique(self._at))

    def pieces(self, budget: int, known: Collection[int] = (), *, fill: bool = False) -> Iterator[Piece]:
        """The passes through the model, in order, each of at most `budget` tokens.

        `known` are rows that need no score: pieces that serve only such rows are left out, which does not change the others.
        `fill`: so are pieces that hold nothing but a part of a known row's sequence. Where a later piece begins within that sequence, other
        keys fill the cache in their place. No token of a row that is not known attends to them; but they pass through the model, so that this
        is only for models in which tokens of a batch do not affect each other.
        """
        total = len(self._tokens)
        bounds = [(begin, min(begin + budget, total)) for begin in range(0, total, budget)]
        edges = np.searchsorted(self._at, [0, *(end for _, end in bounds)])
        unknown = np.ones(len(self._rows), dtype=bool)
        if known:
            unknown = ~np.isin(self._rows, np.fromiter(known, np.int64, len(known)))
        fill = fill and bool(known)
        if fill:
            needed = self._with_ancestors(unknown, budget, len(bounds))
        else:
            needed = [bool(unknown[edges[i] : edges[i + 1]].any()) for i in range(len(bounds))]
        paths: dict[int, Ints] = {}
        for i in range(len(bounds) - 1, -1, -1):
            if needed[i]:
                paths[i] = self._path(bounds[i][0])
                for piece in () if fill else np.unique(paths[i] // budget):
                    needed[piece] = True
        chosen = sorted(paths)
        for i, after in zip_longest(chosen, chosen[1:]):
            begin, end = bounds[i]
            path = paths[i]
            keep = np.zeros(0, np.int64)
            if after is not None:
                following = paths[after]
                # A cached key's index is its depth; the piece's own keys follow the cached ones. The first key fills the place of those
                # that were left out.
                keep = np.where(following >= begin, len(path) + following - begin, np.arange(len(following)))
                keep[following >= end] = 0
            points = slice(edges[i], edges[i + 1])
            seen = np.concatenate([self._last[path], self._last[begin:end]])
            yield Piece(
                path=len(path),
                tokens=self._tokens[begin:end].astype(np.int64),
                depths=self._depths[begin:end].astype(np.int64),
                last=np.minimum(seen, end) - begin,
                keep=keep,
                at=self._at[points] - begin,
                rows=self._rows[points],
                targets=self._targets[points],
            )

    def _with_ancestors(self, unknown: NDArray[np.bool_], budget: int, pieces: int) -> list[bool]:
        """Whether each piece holds a token that one of the `unknown` points is scored after, or attends to. The first piece is always among
        them, since its keys fill the cache for others."""
        needed = [False] * pieces
        deepest = np.full(len(self._starts), -1, np.int64)
        """Of each sequence's own tokens, the place of the last one that is needed."""
        places = self._at[unknown]
        np.maximum.at(deepest, np.searchsorted(self._starts, places, side="right") - 1, places)
        above = self._above.tolist()
        holders = (np.searchsorted(self._starts, self._above, side="right") - 1).tolist()
        for i in range(len(above) - 1, -1, -1):
            if deepest[i] >= 0:
                first, last = int(self._starts[i]) // budget, int(deepest[i]) // budget
                needed[first : last + 1] = [True] * (last + 1 - first)
                if above[i] >= 0:
                    deepest[holders[i]] = max(deepest[holders[i]], above[i])
        if any(needed):
            needed[0] = True
        return needed

    def _stream(
        self, order: Sequence[bytes], members: Sequence[Sequence[int]], rows: Sequence[TokenRow]
    ) -> None:
        """Computes the stream's tokens, their depths, where each one's subtree ends, and what is scored where.

        `members`: for each sequence of `order`, the rows with this input.
        """
        count = len(order)
        lengths = np.fromiter((len(key) // 4 for key in order), np.int64, count)
        shared = np.zeros(count, np.int64)
        for i in range(1, count):
            shared[i] = shared_tokens(order[i - 1], order[i])
        self._starts = np.concatenate([[0], np.cumsum(lengths - shared)])
        """Place of each sequence's first own token."""
        total, longest = int(self._starts[-1]), int(lengths.max(initial=0))
        self._tokens = np.empty(total, np.uint32)
        self._depths = np.empty(total, np.int32)
        self._last = np.full(total, total, np.int64)
        self._above = np.full(count, -1, np.int64)
        """Place of the token before each sequence's first own one; -1 for none."""
        points = sum(row.scored for row in rows)
        at, owner = np.empty(points, np.int64), np.empty(points, np.int64)
        targets = np.empty(points, np.int64)
        places, depths = np.arange(total), np.arange(longest, dtype=np.int32)
        where = np.zeros(longest, np.int64)  # places of the current sequence's tokens, by depth
        before = filled = 0
        spans = zip(lengths.tolist(), shared.tolist(), self._starts.tolist(), strict=False)
        for i, (length, depth, start) in enumerate(spans):
            # The subtrees of the previous sequence below the common prefix end here.
            self._last[where[depth:before]] = start
            if depth:
                self._above[i] = where[depth - 1]
            end = start + length - depth
            self._tokens[start:end] = np.frombuffer(order[i], ">u4", offset=4 * depth)
            self._depths[start:end] = depths[depth:length]
            where[depth:length] = places[start:end]
            before = length
            for number in members[i]:
                row = rows[number]
                first, filled = filled, filled + row.scored
                at[first:filled] = where[length - row.scored : length]
                owner[first:filled] = number
                targets[first:filled] = row.tokens[-row.scored :]
        # By place; a place's rows in order of their number.
        ranked = np.lexsort((owner, at))
        self._at, self._rows, self._targets = at[ranked], owner[ranked], targets[ranked]

    def _path(self, place: int) -> Ints:
        """Places of the tokens above the one at `place`, by depth."""
        runs: list[Ints] = []
        depth = int(self._depths[place])
        while depth > 0:
            i = int(np.searchsorted(self._starts, place, side="right")) - 1
            start = int(self._starts[i])
            # An empty run has the start of the next one: searchsorted finds the last, which holds the token.
            if place > start:
                runs.append(np.arange(start, place))
                depth -= place - start
            if depth > 0:
                above = int(self._above[i])
                runs.append(np.array([above]))
                depth -= 1
                place = above
        return np.concatenate(runs[::-1]) if runs else np.zeros(0, np.int64)


def sortable(tokens: Sequence[int]) -> bytes:
    """The tokens as big-endian bytes, four each: they sort as the tokens do, and compare far faster than tuples."""
    found = array("I", tokens)
    if sys.byteorder == "little":
        found.byteswap()
    return found.tobytes()


def shared_tokens(a: bytes, b: bytes) -> int:
    """The number of tokens of the common prefix of two sequences (`sortable`)."""
    most = min(len(a), len(b))
    if a[:most] == b[:most]:
        return most // 4
    low, high = 0, most // 4
    while low < high:  # bisection over slices is far faster than a loop over tokens
        middle = (low + high + 1) // 2
        if a[low * 4 : middle * 4] == b[low * 4 : middle * 4]:
            low = middle
        else:
            high = middle - 1
    return low


def group_rows(rows: Mapping[int, Sequence[TokenRow]]) -> tuple[list[TokenRow], list[int]]:
    """Rows of many requests in one list, and the request that each belongs to."""
    flat: list[TokenRow] = []
    owner: list[int] = []
    for request, own in rows.items():
        flat += own
        owner += [request] * len(own)
    return flat, owner
