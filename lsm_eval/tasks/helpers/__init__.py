"""What templates of task files may use beyond Jinja's own: functions (`GLOBALS`) and filters (`FILTERS`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsm_eval.tasks.helpers.bbq import bbq_metadata
from lsm_eval.tasks.helpers.cmmlu import cmmlu_subject
from lsm_eval.tasks.helpers.labels import labels_over, shuffled, union
from lsm_eval.tasks.helpers.text import FILTERS

__all__ = ["FILTERS", "GLOBALS"]

GLOBALS: Mapping[str, Callable[..., Any]] = {
    "bbq_metadata": bbq_metadata,
    "cmmlu_subject": cmmlu_subject,
    "labels_over": labels_over,
    "shuffled": shuffled,
    "union": union,
}
"""Functions by the name under which templates call them."""
