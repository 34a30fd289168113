"""Whether numbers of two releases of lsm-eval may be compared: one rule for `lsm-eval compare` and the leaderboard.

A release by itself changes no number: a number depends on the other parts of its signature (the task's version, the data, the metric with
its version, task code) and on the engine that computed the answers. If all of these agree, the numbers are comparable.
"""

from __future__ import annotations

from lsm_eval.comparison.signature import parts
from lsm_eval.results.reader import Record

RELEASE = "lsm-eval"
"""The part of a signature that names the release."""

_STORED = "not used"
_IGNORED = frozenset({RELEASE, "intervals", "model"})


def engine(record: Record) -> str | None:
    """The engine that computed the record's answers; None if the record does not say, or needed none."""
    found = record.manifest.model.details.get("engine")
    return None if found is None or found.startswith(_STORED) else found


def engines_agree(first: Record, second: Record) -> bool:
    """False if both records name their engine and the engines differ; else True."""
    one, other = engine(first), engine(second)
    return one is None or other is None or one == other


def comparable_parts(signature: str) -> tuple[str, ...]:
    """The parts of a signature, `name:value`, that must agree if two numbers are to be shown side by side: all but the model, the release, and the
    method of intervals."""
    return tuple(f"{name}:{value}" for name, value in parts(signature).items() if name not in _IGNORED)
