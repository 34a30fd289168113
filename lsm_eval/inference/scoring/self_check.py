"""Checks on a run's own rows that a faster scorer gives the same results as plain scoring."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow, score_sequences

_TOKENS = 48  # of each row that is checked
_SCORED = 8


class Scorer(Protocol):
    """A method of scoring token rows."""

    def scores(
        self, rows: Mapping[int, Sequence[TokenRow]], budget: int, known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """Scores of each request's rows, as requests become complete, with at most `budget` tokens per pass;
        `known` requests are left out."""
        ...


class SelfCheck:
    """Some of a run's rows, and their plain scores."""

    def __init__(self, model: Any, rows: Sequence[TokenRow], runtime: Runtime, *, window: int | None) -> None:
        """`window`: a layer's attention window that is shorter than some row; such a row is checked, too."""
        self._rows = _some(rows, window)
        # Less than a row, so that the cache is used between pieces.
        self._budget = max(max(len(row.tokens) for row in self._rows) * 2 // 3, 2)
        self._plain = MemoryGuard(runtime.device).run(
            self._rows, lambda part: score_sequences(model, part, device=runtime.device, pad=runtime.pad)
        )
        self._tolerance = runtime.tolerance

    def differs(self, scorer: Scorer) -> str | None:
        """None if the scorer's sums equal the plain ones, otherwise the difference in words."""
        found: dict[int, SequenceScore] = {}
        try:
            for batch in scorer.scores({at: [row] for at, row in enumerate(self._rows)}, self._budget, ()):
                found.update({at: scores[0] for at, scores in batch.items()})
        except (TypeError, AttributeError, ValueError, LookupError, RuntimeError) as error:
            # Models that do not support such masks or caches raise exceptions of many kinds; other scorers are used then.
            return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        for at, (row, one) in enumerate(zip(self._rows, self._plain, strict=True)):
            apart = abs(one.logprob - found[at].logprob)
            if not (math.isnan(one.logprob) or apart <= self._tolerance * max(1.0, math.sqrt(row.scored))):
                return f"log-probabilities differ by {apart:.3g}"
        return None


def _some(rows: Sequence[TokenRow], window: int | None) -> list[TokenRow]:
    """The first two rows, which share a context if any do, and the longest, cut to a few tokens."""
    longest = max(rows, key=lambda row: len(row.tokens))
    heads = [row.tokens[: _TOKENS + 1] for row in (*rows[:2], longest)]
    if window is not None:
        heads.append(longest.tokens[: window + 33])
    return [TokenRow(tokens, min(len(tokens) - 1, _SCORED)) for tokens in heads]
