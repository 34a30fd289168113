"""What templates of all task files may use beyond Jinja's own: functions (`GLOBALS`) and filters (`FILTERS`).

A function of one benchmark alone stands in its folder's `code.py` (`lsm_eval.tasks.own_code`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsm_eval.tasks.helpers.cmmlu import cmmlu_subject
from lsm_eval.tasks.helpers.labels import digest, labels_over, shuffled, union
from lsm_eval.tasks.helpers.real_toxicity import real_toxicity_sampled
from lsm_eval.tasks.helpers.safetybench import safetybench_options, safetybench_right
from lsm_eval.tasks.helpers.text import FILTERS
from lsm_eval.tasks.helpers.toxigen import toxigen_last, toxigen_prompt

__all__ = ["FILTERS", "GLOBALS"]

GLOBALS: Mapping[str, Callable[..., Any]] = {
    "cmmlu_subject": cmmlu_subject,
    "digest": digest,
    "labels_over": labels_over,
    "real_toxicity_sampled": real_toxicity_sampled,
    "safetybench_options": safetybench_options,
    "safetybench_right": safetybench_right,
    "shuffled": shuffled,
    "toxigen_last": toxigen_last,
    "toxigen_prompt": toxigen_prompt,
    "union": union,
}
"""Functions by the name under which templates call them."""
