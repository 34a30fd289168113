"""Scores token rows with a graph; the common prefix of a request's rows is computed once."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lsm_eval.engines.onnx.passes import State, TokenPlace, read
from lsm_eval.engines.onnx.session import Session
from lsm_eval.inference.batching import batches
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.prefixes import common_prefix
from lsm_eval.inference.scoring.plain import (
    SequenceScore,
    TokenDetail,
    TokenRow,
    row_spreads,
    row_statistics,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Batching = Literal["batched", "batched by length", "one at a time", "plain"]
"""`batched`: several requests per pass, each request's common prefix read once. `batched by length`: the same without
padding. `one at a time`: the common prefix read once, without batches. `plain`: every row complete and by itself, the
reference."""
_LEAST_SHARED = 4  # tokens of a common prefix from which on it is read separately


@dataclass(frozen=True, slots=True)
class _Task:
    """The rows of one request."""

    number: int
    rows: Sequence[TokenRow]
    inputs: Sequence[tuple[int, ...]]
    """Distinct inputs of the model: rows without their last tokens."""
    shared: int
    """Tokens of the inputs' common prefix, which is read once; 0 if that does not pay."""

    @classmethod
    def of(cls, number: int, rows: Sequence[TokenRow], *, share: bool) -> _Task:
        inputs = list(dict.fromkeys(row.tokens[:-1] for row in rows))
        shared = 0
        if share and len(inputs) > 1:
            shared = min(common_prefix(inputs[0], other) for other in inputs[1:])
            # At least one token of each is left, so that no row of a pass is empty.
            shared = min(shared, *(len(one) - 1 for one in inputs))
        return cls(number, rows, inputs, shared if shared >= _LEAST_SHARED else 0)

    @property
    def size(self) -> int:
        """The longest part that is read at once."""
        return max(self.shared, *(len(one) - self.shared for one in self.inputs))


def together(
    batching: Batching, sizes: Sequence[int], shapes: Sequence[Hashable], budget: int
) -> Iterator[list[int]]:
    """Indices of items that are read together, batch by batch: see `batches`. `shapes`: without padding, only items of the
    same shape are batched."""
    if batching != "batched by length":
        yield from batches(sizes, budget if batching == "batched" else 1)
        return
    groups: dict[Hashable, list[int]] = {}
    for at, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(at)
    for group in groups.values():
        for batch in batches([sizes[at] for at in group], budget):
            yield [group[one] for one in batch]


class Scorer:
    """Scores rows with one kind of batching."""

    def __init__(
        self, session: Session, batching: Batching, *, pad: int, ledger: Ledger, detail: bool = False
    ) -> None:
        self._session, self._batching, self._pad = session, batching, pad
        self._ledger, self._detail = ledger, detail

    def scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete; `known` requests are left out, without changing how
        batches are formed."""
        tasks = [_Task.of(number, own, share=self._batching != "plain") for number, own in rows.items()]
        sizes = [task.size for task in tasks]
        for batch in together(self._batching, sizes, [task.shared for task in tasks], budget):
            chosen = [tasks[at] for at in batch]
            if all(task.number in known for task in chosen):
                continue
            found = self._batch(chosen, budget)
            yield {number: own for number, own in found.items() if number not in known}

    def _batch(self, tasks: Sequence[_Task], budget: int) -> dict[int, list[SequenceScore]]:
        # By task, row, place and target: the statistics of each scored place.
        self._seen: dict[tuple[int, int, int, int], tuple[float, bool, float, float]] = {}
        sharing = [at for at, task in enumerate(tasks) if task.shared]
        states: dict[int, tuple[State, int]] = {}
        if sharing:
            heads = [tasks[at].inputs[0][: tasks[at].shared] for at in sharing]
            state = self._read(
                tasks,
                State.empty(self._session, len(heads)),
                heads,
                [(at, None) for at in sharing],
                0,
                budget,
            )
            states = {at: (state, row) for row, at in enumerate(sharing)}
        for own in self._groups(tasks, budget):
            if tasks[own[0][0]].shared:
                state = states[own[0][0]][0].taken([states[at][1] for at, _ in own])
            else:
                state = State.empty(self._session, len(own))
            tails = [tasks[at].inputs[which][tasks[at].shared :] for at, which in own]
            self._read(tasks, state, tails, own, None, budget)
        return {task.number: self._task_scores(at, task) for at, task in enumerate(tasks)}

    def _groups(self, tasks: Sequence[_Task], budget: int) -> Iterator[list[tuple[int, int]]]:
        """Task and input of the rows that are read together; those that continue a common prefix are separate."""
        for shares in (True, False):
            every = [
                (at, which)
                for at, task in enumerate(tasks)
                if bool(task.shared) is shares
                for which in range(len(task.inputs))
            ]
            sizes = [len(tasks[at].inputs[which]) for at, which in every]
            shapes = [(tasks[at].shared, size) for (at, _), size in zip(every, sizes, strict=True)]
            for batch in together(self._batching, sizes, shapes, budget):
                yield [every[one] for one in batch]

    def _read(
        self,
        tasks: Sequence[_Task],
        state: State,
        tokens: Sequence[tuple[int, ...]],
        owners: Sequence[tuple[int, int | None]],
        start: int | None,
        budget: int,
    ) -> State:
        """`owners`: task and input of each row; the input is None for a common prefix. `start`: where the rows begin in
        their input; None for after the common prefix."""
        import torch

        targets: dict[TokenPlace, list[tuple[int, int, int, int]]] = {}
        for row, (at, which) in enumerate(owners):
            task = tasks[at]
            first = task.shared if start is None else start
            for number, one in enumerate(task.rows):
                own = task.inputs.index(one.tokens[:-1])
                if which is not None and own != which:
                    continue
                last = len(one.tokens) - 1
                for place in range(last - one.scored, last):
                    if first <= place < first + len(tokens[row]):
                        targets.setdefault((row, place - first), []).append(
                            (at, number, place, one.tokens[place + 1])
                        )

        def see(places: Sequence[TokenPlace], logits: NDArray[np.float32]) -> None:
            wanted = [(index, each) for index, place in enumerate(places) for each in targets[place]]
            whole = torch.from_numpy(logits)
            logprobs, hits = row_statistics(
                whole,
                torch.tensor([index for index, _ in wanted]),
                torch.tensor([each[3] for _, each in wanted]),
            )
            means, deviations = row_spreads(whole) if self._detail else ([], [])
            for (index, each), logprob, hit in zip(wanted, logprobs, hits, strict=True):
                spread = (means[index], deviations[index]) if self._detail else (0.0, 0.0)
                self._seen[each] = (logprob, hit, *spread)

        work = self._ledger.score
        self._ledger.rows_needed += len(targets)
        self._ledger.unique_tokens += sum(map(len, tokens))
        return read(self._session, state, tokens, targets, see, budget=budget, pad=self._pad, work=work)

    def _task_scores(self, at: int, task: _Task) -> list[SequenceScore]:
        found = []
        for number, row in enumerate(task.rows):
            last = len(row.tokens) - 1
            each = [
                self._seen[at, number, place, row.tokens[place + 1]]
                for place in range(last - row.scored, last)
            ]
            detail: Any = None
            if self._detail:
                detail = TokenDetail(
                    tuple(one[0] for one in each),
                    tuple(one[2] for one in each),
                    tuple(one[3] for one in each),
                )
            found.append(SequenceScore(sum(one[0] for one in each), all(one[1] for one in each), detail))
        return found
