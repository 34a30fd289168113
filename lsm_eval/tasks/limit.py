"""The limit on the samples of each task (`--limit`): a number of them, or a share of each task."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from lsm_eval.errors import UserError

Limit = int | Fraction
"""A number of samples, or a share between 0 and 1."""
_WHOLE = re.compile(r"[0-9]{1,15}")
_SHARE = re.compile(r"(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:e-[0-9]{1,2})?", re.IGNORECASE)


def read_limit(value: object) -> Limit:
    """Reads `12`, `0.1` or `10%`. A decimal number is a share; `1` is one sample. Raises `UserError` for anything else."""
    text = "" if isinstance(value, bool) else str(value).strip()
    if _WHOLE.fullmatch(text) and int(text) >= 1:
        return int(text)
    number = text.removesuffix("%").strip()
    if _SHARE.fullmatch(number):
        share = Fraction(number) / (100 if text.endswith("%") else 1)
        if 0 < share < 1:
            return share
    raise UserError(
        f"--limit {value}: give a number of samples, 1 or more, or a share of each task's, above 0 and below 1, such as 0.1 or 10%."
    )


def samples_of(limit: Limit, rows: int) -> int:
    """Number of samples for a task with `rows` rows. A share is rounded up, so that every task keeps at least one."""
    return limit if isinstance(limit, int) else math.ceil(limit * rows)
