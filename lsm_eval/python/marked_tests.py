"""Runs the tasks of a pytest marker, and gates the record (`lsm_eval.pytest_plugin`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lsm_eval
from lsm_eval.comparison.find import find
from lsm_eval.errors import UserError
from lsm_eval.gating.policy import Policy, Rule, read_policy
from lsm_eval.gating.rules import fits, ignored
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.paths import cache_dir
from lsm_eval.progress import Silent
from lsm_eval.runner.check_tasks import check_tasks
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec

if TYPE_CHECKING:
    from lsm_eval.gating.result import GateResult
    from lsm_eval.python.marked_run import RunOptions


def run_marked(options: RunOptions, out: Path) -> Path:
    """Run the marker's tasks; returns the record's folder. Raises `UserError` if a task cannot be asked."""
    spec = RunSpec(
        tasks=options.tasks,
        model=options.model,
        limit=options.limit,
        shots=options.shots,
        seed=options.seed,
        options=ModelOptions(adapter=options.adapter),
        include=tuple(Path(folder) for folder in options.include),
        out=out,
        store=cache_dir() / "responses" if options.keep else None,
        strict=True,
        command=("pytest",),
    )
    check_tasks(spec)
    progress = Silent()
    return run(spec, create(spec.model, spec.options, progress), progress).record


def gate_marked(
    record: Path,
    *,
    baseline: str | Path | None,
    policy: str | Path | Policy | None,
    include: Sequence[str | Path] = (),
    **arguments: Any,
) -> GateResult:
    """Gate the record by the marker's tasks only; other tasks of the baseline are ignored. Raises `UserError` if the baseline lacks one of
    the marker's tasks."""
    rules = read_policy(Path(policy)) if isinstance(policy, str | Path) else policy or read_policy(None)
    candidate = find(str(record))
    arguments["include"] = [Path(folder) for folder in include]
    if baseline is None:
        return lsm_eval.gate(candidate=candidate, baseline=None, policy=rules, **arguments)
    baseline_record = find(str(baseline))
    limited = {task for task in candidate.tasks for limit in rules.limits if fits(limit.task, task)}
    lacking = sorted(
        task for task in {*candidate.tasks} - {*baseline_record.tasks} - limited if not ignored(rules, task)
    )
    if lacking:
        raise UserError(
            f"the baseline {baseline} has no {', '.join(lacking)}: run it there and accept that, or leave it out of the marker."
        )
    others = [Rule(task=task, ignore=True) for task in baseline_record.tasks if task not in candidate.tasks]
    own = rules.model_copy(update={"rules": [*rules.rules, *others]})
    return lsm_eval.gate(candidate=candidate, baseline=baseline_record, policy=own, **arguments)
