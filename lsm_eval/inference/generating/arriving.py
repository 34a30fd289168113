"""Continuous generation of prompts that arrive while others are being continued, with the time of each token."""

from __future__ import annotations

import time
from collections.abc import Sequence as Many
from typing import Protocol

from lsm_eval.errors import UserError
from lsm_eval.inference.generating.continuous import ContinuousLoop
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.sequences import arrange
from lsm_eval.inference.memory import out_of_memory

_LONGEST_SLEEP = 0.05


class Arrivals(Protocol):
    """Supplies prompts, and is notified of their progress. Times are those of `time.perf_counter_ns`."""

    def due(self, now: int) -> Many[tuple[int, Prompt]]:
        """Prompts that have arrived by now and were not returned yet, each with its number."""
        ...

    def seconds(self, now: int) -> float | None:
        """Seconds until the next prompt; None if there is none."""
        ...

    def tokens(self, numbers: Many[int], now: int) -> None:
        """Each of these has one more token."""
        ...

    def ended(self, number: int, found: Continuation, now: int) -> None:
        """A text is complete; called after `tokens` for its last token."""
        ...


class ArrivingLoop(ContinuousLoop):
    """The continuous loop with a queue that fills while it runs. Common prefixes of prompts are not shared, as later prompts
    are not known."""

    def serve(self, arrivals: Arrivals) -> None:
        """Continue all prompts that arrive, until there are no more. Raises `UserError` if memory runs out."""
        self._active, self._longest = [], 0
        self._waiting.clear()
        self._reset()
        try:
            with self._changed():
                while self._once(arrivals):
                    pass
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise UserError(
                f"not enough memory on {self._runtime.device} for {len(self._active)} requests at a time: serve fewer "
                "(--concurrency), or shorter ones."
            ) from error
        finally:
            self._reset()

    def _once(self, arrivals: Arrivals) -> bool:
        """One token for all active sequences. Returns whether there is more to do."""
        now = time.perf_counter_ns()
        for number, prompt in arrivals.due(now):
            (sequence,) = arrange(
                {number: prompt}, self._runtime.decode, self._capacity.group, self._runtime.written
            )
            self._waiting.append(sequence)
            self._longest = max(self._longest, sequence.reserved)
        if not self._waiting and not self._active:
            wait = arrivals.seconds(time.perf_counter_ns())
            if wait is None:
                return False
            time.sleep(min(max(wait, 0.0), _LONGEST_SLEEP))
            return True
        self._admit()
        numbers = [sequence.number for sequence in self._active]
        done = self._step()
        now = time.perf_counter_ns()
        arrivals.tokens(numbers, now)
        for number, found in done.items():
            arrivals.ended(number, found, now)
        return True
