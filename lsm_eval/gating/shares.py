"""Shares of the candidate's samples that failed or were truncated, compared with the policy's limits."""

from __future__ import annotations

from collections.abc import Iterator

from lsm_eval.comparison.tables import Table
from lsm_eval.gating.outage import cut, failures
from lsm_eval.gating.policy import Shares
from lsm_eval.gating.result import Finding
from lsm_eval.gating.words import percent


def share_findings(table: Table, limits: Shares) -> Iterator[Finding]:
    """One finding for each share that the policy limits. They are counts in this run, without sampling error."""
    why = failures(table)
    counts = {
        "missing": (limits.missing, sum(one is not None for one in why), "have no answer"),
        "truncated": (limits.truncated, sum(cut(table)), "are cut"),
        "nan": (limits.nan, sum(one == "nan" for one in why), "made the model's numbers NaN"),
    }
    task = table.record.tasks[table.task]
    number = len(table.ids)
    for name, (limit, count, what) in counts.items():
        if limit is None or not number:
            continue
        share = count / number
        yield Finding(
            kind="share",
            task=table.task,
            title=task.title,
            metric=name,
            unit="fraction",
            higher_is_better=False,
            answer="fail" if share > limit else "pass",
            why=f"{count:,} of {number:,} samples {what} ({percent(share)}), and {percent(limit)} may.",
            baseline=None,
            candidate=share,
            loss=None,
            low=None,
            high=None,
            level=0.0,
            p=None,
            margin=limit,
            n=number,
            clusters=None,
            discordant=None,
            missing=0,
            smallest_loss=None,
            wanted_n=None,
            method="counted",
            sensitive=False,
        )
