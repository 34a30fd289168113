"""Scoring with forked state: for recurrent models, whose layers take no mask but can continue from a state.

The sequences' prefix tree is walked with the model's own cache. The common prefix of a subtree goes through the model once;
then subtrees that fit the token budget together form a batch that is computed depth by depth, one row for each distinct
prefix, and the rows of the cache are copied where prefixes branch. All rows of a pass are at the same depth, and a row is
padded only after its sequences end, so that no state sees padding.
"""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lsm_eval.inference.fast_linear import fast_linears
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import with_less_each_time
from lsm_eval.inference.prefixes import common_prefix
from lsm_eval.inference.scoring import head
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow, layer_count
from lsm_eval.inference.scoring.sums import Sums
from lsm_eval.inference.scoring.tree import group_rows

_STEPS = 48  # passes of one token each up to which they are faster than reading a context again
Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Point:
    place: int
    """Position in the sequence."""
    row: int
    token: int


class ForkScorer:
    """Scores rows by continuing from copied states."""

    def __init__(
        self, model: Any, *, device: str, pad: int, ledger: Ledger | None = None, stepwise: bool = False
    ) -> None:
        """`stepwise`: the model continues from a state by only one token per pass, as Mamba's layers do."""
        self._model, self._device, self._pad = model, device, pad
        self._stepwise = stepwise
        self._ledger = ledger or Ledger()
        names = inspect.signature(head.body(model).forward).parameters
        self._cache_name = "cache_params" if "cache_params" in names else "past_key_values"

    def scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete; `known` requests are left out.

        If memory runs out, the rest is computed with half the budget.
        """
        yield from with_less_each_time(
            lambda left, tokens: self._scores(left, tokens, known), rows, budget, self._device
        )

    def _scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        with self._ledger.planning():
            flat, owner = group_rows(rows)
            self._sums = Sums(rows, flat, owner, known)
            self._known_rows = {number for number, request in enumerate(owner) if request in known}
            self._plan(flat)
        self._budget = budget
        if not self._sequences:
            return
        every = range(len(self._sequences))
        with fast_linears(self._model):
            yield from self._stepping(every) if self._stepwise else self._below(every, 0, None)

    def _plan(self, flat: Sequence[TokenRow]) -> None:
        """Finds the distinct sequences that are not a prefix of another, in order, and what is scored on each."""
        order = sorted(range(len(flat)), key=lambda number: flat[number].tokens[:-1])
        self._sequences: list[Tokens] = []
        self._shared: list[int] = []
        """Tokens that each sequence has in common with the next; 0 for the last."""
        self._points: list[list[_Point]] = []
        waiting: list[_Point] = []
        places: set[tuple[int, int]] = set()
        for at, number in enumerate(order):
            row = flat[number]
            tokens = row.tokens[:-1]
            first = len(tokens) - row.scored
            waiting += [_Point(p, number, row.tokens[p + 1]) for p in range(first, len(tokens))]
            shared = common_prefix(tokens, flat[order[at + 1]].tokens[:-1]) if at + 1 < len(order) else 0
            if shared < len(tokens):
                self._sequences.append(tokens)
                self._shared.append(shared)
                self._points.append(sorted(waiting, key=lambda point: (point.place, point.row)))
                waiting = []
        self._claim(places)
        self._ledger.rows_needed += len(places)
        self._ledger.unique_tokens += sum(map(len, self._sequences)) - sum(self._shared[:-1])

    def _claim(self, places: set[tuple[int, int]]) -> None:
        """Moves each point to the first sequence that contains its place, so that each place is computed once."""
        leader: list[int] = []  # by depth, the first sequence that the current one shares so many tokens with
        moved: list[list[_Point]] = [[] for _ in self._sequences]
        before = 0
        for number, tokens in enumerate(self._sequences):
            leader[before:] = [number] * (len(tokens) - before)
            for point in self._points[number]:
                moved[leader[point.place]].append(point)
                places.add((leader[point.place], point.place))
            before = self._shared[number]
        self._points = [sorted(own, key=lambda point: (point.place, point.row)) for own in moved]

    def _below(self, group: range, depth: int, state: Any) -> Iterator[dict[int, list[SequenceScore]]]:
        """Everything below a prefix of `depth` tokens that all sequences of `group` share; `state` follows it."""
        common = self._common(group)
        if self._size(group, depth) > self._budget and common > depth:
            # The common prefix is computed once, by itself.
            state = copy.deepcopy(self._state(state))
            while depth < common and self._needed(group):
                end = min(depth + self._budget, common)
                yield from self._batch(range(group[0], group[0] + 1), depth, end, state)
                depth = end
            depth = common
        for part in self._parts(group, depth):
            if not self._needed(part):
                continue
            if len(part) > 1 and self._size(part, depth) > self._budget:
                yield from self._below(part, depth, state)
            elif self._end(part) > depth:
                yield from self._batch(part, depth, self._end(part), copy.deepcopy(self._state(state)))

    def _stepping(self, group: range) -> Iterator[dict[int, list[SequenceScore]]]:
        """Everything in `group`: the common prefix in one pass from the start, and then step by step.

        If that would take many steps, each subtree starts anew, and its prefix is computed again.
        """
        if not self._needed(group):
            return
        common = self._common(group)
        if common and (len(group) == 1 or self._end(group) - common <= _STEPS):
            state = self._state(None)
            yield from self._batch(range(group[0], group[0] + 1), 0, common, state)
            for part in self._parts(group, common) if self._end(group) > common else ():
                if self._needed(part):
                    yield from self._batch(part, common, self._end(part), copy.deepcopy(state))
            return
        for child in self._children(group, common):
            yield from self._stepping(child)

    def _parts(self, group: range, depth: int) -> Iterator[range]:
        """Whole subtrees below `depth`, combined within the budget."""
        at: range | None = None
        for child in self._children(group, depth):
            if at is not None and self._size(range(at[0], child[-1] + 1), depth) <= self._budget:
                at = range(at[0], child[-1] + 1)
                continue
            if at is not None:
                yield at
            at = child
        if at is not None:
            yield at

    def _children(self, group: range, depth: int) -> Iterator[range]:
        first = group[0]
        for i in group:
            if i == group[-1] or self._shared[i] <= depth:
                yield range(first, i + 1)
                first = i + 1

    def _batch(
        self, group: range, depth: int, longest: int, state: Any
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Compute the group's tokens from `depth` to `longest`, from a state of one row."""
        branches = {self._shared[i] for i in group[:-1] if depth < self._shared[i] < longest}
        if self._stepwise and depth:
            branches = set(range(depth, longest))
        bounds = sorted(branches | {depth, longest})
        row_of = dict.fromkeys(group, 0)
        before = 1
        for first, end in pairwise(bounds):
            leaders: list[int] = []
            parents: list[int] = []
            rows: dict[int, int] = {}
            for i in group:
                if len(self._sequences[i]) <= first:
                    continue
                if not (i - 1 in rows and self._shared[i - 1] > first):
                    leaders.append(i)
                    parents.append(row_of[i])
                rows[i] = len(leaders) - 1
            if first and parents != list(range(before)):
                self._fork(state, parents)
            done = self._pass(leaders, first, end, state)
            if done:
                yield done
            row_of, before = rows, len(leaders)

    def _fork(self, state: Any, parents: Sequence[int]) -> None:
        """Make the state's rows copies of its rows `parents`."""
        import torch

        with torch.inference_mode():
            state.reorder_cache(torch.tensor(parents, dtype=torch.long, device=self._device))

    def _pass(
        self, leaders: Sequence[int], first: int, end: int, state: Any
    ) -> dict[int, list[SequenceScore]]:
        import torch

        start = time.perf_counter()
        device, work = self._device, self._ledger.score
        tokens = [self._sequences[i][first:end] for i in leaders]
        width = max(map(len, tokens))
        ids = torch.full((len(tokens), width), self._pad, dtype=torch.long)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = torch.tensor(own, dtype=torch.long)
        found = [
            (row * width + point.place - first, point)
            for row, i in enumerate(leaders)
            for point in self._points[i]
            if first <= point.place < end
        ]
        with torch.inference_mode():
            output = head.body(self._model)(
                input_ids=ids.to(device), use_cache=True, **{self._cache_name: state}
            )
            lengths = [len(own) for own in tokens]
            work.tokens += sum(lengths)
            work.padding += width * len(tokens) - sum(lengths)
            work.pairs += layer_count(self._model) * sum(
                length * first + length * (length + 1) // 2 for length in lengths
            )
            work.passes += 1
            done: dict[int, list[SequenceScore]] = {}
            if found:
                places, rows = np.unique([at for at, _ in found], return_inverse=True)
                targets = np.array([point.token for _, point in found])
                work.rows += len(places)
                logprobs, hits = head.statistics(
                    self._model,
                    output,
                    *(torch.from_numpy(array).to(device) for array in (places, rows, targets)),
                )
                done = self._sums.add(np.array([point.row for _, point in found]), logprobs, hits)
        work.seconds += time.perf_counter() - start
        return done

    def _state(self, state: Any) -> Any:
        from transformers import DynamicCache

        return DynamicCache(config=self._model.config) if state is None else state

    def _size(self, group: range, depth: int) -> int:
        """The number of unique tokens below `depth`."""
        total = sum(len(self._sequences[i]) - depth for i in group)
        return total - sum(max(self._shared[i] - depth, 0) for i in group[:-1])

    def _common(self, group: range) -> int:
        """The length of the group's common prefix."""
        return min((self._shared[i] for i in group[:-1]), default=len(self._sequences[group[0]]))

    def _end(self, group: range) -> int:
        return max(len(self._sequences[i]) for i in group)

    def _needed(self, group: range) -> bool:
        return any(point.row not in self._known_rows for i in group for point in self._points[i])
