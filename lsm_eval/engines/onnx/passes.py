"""Forward passes of a graph: several sequences at a time, in pieces, each continuing from the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lsm_eval.engines.onnx.session import Session
from lsm_eval.inference.ledger import Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass
class State:
    """The cache of some sequences: keys and values, their places, and the number of each.

    Sequences of different lengths leave gaps, which the mask hides; a token's position counts its own sequence only.
    """

    cache: list[Any]
    mask: NDArray[np.int64]
    """[rows, places]: 1 for a token, 0 for a gap."""
    lengths: list[int] = field(default_factory=list)
    """Tokens of each row."""

    @classmethod
    def empty(cls, session: Session, rows: int) -> State:
        """The state before anything is read."""
        import numpy as np

        return cls(session.empty(rows), np.zeros((rows, 0), dtype=np.int64), [0] * rows)

    def taken(self, rows: Sequence[int]) -> State:
        """The state of these rows, in this order; a row may be repeated."""
        import numpy as np

        index = np.asarray(rows)
        return State(
            [part[index] for part in self.cache], self.mask[index], [self.lengths[row] for row in rows]
        )

    def of_one(self, row: int) -> State:
        """The state of one row, without gaps."""
        places = self.mask[row].nonzero()[0]
        return State(
            [part[row : row + 1][:, :, places] for part in self.cache],
            self.mask[row : row + 1, places],
            [self.lengths[row]],
        )


TokenPlace = tuple[int, int]
"""A row, and the index of one of its new tokens."""


def read(
    session: Session,
    state: State,
    rows: Sequence[Sequence[int]],
    wanted: Iterable[TokenPlace],
    see: Callable[[Sequence[TokenPlace], NDArray[np.float32]], None],
    *,
    budget: int,
    pad: int,
    work: Work,
) -> State:
    """Read the tokens of `rows`, each after its tokens in `state`. Returns the new state. After each pass, `see` is called
    with those of the places `wanted` that it computed, and their logits [places, vocabulary]. A pass has at most `budget`
    positions, but at least one of each row."""
    import numpy as np

    start = time.perf_counter()
    width = max(map(len, rows))
    ids = np.full((len(rows), width), pad, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    before = np.asarray(state.lengths, dtype=np.int64)[:, None]
    positions = before + np.maximum(np.cumsum(mask, axis=1) - 1, 0)
    by_index: dict[int, list[int]] = {}
    for row, at in wanted:
        by_index.setdefault(at, []).append(row)
    step = max(budget // len(rows), 1)
    cache, seen = state.cache, state.mask
    for first in range(0, width, step):
        last = min(first + step, width)
        seen = np.concatenate([seen, mask[:, first:last]], axis=1)
        logits, cache = session.forward(ids[:, first:last], seen, positions[:, first:last], cache)
        places = [(row, at) for at in range(first, last) for row in by_index.get(at, ())]
        if places:
            picked = logits[[row for row, _ in places], [at - first for _, at in places]]
            see(places, picked.astype(np.float32, copy=False))
        work.passes += 1
        work.rows += len(places)
    new = [len(tokens) for tokens in rows]
    work.tokens += sum(new)
    work.padding += ids.size - sum(new)
    work.pairs += session.layers * sum(
        more * length + more * (more + 1) // 2 for length, more in zip(state.lengths, new, strict=True)
    )
    work.seconds += time.perf_counter() - start
    return State(cache, seen, [length + more for length, more in zip(state.lengths, new, strict=True)])
