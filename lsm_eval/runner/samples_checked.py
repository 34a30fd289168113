"""Tasks checked down to each of their samples, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsm_eval.data.options import DataOptions
from lsm_eval.models.baselines import Baseline
from lsm_eval.progress import Progress
from lsm_eval.runner.prepare import prepare_each
from lsm_eval.runner.prepared import Prepared
from lsm_eval.runner.spec import RunSpec


def check_each(
    names: Sequence[str],
    include: Sequence[Path],
    data: DataOptions,
    progress: Progress,
    *,
    code: bool = False,
    command: Sequence[str] = (),
) -> Prepared:
    """The tasks of these names with their metrics, data and samples, as a run would ask them; those that cannot be are named to
    `progress` and left out. `code`: included files may run Python files beside them; `command`: for the log of a fault in those.
    Raises `UserError` where no task remains."""
    model = "uniform"  # it reads no prompt, so that nothing hangs on it
    # A task that only works in a chat is asked as plain text here, where there is no chat template.
    spec = RunSpec(
        tasks=names,
        model=f"builtin:{model}",
        chat="off",
        data=data,
        include=tuple(include),
        include_code=code,
        command=tuple(command),
    )
    return prepare_each(spec, Baseline(model), progress)
