"""Messages on the looks of a run."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.comparison.shown.escape import visible
from lsm_eval.gating.early.watch import SequentialGate
from lsm_eval.gating.question import Question
from lsm_eval.gating.words import counted
from lsm_eval.statistics.comparison.sequential import SequentialVerdict

_SHOWN = 5


def look_line(
    watch: SequentialGate,
    before: Sequence[SequentialVerdict[Question]],
    found: Sequence[SequentialVerdict[Question]],
) -> str:
    """`look 2 of 10, 120 of 600 samples: numbers, acc: pass; 1 metric is open.`"""
    done = sum(len(part) for task in watch.plan.tasks for part in task.slices[: watch.last(task.name)])
    planned = sum(task.planned for task in watch.plan.tasks)
    new = [
        f"{visible(own.metric.row.task)}, {visible(own.metric.row.metric)}: {one.outcome}"
        for at, (one, own) in enumerate(zip(found, watch.plan.watched, strict=True))
        if one.outcome != "undecided" and (not before or before[at].outcome == "undecided")
    ]
    more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
    once = {task.name for task in watch.plan.tasks if task.once is not None}
    open_ = [
        one
        for one, own in zip(found, watch.plan.watched, strict=True)
        if one.outcome == "undecided" and own.metric.row.task not in once
    ]
    said = [f"{'; '.join(new[:_SHOWN])}{more}"] if new else []
    if open_:
        said.append(f"{counted(len(open_), 'metric')} {'is' if len(open_) == 1 else 'are'} open")
    if once:
        said.append(f"{counted(len(once), 'task')} {'is' if len(once) == 1 else 'are'} judged at the end")
    return f"look {watch.looks} of {watch.plan.looks}, {done:,} of {counted(planned, 'sample')}: {'; '.join(said)}."
