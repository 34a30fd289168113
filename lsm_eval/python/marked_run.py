"""The run that a pytest marker names (`lsm_eval.pytest_plugin`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsm_eval.tasks.limit import Limit


@dataclass(frozen=True)
class RunOptions:
    """The run of a marker; equal ones are run once in a session."""

    tasks: tuple[str, ...]
    model: str
    limit: Limit | None
    shots: int | None
    seed: int
    adapter: str | None
    include: tuple[str, ...]
    keep: bool
