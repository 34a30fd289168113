"""Reads and checks tasks by name, without their data and without a model."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import RESOLVERS, LmEvalTask
from lsm_eval.results.names import folder_name
from lsm_eval.runner.left_out import LeftOut
from lsm_eval.runner.spec import RunSpec
from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.registry import LoadedTask, Registry


def check_tasks(spec: RunSpec) -> list[LoadedTask]:
    """The tasks that `spec` names, read and checked without their data and without a model.

    Raises `UserError` for a name that matches nothing, and for wrong tasks, keys or metrics if no task
    remains (with `spec.strict`: if any is wrong).
    """
    left_out = LeftOut(strict=spec.strict)
    loaded = checked(spec, left_out)
    left_out.check(len(loaded))
    return loaded


def checked(spec: RunSpec, left_out: LeftOut) -> list[LoadedTask]:
    registry = Registry(spec.include, RESOLVERS, code=spec.include_code)
    found = registry.resolve(spec.tasks, left_out.take)
    for file in registry.broken:
        if file.name not in left_out:
            left_out.aside(f"a task file is passed over: {file.fault}")
    check_tables(found, spec.perturb)
    loaded = []
    for task in found:
        with left_out.unless(task.task.task):
            # The harness's tasks bring their own metrics, which are known once their data is read.
            for metric in () if isinstance(task, LmEvalTask) else task.task.metrics:
                metrics.check(metric, task.task.request, own=task.own)
            loaded.append(task)
    return loaded


def check_tables(loaded: Sequence[LoadedTask], variants: Sequence[str]) -> None:
    """Raises `UserError` if two tasks, or their variants, would write the same sample table."""
    taken: dict[str, str] = {}
    for task in (one.task.task for one in loaded):
        for name in (task, *(f"{task}@{variant}" for variant in dict.fromkeys(variants))):
            other = taken.setdefault(folder_name(name).lower(), name)
            if other != name:
                raise UserError(
                    f"the tasks {other!r} and {name!r} would write the same sample table: rename one, or run them one "
                    "after the other."
                )
