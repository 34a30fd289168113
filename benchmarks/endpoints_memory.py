"""What asking holds in memory: how much more a million requests need than ten thousand."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from endpoints_server import serving

_BAR = 100.0  # MB
_FEW, _MANY = 10_000, 1_000_000


class _Made:
    """Requests that are made when they are looked at: those of a run are in memory before they are asked."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> object:
        from lsm_eval.requests import Generate

        if at >= self._count:
            raise IndexError(at)
        return Generate(f"Question {at}: what is it?", chat=True)


def memory(many: int = _MANY) -> Iterator[str]:
    """A line on the most memory that a process held, which asked so many and took each answer."""
    held = [_held(count) for count in (_FEW, many)]
    more = held[1] - held[0]
    yield (
        f"memory: {held[0]:.0f} MB at {_FEW:,} requests, {held[1]:.0f} MB at {many:,}: {more:.0f} MB more"
        f"{'' if more < _BAR else f', NOT under {_BAR:.0f}'}"
    )


def _held(count: int) -> float:
    with serving(0.01) as url:
        done = subprocess.run(
            [sys.executable, __file__, url, str(count)], capture_output=True, text=True, check=True
        )
    return float(done.stdout)


def _ask(url: str, count: int) -> None:
    from lsm_eval.endpoints.model import EndpointModel
    from lsm_eval.models.base import EndpointOptions

    model = EndpointModel("benchmark", EndpointOptions(url))
    requests: Any = _Made(count)
    answered = sum(len(batch) for batch in model.answer(requests))
    assert answered == count
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _ask(sys.argv[1], int(sys.argv[2]))
