"""Adds estimates that compare each task with its variants, and each variant with its task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lsm_eval.robustness.compare import compare, worst
from lsm_eval.runner.scored import ScoredTask


def with_variant_estimates(scored: Sequence[ScoredTask], *, seed: int) -> list[ScoredTask]:
    """The same tasks, with additional estimates for those that have variants and for the variants."""
    originals = {task.prepared.name: task for task in scored if task.prepared.variant is None}
    variants: dict[str, dict[str, ScoredTask]] = {}
    for task in scored:
        if task.prepared.base is not None and task.prepared.variant is not None:
            variants.setdefault(task.prepared.base, {})[task.prepared.variant.name] = task
    found = []
    for task in scored:
        base, own = task.prepared.base, variants.get(task.prepared.name)
        more = []
        if base is not None:
            more = compare(originals[base], task, seed=seed)
        elif own:
            more = worst(task, own, seed=seed)
        found.append(replace(task, estimates=[*task.estimates, *more]))
    return found
