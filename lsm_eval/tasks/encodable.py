"""Makes sure that every text of a sample can be encoded, whatever its data and templates contain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from lsm_eval.tasks.sample import Sample
from lsm_eval.well_formed import all_well_formed

T = TypeVar("T", bound=Any)


def encodable(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], int]:
    """Returns the samples with U+FFFD for each half of a surrogate pair, and the number of changed ones.

    Ids stay unique: one that would equal another gets the suffix `#<place>`.
    """
    made = [_mended(sample) for sample in samples]
    changed = [at for at, (old, new) in enumerate(zip(samples, made, strict=True)) if old is not new]
    if changed:
        times = Counter(sample.id for sample in made)
        for at in changed:
            if times[made[at].id] > 1:
                made[at] = replace(made[at], id=f"{made[at].id}#{at}")
    return tuple(made), len(changed)


def _mended(thing: T) -> T:
    """The repaired sample or request; the same object if nothing had to be changed."""
    changes = {}
    for field in fields(thing):
        old = getattr(thing, field.name)
        if field.name == "request":
            new = _mended(old)
        elif field.name == "further":
            parts = tuple(_mended(request) for request in old)
            new = old if all(a is b for a, b in zip(old, parts, strict=True)) else parts
        elif field.name == "metadata":
            # Only values that JSON can hold have texts inside.
            new = all_well_formed(old) if isinstance(old, dict) else old
        else:
            new = all_well_formed(old)
        if new is not old:
            changes[field.name] = new
    return replace(thing, **changes) if changes else thing
