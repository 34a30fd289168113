"""Functions of single benchmarks that templates may call, until each stands in its folder's `code.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsm_eval.tasks.helpers.canaries import canary_before, canary_bits, canary_choices, canary_place
from lsm_eval.tasks.helpers.real_toxicity import real_toxicity_sampled
from lsm_eval.tasks.helpers.safetybench import safetybench_options, safetybench_right
from lsm_eval.tasks.helpers.toxigen import toxigen_last, toxigen_prompt
from lsm_eval.tasks.helpers.truthfulqa import truthfulqa_references

GLOBALS: Mapping[str, Callable[..., Any]] = {
    "canary_before": canary_before,
    "canary_bits": canary_bits,
    "canary_choices": canary_choices,
    "canary_place": canary_place,
    "real_toxicity_sampled": real_toxicity_sampled,
    "safetybench_options": safetybench_options,
    "safetybench_right": safetybench_right,
    "toxigen_last": toxigen_last,
    "toxigen_prompt": toxigen_prompt,
    "truthfulqa_references": truthfulqa_references,
}
"""Functions by the name under which templates call them."""
