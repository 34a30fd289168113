"""Whether numbers of two releases of lsm-eval may be compared: one rule for `lsm-eval compare` and the leaderboard.

A release by itself changes no number: what a number rests on is in the other parts of its signature (the task's version, the data, the
metric with its version, task code), and the engine that computed the answers. Where all these agree, the numbers compare.
"""

from __future__ import annotations

from lsm_eval.comparison.signature import parts
from lsm_eval.results.reader import Record

RELEASE = "lsm-eval"
"""The part of a signature that names the release."""

_STORED = "not used"
_APART = frozenset({RELEASE, "intervals", "model"})


def engine(record: Record) -> str | None:
    """What computed the record's answers; None where the record does not say, or needed none."""
    found = record.manifest.model.details.get("engine")
    return None if found is None or found.startswith(_STORED) else found


def engines_agree(first: Record, second: Record) -> bool:
    """Whether two records do not say that their answers were computed by different engines."""
    one, other = engine(first), engine(second)
    return one is None or other is None or one == other


def alike(signature: str) -> tuple[str, ...]:
    """The parts of a signature, `name:value`, that must agree for two numbers to stand side by side as they are: all but the
    model's, the release's, and how intervals are made."""
    return tuple(f"{name}:{value}" for name, value in parts(signature).items() if name not in _APART)
