"""What templates of all task files may use beyond Jinja's own: functions (`GLOBALS`) and filters (`FILTERS`).

A function of one benchmark alone stands in its folder's `code.py` (`lsm_eval.tasks.own_code`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsm_eval.tasks.helpers.cmmlu import cmmlu_subject
from lsm_eval.tasks.helpers.labels import digest, labels_over, shuffled, union
from lsm_eval.tasks.helpers.text import FILTERS

__all__ = ["FILTERS", "GLOBALS"]

GLOBALS: Mapping[str, Callable[..., Any]] = {
    "cmmlu_subject": cmmlu_subject,
    "digest": digest,
    "labels_over": labels_over,
    "shuffled": shuffled,
    "union": union,
}
"""Functions by the name under which templates call them."""
