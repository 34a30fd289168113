"""Continues prompts with a graph, in batches from which sequences are removed as they end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lsm_eval.engines.onnx.passes import State, TokenPlace, read
from lsm_eval.engines.onnx.scoring import Batching, together
from lsm_eval.engines.onnx.session import Session
from lsm_eval.inference.generating.budget import watch as budget_watch
from lsm_eval.inference.generating.drawing import Stream, choose
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.stops import StopWatch, finish, holds
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.runtime import Runtime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_READ_TOGETHER = 4  # times the positions of a pass if several prompts are read whole


class Continuer:
    """Continues prompts; each text is the same as if its prompt were alone."""

    def __init__(self, session: Session, runtime: Runtime, ledger: Ledger) -> None:
        self._session, self._runtime, self._ledger = session, runtime, ledger

    def continuations(
        self,
        prompts: Mapping[int, Prompt],
        known: Collection[int],
        *,
        batching: Batching,
        most: int,
        budget: int,
        positions: int,
    ) -> Iterator[dict[int, Continuation]]:
        """Continuations by request, as batches end. `batching`: which prompts may be batched. `most` sequences and `budget` tokens (with those still
        to come) at a time; `positions` are read in one pass, or some times as many if several prompts are read whole. `known` requests are left
        out, without changing how batches are formed."""
        order = list(prompts)
        sizes = [len(prompts[i].tokens) + prompts[i].max_tokens for i in order]
        for whole in together(batching, sizes, [len(prompts[i].tokens) for i in order], budget):
            longest = max(len(prompts[order[at]].tokens) for at in whole)
            count = max(min(most, _READ_TOGETHER * positions // longest), 1)
            for first in range(0, len(whole), count):
                chosen = [order[at] for at in whole[first : first + count]]
                if all(i in known for i in chosen):
                    continue
                found = self._together([prompts[i] for i in chosen], positions)
                yield {i: one for i, one in zip(chosen, found, strict=True) if i not in known}

    def _together(self, prompts: Sequence[Prompt], positions: int) -> list[Continuation]:
        """The continuations, parallel to `prompts`; equal ones (several samples of one prompt) are read once."""
        import numpy as np
        import torch

        runtime = self._runtime
        distinct = list(dict.fromkeys(prompt.tokens for prompt in prompts))
        last: dict[TokenPlace, NDArray[np.float32]] = {}
        state = read(
            self._session,
            State.empty(self._session, len(distinct)),
            distinct,
            [(row, len(tokens) - 1) for row, tokens in enumerate(distinct)],
            _keeping(last),
            # Some fused attention kernels read several sequences only from their start, and then one token of each.
            budget=positions if len(distinct) == 1 else len(distinct) * max(map(len, distinct)),
            pad=runtime.pad,
            work=self._ledger.prefill,
        )
        rows = [distinct.index(prompt.tokens) for prompt in prompts]
        logits = np.stack([last[row, len(distinct[row]) - 1] for row in rows])
        state = state.taken(rows)
        active = [_Sequence(at, prompt, runtime) for at, prompt in enumerate(prompts)]
        done: dict[int, Continuation] = {}
        ends = frozenset(runtime.ends)
        while True:
            bad: list[bool] = [bool(np.isnan(row).any()) for row in logits]
            tokens = choose(
                torch.from_numpy(logits),
                [one.prompt for one in active],
                [one.stream.uniform(len(one.new)) if one.prompt.temperature > 0 else 0.0 for one in active],
            )
            left = []
            for row, (one, token) in enumerate(zip(active, tokens, strict=True)):
                own = one.take(token)
                if bad[row] or own in ends or one.is_over(own):
                    done[one.number] = finish(
                        one.prompt, one.new, bad[row], ends, runtime.decode, runtime.written
                    )
                else:
                    left.append(row)
            if not left:
                return [done[at] for at in range(len(prompts))]
            if len(left) < len(active):
                state, active = state.taken(left), [active[row] for row in left]
            last = {}
            state = read(
                self._session,
                state,
                [one.new[-1:] for one in active],
                [(row, 0) for row in range(len(active))],
                _keeping(last),
                budget=len(active),
                pad=runtime.pad,
                work=self._ledger.decode,
            )
            logits = np.stack([last[row, 0] for row in range(len(active))])


class _Sequence:
    """One prompt being continued."""

    def __init__(self, number: int, prompt: Prompt, runtime: Runtime) -> None:
        self.number, self.prompt, self._runtime = number, prompt, runtime
        self.stream = Stream(prompt)
        self.new: list[int] = []
        self._watch = StopWatch(prompt.stop, runtime.decode, runtime.written)
        self._budget = budget_watch(prompt, runtime)

    def take(self, chosen: int) -> int:
        """The new token: the one that the model chose, or one that closes thoughts whose budget is used up."""
        token = chosen if self._budget is None else self._budget.next(self.new, chosen)
        self.new.append(token)
        return token

    def is_over(self, token: int) -> bool:
        """Whether the last new token, `token`, reaches the limit or completes a stop string."""
        if len(self.new) >= self.prompt.max_tokens:
            return True
        if self._budget is not None and self._budget.over(self.new):
            return True
        if not self._watch.push(token):
            return False
        # The watch decodes a few tokens only; the whole text decides.
        return holds(self.prompt, self.new, self._runtime.decode, self._runtime.written)


def _keeping(
    kept: dict[TokenPlace, NDArray[np.float32]],
) -> Callable[[Sequence[TokenPlace], NDArray[np.float32]], None]:
    def see(places: Sequence[TokenPlace], logits: NDArray[np.float32]) -> None:
        kept.update(zip(places, logits, strict=True))

    return see
