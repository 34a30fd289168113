"""The result of a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lsm_eval.comparison.flips import Flip
from lsm_eval.results.reader import Record

Answer = Literal["pass", "fail", "not enough data"]
Kind = Literal["loss", "limit", "share", "speed"]
"""`loss`: against the baseline. `limit`: an absolute one, or against a reference run. `share`: missing, truncated or NaN
samples. `speed`: throughput or latency."""


@dataclass(frozen=True)
class LookEvidence:
    """The look at which a sequential gate made a verdict, with its p-values and their limits."""

    look: int | None
    """From 1; None if no look made the verdict."""
    share: float
    """Share of the planned pairs that were in."""
    p_loss: float | None
    """The p-value of no loss at that look."""
    limit_loss: float
    """A loss is proven if `p_loss` is at most this, at this look or an earlier one."""
    p_margin: float | None
    """The p-value of a loss as large as the margin at that look."""
    limit_margin: float
    """Such a loss is ruled out if `p_margin` is at most this."""


@dataclass(frozen=True)
class TaskProgress:
    """How much of a task was run."""

    task: str
    asked: int
    planned: int
    """Number of samples that would have been run without an early end."""
    look: int
    """The last look for which its samples were run."""


@dataclass(frozen=True)
class SequentialSummary:
    """The looks of a sequential gate."""

    look: int
    """The last look."""
    looks: int
    """Number of planned looks."""
    tasks: Sequence[TaskProgress]


@dataclass(frozen=True)
class Finding:
    """One question of the policy, with the answer."""

    kind: Kind
    task: str
    title: str
    metric: str
    """For a share or a speed its name, such as `missing` or `output tokens per second`."""
    unit: str
    higher_is_better: bool | None
    answer: Answer
    why: str
    """One sentence in plain words."""
    baseline: float | None
    candidate: float | None
    loss: float | None
    """How much worse the candidate is in the metric's unit, negative if it is better; None for limits."""
    low: float | None
    high: float | None
    """The interval of the loss; for a limit that of the candidate's value."""
    level: float
    p: float | None
    """One-sided p-value of no loss, adjusted for the metrics that are gated together."""
    margin: float | None
    """The allowed loss; for a limit the limit itself."""
    n: int
    clusters: int | None
    discordant: int | None
    missing: int
    smallest_loss: float | None
    """The smallest loss that this number of pairs can show; None if unknown."""
    wanted_n: int | None
    """Number of pairs that would decide; None if unknown or already decided."""
    method: str
    sensitive: bool
    """Whether its texts may be harmful."""
    looked_at: LookEvidence | None = None
    """For a sequential gate, for which `p` is that of a single look."""


@dataclass(frozen=True)
class GateResult:
    """The result for a candidate against a baseline under a policy."""

    baseline: Record | None
    """None if the policy has only absolute limits."""
    candidate: Record
    policy: str
    """Its name."""
    policy_sha256: str
    false_alarm: float
    """The largest rate at which an unchanged model fails, over all metrics together."""
    false_pass: float
    """The largest rate at which a loss as large as the margin passes, for each metric by itself."""
    inconclusive: Literal["neutral", "warn", "fail"]
    """How *not enough data* is treated."""
    answer: Answer | Literal["not comparable"]
    reasons: Sequence[str]
    """Reasons for *not comparable*, one sentence each."""
    findings: Sequence[Finding]
    notes: Sequence[str]
    """Further notes for the reader, one sentence each."""
    flips: Sequence[Flip]
    created: str
    """UTC, ISO 8601."""
    looking: SequentialSummary | None = None
    """None if the gate had no interim looks."""

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 not enough data (0 or 1 where the policy says so), 4 not comparable."""
        if self.answer == "not enough data":
            return {"neutral": 3, "warn": 0, "fail": 1}[self.inconclusive]
        return {"pass": 0, "fail": 1, "not comparable": 4}[self.answer]
