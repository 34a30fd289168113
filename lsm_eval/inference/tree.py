"""One tree of token prefixes for many sequences, cut into pieces that go through a model one after another.

A node is a run of tokens that no sequence leaves half-way. Long runs that much hangs below (few-shot headers,
long questions) are a `Trunk`: computed once and kept as key/value cache while what hangs below is computed.
All else is put, in depth-first order, into packs of at most `budget` tokens, in which a token attends to its
own ancestors only. A short run above a pack is repeated in it, which costs less than a pass of its own.

This file knows tokens only; `tree_scoring` runs the pieces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lsm_eval.inference.scoring import TokenRow

LEAST_TRUNK = 32
"""A run shorter than this is repeated in packs rather than cached."""


@dataclass(slots=True, eq=False)
class Node:
    """Tokens `start` to `end` of sequence number `sequence` (and of all that pass through the node)."""

    sequence: int
    start: int
    end: int
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Numbers of the sequences that end with this node."""
    points: list[tuple[int, int, int]] = field(default_factory=list)
    """What is scored here: (place in the sequence, row, the token that follows there)."""
    size: int = 0
    """Tokens in this node and all below."""
    needed: bool = True
    """Whether anything here or below is scored for a request whose answer is not known."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a piece whose next token is scored for a row."""

    at: int
    row: int
    token: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens that go through the model in one pass, after `prefix` cached ones."""

    prefix: int
    """Length of the cached path that all tokens of the piece attend to."""
    tokens: NDArray[np.int64]
    depths: NDArray[np.int64]
    """Position of each token in its own sequence."""
    points: tuple[Point, ...]
    spans: tuple[tuple[int, int, int], ...]
    """Runs in the piece: (first, end, index of the token before the run, -1 for the cached path's last)."""
    keep: bool
    """Whether the tokens stay in the cache (a trunk) or leave it again (a pack)."""

    def mask(self) -> NDArray[np.bool_]:
        """Which tokens of the piece a token attends to, shape [tokens, tokens]: itself and its ancestors."""
        size = len(self.tokens)
        mask = np.zeros((size, size), dtype=np.bool_)
        for first, end, before in self.spans:
            if before >= 0:
                mask[first:end, : before + 1] = mask[before, : before + 1]
            mask[first:end, first:end] = np.tri(end - first, dtype=np.bool_)
        return mask


class TokenTree:
    """The prefix tree of rows' inputs (all their tokens but the last)."""

    def __init__(self, rows: Sequence[TokenRow]) -> None:
        inputs: dict[tuple[int, ...], list[int]] = {}
        for number, row in enumerate(rows):
            inputs.setdefault(row.tokens[:-1], []).append(number)
        self.sequences = sorted(inputs)
        self.root = Node(0, 0, 0)
        self._build()
        self._order = list(self._preorder(self.root))
        for node in reversed(self._order):
            node.size = node.end - node.start + sum(child.size for child in node.children)
        self._place_points(rows, [inputs[tokens] for tokens in self.sequences])

    @property
    def unique_tokens(self) -> int:
        """Tokens that differ from all others by themselves or by what stands before them."""
        return self.root.size

    @property
    def unique_points(self) -> int:
        """Rows of the vocabulary that are needed: places whose next token is scored."""
        return sum(len({place for place, _, _ in node.points}) for node in self._order)

    def pieces(self, budget: int, known: Collection[int] = ()) -> Iterator[Piece]:
        """The passes through the model, in order.

        `known` are rows that need no score: pieces that serve only such rows are left out, and the others are
        what they would be without any known row. A pack's tokens number at most `budget`, as do a trunk's.
        """
        for node in reversed(self._order):
            node.needed = any(row not in known for _, row, _ in node.points) or any(
                child.needed for child in node.children
            )
        self._done: set[int] = set()
        self._known = known
        yield from self._under(self.root, budget)

    def _under(self, top: Node, budget: int) -> Iterator[Piece]:
        """Pieces for everything below `top`, whose path is in the cache."""
        pack = _Pack(self, top)
        work = list(reversed(top.children))
        while work:
            node = work.pop()
            alone = node.size + sum(n.end - n.start for n in _spine(node, top))
            if alone <= budget:
                if pack.size and pack.size + pack.cost(node) > budget:
                    if pack.needed:
                        yield pack.piece()
                    pack = _Pack(self, top)
                pack.add(node)
            elif (
                node.end - node.start >= LEAST_TRUNK or not node.children or alone - node.size >= budget // 4
            ):
                if pack.needed:
                    yield pack.piece()
                pack = _Pack(self, top)
                yield from self._trunk(node, top, budget)
                if node.needed:
                    yield from self._under(node, budget)
            else:
                work.extend(reversed(node.children))
        if pack.needed:
            yield pack.piece()

    def _trunk(self, node: Node, top: Node, budget: int) -> Iterator[Piece]:
        """Bring `node` into the cache, after what stands between it and `top`."""
        path = [*_spine(node, top), node]
        tokens = [token for n in path for token in self.tokens(n)]
        points = sorted({(p, row, t) for n in path for p, row, t in self.claim(n)})
        # What stands above may be scored here for rows that end elsewhere.
        if not node.needed and not self.unknown(points):
            return
        for first in range(top.end, node.end, budget):
            end = min(first + budget, node.end)
            yield Piece(
                prefix=first,
                tokens=np.array(tokens[first - top.end : end - top.end], dtype=np.int64),
                depths=np.arange(first, end),
                points=tuple(Point(p - first, row, t) for p, row, t in points if first <= p < end),
                spans=((0, end - first, -1),),
                keep=True,
            )

    def tokens(self, node: Node) -> tuple[int, ...]:
        """The tokens of a node."""
        return self.sequences[node.sequence][node.start : node.end]

    def claim(self, node: Node) -> list[tuple[int, int, int]]:
        """The node's points, for the first piece that asks: a run that is repeated is scored once."""
        if id(node) in self._done:
            return []
        self._done.add(id(node))
        return node.points

    def unknown(self, points: Sequence[tuple[int, int, int]]) -> bool:
        """Whether any of a node's points is scored for a row that is not known."""
        return any(row not in self._known for _, row, _ in points)

    def _build(self) -> None:
        """Insert the sorted sequences one after another along the tree's right edge."""
        edge = [self.root]
        before: tuple[int, ...] = ()
        for number, tokens in enumerate(self.sequences):
            shared = _shared(before, tokens)
            while edge[-1].end > shared:
                node = edge[-1]
                if node.start >= shared:
                    edge.pop()
                    continue
                lower = Node(node.sequence, shared, node.end, node, node.children, node.ends)
                for child in lower.children:
                    child.parent = lower
                node.end, node.children, node.ends = shared, [lower], []
            leaf = Node(number, shared, len(tokens), edge[-1], ends=[number])
            edge[-1].children.append(leaf)
            edge.append(leaf)
            before = tokens

    def _place_points(self, rows: Sequence[TokenRow], members: Sequence[Sequence[int]]) -> None:
        for leaf in self._order:
            for sequence in leaf.ends:
                for number in members[sequence]:
                    row = rows[number]
                    node: Node | None = leaf
                    last = len(row.tokens) - 1
                    for place in range(last - 1, last - row.scored - 1, -1):
                        while node is not None and place < node.start:
                            node = node.parent
                        assert node is not None
                        node.points.append((place, number, row.tokens[place + 1]))

    @staticmethod
    def _preorder(top: Node) -> Iterator[Node]:
        work = [top]
        while work:
            node = work.pop()
            yield node
            work.extend(reversed(node.children))

    def below(self, top: Node) -> Iterator[Node]:
        """`top` and all nodes below it, depth first."""
        return self._preorder(top)


class _Pack:
    """A piece being filled with whole subtrees below a cached path."""

    def __init__(self, tree: TokenTree, top: Node) -> None:
        self._tree, self._top = tree, top
        self._span: dict[int, tuple[int, int]] = {}
        self._tokens: list[int] = []
        self._depths: list[int] = []
        self._points: list[Point] = []
        self._spans: list[tuple[int, int, int]] = []
        self.needed = False

    @property
    def size(self) -> int:
        return len(self._tokens)

    def cost(self, node: Node) -> int:
        """Tokens that the subtree and what is missing above it would add."""
        missing = (n.end - n.start for n in _spine(node, self._top) if id(n) not in self._span)
        return node.size + sum(missing)

    def add(self, subtree: Node) -> None:
        for node in _spine(subtree, self._top):
            if id(node) not in self._span:
                self._append(node)
        for node in self._tree.below(subtree):
            self._append(node)

    def piece(self) -> Piece:
        return Piece(
            prefix=self._top.end,
            tokens=np.array(self._tokens, dtype=np.int64),
            depths=np.array(self._depths, dtype=np.int64),
            points=tuple(self._points),
            spans=tuple(self._spans),
            keep=False,
        )

    def _append(self, node: Node) -> None:
        first = len(self._tokens)
        end = first + node.end - node.start
        above = self._span.get(id(node.parent)) if node.parent is not self._top else None
        self._span[id(node)] = (first, end)
        self._spans.append((first, end, above[1] - 1 if above else -1))
        self._tokens += self._tree.tokens(node)
        self._depths += range(node.start, node.end)
        own = self._tree.claim(node)
        # Also for a row of another pack, whose tokens run through this node and are scored here.
        self.needed = self.needed or self._tree.unknown(own)
        self._points += [Point(first + place - node.start, row, token) for place, row, token in own]


def _spine(node: Node, top: Node) -> list[Node]:
    """What stands between the cached `top` and `node`, from above."""
    found: list[Node] = []
    above = node.parent
    while above is not None and above is not top:
        found.append(above)
        above = above.parent
    return found[::-1]


def _shared(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    most = min(len(a), len(b))
    if a[:most] == b[:most]:
        return most
    low, high = 0, most
    while low < high:  # bisection with slices is quicker than a loop over tokens
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
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
