"""Measures the machine in the same minute as each batch, so that a model's speed is a share of what was available then."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lsm_eval.profiling.matmul import Machine, measure_machine

FRESH = 30.0
"""Seconds for which a measurement of the machine is valid."""
_AGAIN = 4
"""How often a disturbed measurement is repeated."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Operations and bytes a second that a model reached; None if not known."""

    flops: float | None
    bytes: float | None

    def beyond(self, machine: Machine) -> bool:
        """Whether the model exceeded the measured machine, so that one of the two measurements was disturbed."""
        return _above(self.flops, machine.flops_per_second) or _above(self.bytes, machine.bytes_per_second)


class MachineMeter:
    """Measures the machine, and repeats that if the last measurement is too old."""

    def __init__(
        self,
        device: str,
        dtype: str,
        *,
        measure: Callable[[str, str], Machine] = measure_machine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device, self._dtype, self._measure, self._clock = device, dtype, measure, clock
        self._found: Machine | None = None
        self._at = 0.0
        self.seconds = 0.0
        """Total time spent on measuring."""

    def now(self) -> Machine:
        """A measurement of the last half minute."""
        if self._found is None or self._clock() - self._at > FRESH:
            return self._anew()
        return self._found

    def beside(self, speeds: Speeds) -> Machine:
        """A measurement right after a batch that reached `speeds`. If these exceed it, the machine is measured again, a few
        times; the best measurement counts, since disturbances only make a machine slower."""
        found = self.now()
        for _ in range(_AGAIN):
            if not speeds.beyond(found):
                break
            again = self._anew()
            found = self._found = Machine(
                _larger(found.flops_per_second, again.flops_per_second),
                _larger(found.bytes_per_second, again.bytes_per_second),
            )
        return found

    def _anew(self) -> Machine:
        start = self._clock()
        self._found = self._measure(self._device, self._dtype)
        self._at = self._clock()
        self.seconds += self._at - start
        return self._found


def _above(part: float | None, whole: float | None) -> bool:
    return part is not None and whole is not None and part > whole


def _larger(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known) if known else None
