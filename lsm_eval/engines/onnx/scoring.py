"""Token rows through a graph, scored: what a request's rows have in common goes through it once."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lsm_eval.engines.onnx.passes import Place, State, read
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

Way = Literal["batched", "batched by length", "one at a time", "plain"]
"""`batched`: several requests a pass, each request's common part read once. `batched by length`: the same without padding.
`one at a time`: the common part read once, and nothing beside anything else. `plain`: every row whole and by itself, the
reference."""
_LEAST_SHARED = 4  # tokens that several rows begin with, for which it is worth reading them apart


@dataclass(frozen=True, slots=True)
class _Task:
    """The rows of one request as they are read."""

    number: int
    rows: Sequence[TokenRow]
    inputs: Sequence[tuple[int, ...]]
    """Distinct inputs of the model: rows but for their last tokens."""
    shared: int
    """Tokens that all inputs begin with and that are read once; 0 where that does not pay."""

    @classmethod
    def of(cls, number: int, rows: Sequence[TokenRow], *, share: bool) -> _Task:
        inputs = list(dict.fromkeys(row.tokens[:-1] for row in rows))
        shared = 0
        if share and len(inputs) > 1:
            shared = min(common_prefix(inputs[0], other) for other in inputs[1:])
            # Each has a token of its own, so that no row of a pass is empty.
            shared = min(shared, *(len(one) - 1 for one in inputs))
        return cls(number, rows, inputs, shared if shared >= _LEAST_SHARED else 0)

    @property
    def size(self) -> int:
        """The longest that is read of it at once."""
        return max(self.shared, *(len(one) - self.shared for one in self.inputs))


def together(way: Way, sizes: Sequence[int], shapes: Sequence[Hashable], budget: int) -> Iterator[list[int]]:
    """Indices of what goes through the graph together, batch by batch: see `batches`. `shapes`: only what is of one may
    stand side by side where nothing is padded."""
    if way != "batched by length":
        yield from batches(sizes, budget if way == "batched" else 1)
        return
    groups: dict[Hashable, list[int]] = {}
    for at, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(at)
    for group in groups.values():
        for batch in batches([sizes[at] for at in group], budget):
            yield [group[one] for one in batch]


class Scorer:
    """Scores rows in one of the ways."""

    def __init__(self, session: Session, way: Way, *, pad: int, ledger: Ledger, detail: bool = False) -> None:
        self._session, self._way, self._pad = session, way, pad
        self._ledger, self._detail = ledger, detail

    def scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete; `known` requests are left out, and batches are made
        as if none were."""
        tasks = [_Task.of(number, own, share=self._way != "plain") for number, own in rows.items()]
        sizes = [task.size for task in tasks]
        for batch in together(self._way, sizes, [task.shared for task in tasks], budget):
            chosen = [tasks[at] for at in batch]
            if all(task.number in known for task in chosen):
                continue
            found = self._batch(chosen, budget)
            yield {number: own for number, own in found.items() if number not in known}

    def _batch(self, tasks: Sequence[_Task], budget: int) -> dict[int, list[SequenceScore]]:
        # By task and input, the statistics of each place that is scored: of input token `at`, and a target.
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
        """Task and input of the rows that are read together, those that go on from something shared apart from the others."""
        for shares in (True, False):
            every = [
                (at, which)
                for at, task in enumerate(tasks)
                if bool(task.shared) is shares
                for which in range(len(task.inputs))
            ]
            sizes = [len(tasks[at].inputs[which]) for at, which in every]
            shapes = [(tasks[at].shared, size) for (at, _), size in zip(every, sizes, strict=True)]
            for batch in together(self._way, sizes, shapes, budget):
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
        """`owners`: task and input of each row; no input where it is what all inputs share. `start`: where the rows begin
        in their input; None after what is shared."""
        import torch

        targets: dict[Place, list[tuple[int, int, int, int]]] = {}
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

        def see(places: Sequence[Place], logits: NDArray[np.float32]) -> None:
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
