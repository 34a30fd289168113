"""What differs between two runs of a number: its signature, the model's fingerprint, versions, the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lsm_eval.comparison.signature import MODEL, differing
from lsm_eval.leaderboard.words import word
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow

_MODEL = ("revision", "dtype", "device", "context", "spec")
_MACHINE = ("cpu", "gpu", "cores", "threads", "system")
_SHOWN = 16
"""Characters of a hash that are shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference from the run before; a side is None if it does not exist there."""

    kind: str
    """`signature`, `model`, `version` or `machine`."""
    name: str
    before: str | None
    after: str | None


def changes(before: tuple[EstimateRow, Record], after: tuple[EstimateRow, Record]) -> tuple[Change, ...]:
    """What changed from one number to the next of the same task and metric: first what makes them incomparable, then what may only
    explain a difference."""
    (first, old), (second, new) = before, after
    return (*_signature(first, second), *_of_runs(old, new))


def _signature(first: EstimateRow, second: EstimateRow) -> Iterator[Change]:
    for part in differing(first.signature, second.signature):
        if part.name != MODEL and part.name != "lsm-eval":  # these are listed below, each once
            yield Change(word("signature"), part.name, part.first, part.second)


def _of_runs(old: Record, new: Record) -> Iterator[Change]:
    first, second = old.manifest, new.manifest
    if first.model.fingerprint != second.model.fingerprint:
        yield Change(
            word("model"), "fingerprint", first.model.fingerprint[:_SHOWN], second.model.fingerprint[:_SHOWN]
        )
    one, other = (
        {name: getattr(model, name) for name in _MODEL} | model.details
        for model in (first.model, second.model)
    )
    yield from _unlike("model", one, other)
    yield from _unlike(word("version"), first.versions, second.versions)
    machines = [{name: run.hardware.get(name) for name in _MACHINE} for run in (first, second)]
    yield from _unlike(word("machine"), machines[0], machines[1])


def _unlike(kind: str, first: dict[str, Any], second: dict[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*first, *second]):
        before, after = first.get(name), second.get(name)
        if before != after:
            yield Change(kind, name, _text(before), _text(after))


def _text(thing: Any) -> str | None:
    return None if thing is None else str(thing)
