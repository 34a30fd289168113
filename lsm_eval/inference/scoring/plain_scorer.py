"""Plain scoring of many requests in padded batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from lsm_eval.inference.batching import batches
from lsm_eval.inference.fast_linear import fast_linears
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow, score_sequences


class PlainScorer:
    """Scores rows in batches padded to their longest: the reference for every faster method."""

    def __init__(
        self,
        model: Any,
        memory: MemoryGuard,
        *,
        device: str,
        pad: int,
        ledger: Ledger | None = None,
        detail: bool = False,
        quick: bool = False,
    ) -> None:
        """`detail`: scores include the statistics of each token. `quick`: with faster matrix products than the model's own, which the
        reference never uses."""
        self._model, self._memory, self._device, self._pad = model, memory, device, pad
        self._ledger = ledger or Ledger()
        self._detail, self._quick = detail, quick

    def scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete; `known` requests are left out."""
        plan = ScoringPlan(rows)
        for batch in plan.batches(budget, known):
            inputs = [plan.rows([part]) for part in batch]
            # Rows of one input differ in their last token only, and so share rows of logits.
            self._ledger.rows_needed += sum(max(row.scored for row in own) for own in inputs)
            if self._detail:  # whole texts, which share nothing
                self._ledger.unique_tokens += sum(len(own[0].tokens) - 1 for own in inputs)
            results = [score for scores in self._memory.run(batch, self._compute(plan)) for score in scores]
            done = {i: scores for i, scores in plan.complete(batch, results) if i not in known}
            if done:
                yield done

    def _compute(self, plan: ScoringPlan) -> Callable[[Sequence[list[int]]], list[list[SequenceScore]]]:
        def compute(part: Sequence[list[int]]) -> list[list[SequenceScore]]:
            own = plan.rows(part)
            with fast_linears(self._model) if self._quick else nullcontext():
                found = score_sequences(
                    self._model,
                    own,
                    device=self._device,
                    pad=self._pad,
                    work=self._ledger.score,
                    detail=self._detail,
                )
            scores = iter(found)
            return [[next(scores) for _ in ats] for ats in part]

        return compute


class ScoringPlan:
    """The rows of many requests, grouped so that equal inputs of the model are computed once.

    Rows that differ in their last token only (single-token choices) have the same input. A request is complete when its last
    row is; the plan does not depend on which requests are known already.
    """

    def __init__(self, rows: Mapping[int, Sequence[TokenRow]]) -> None:
        """`rows`: the token rows of each request, by the request's number."""
        self._rows: list[TokenRow] = []
        self._owner: list[int] = []
        self._span: dict[int, range] = {}
        for request, own in rows.items():
            self._span[request] = range(len(self._rows), len(self._rows) + len(own))
            self._rows += own
            self._owner += [request] * len(own)
        inputs: dict[tuple[int, ...], list[int]] = {}
        for at, row in enumerate(self._rows):
            inputs.setdefault(row.tokens[:-1], []).append(at)
        self._lengths = [len(tokens) for tokens in inputs]
        self._members = list(inputs.values())
        self._waiting = {request: len(own) for request, own in rows.items()}
        self._scores: dict[int, SequenceScore] = {}

    def batches(self, budget: int, known: Collection[int]) -> Iterator[list[list[int]]]:
        """Batches of inputs, each input a list of row numbers; batches that only known requests need are left out."""
        for batch in batches(self._lengths, budget):
            chosen = [self._members[item] for item in batch]
            if any(self._owner[at] not in known for ats in chosen for at in ats):
                yield chosen

    def rows(self, chosen: Sequence[Sequence[int]]) -> list[TokenRow]:
        """The token rows of a batch or of a part of it."""
        return [self._rows[at] for ats in chosen for at in ats]

    def complete(
        self, chosen: Sequence[Sequence[int]], scores: Sequence[SequenceScore]
    ) -> Iterator[tuple[int, list[SequenceScore]]]:
        """Requests that are complete with these scores (parallel to `rows(chosen)`), and all their scores."""
        for at, score in zip((at for ats in chosen for at in ats), scores, strict=True):
            self._scores[at] = score
            owner = self._owner[at]
            self._waiting[owner] -= 1
            if not self._waiting[owner]:
                # A known request whose other batches were left out never gets here, and need not.
                yield owner, [self._scores.pop(i) for i in self._span[owner]]
