"""Separate budgets for thoughts and for the answer: thoughts that have used up theirs are closed, and the answer begins.

Budget forcing as in s1 (Muennighoff et al. 2025, arXiv:2501.19393, section 3.1): the tokens that close the thoughts replace
the model's choice, and it continues from there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.runtime import Runtime
from lsm_eval.reasoning.families import markers
from lsm_eval.reasoning.split import answer_start, closing_text

_MARK = 40  # at least the tokens of the longest mark of thoughts


class BudgetWatch:
    """Follows one sequence token by token.

    Thoughts are those that a text begins with, or continues from its prompt, with their marks. Later thoughts count
    towards the answer's budget.
    """

    def __init__(self, prompt: Prompt, runtime: Runtime) -> None:
        """For a prompt with a budget, and with `runtime.encode`."""
        assert prompt.budget is not None
        assert runtime.encode is not None
        self._budget, self._most = prompt.budget, prompt.max_tokens
        self._decode, self._encode = runtime.decode, runtime.encode
        self._opened = prompt.budget.closes is not None
        self._inside = self._opened
        self._forced: deque[int] = deque()
        self._writes = False
        """Whether the last token was not the model's choice."""
        self._thought = 0
        """New tokens until the thoughts ended."""
        self.length: int | None = None
        """The number of new tokens when the text ended by its budget; None before."""

    def next(self, new: Sequence[int], chosen: int) -> int:
        """The token to add after `new`: the model's choice, or one that closes its thoughts."""
        if not self._forced and self._inside and len(new) >= self._budget.reasoning:
            self._forced.extend(self._encode(closing_text(self._decode(new), self._budget.closes)))
        self._writes = bool(self._forced)
        return self._forced.popleft() if self._forced else chosen

    def over(self, new: Sequence[int]) -> bool:
        """Whether the text ends with the last of `new`. Must be called after each token."""
        if self.length is not None:
            return True
        self._look(new)
        if len(new) >= self._most or (
            not self._inside and not self._forced and len(new) - self._thought >= self._budget.answer
        ):
            self.length = len(new)
        return self.length is not None

    def _look(self, new: Sequence[int]) -> None:
        # Only a mark ends or begins thoughts, and the closing mark is a part of them.
        before = self._inside or self._writes
        tail = self._decode(new[-_MARK:])
        if len(new) <= _MARK or markers(tail) or "<|channel|>" in tail:
            self._inside = answer_start(self._decode(new), opened=self._opened) is None
        if self._inside or before:
            self._thought = len(new)


def watch(prompt: Prompt, runtime: Runtime) -> BudgetWatch | None:
    """A watch for a prompt with a budget; None for any other."""
    return BudgetWatch(prompt, runtime) if prompt.budget is not None and runtime.encode is not None else None
