"""What a gate says, as values."""

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
class LookedAt:
    """When a gate that looks on the way gave its answer, and what the answer was held against."""

    look: int | None
    """From 1; None where no look settled it."""
    share: float
    """Of its planned pairs that were in."""
    p_loss: float | None
    """Of no loss, at that look alone."""
    limit_loss: float
    """A loss is proven where `p_loss` is at most this, or was at a look before."""
    p_margin: float | None
    """Of a loss as large as the margin, at that look alone."""
    limit_margin: float
    """Such a loss is ruled out where `p_margin` is at most this."""


@dataclass(frozen=True)
class Asked:
    """How much of a task was asked."""

    task: str
    asked: int
    planned: int
    """Samples that would have been asked, had nothing ended it."""
    look: int
    """The last one that its samples were asked for."""


@dataclass(frozen=True)
class Looking:
    """The looks of a gate that looked on the way."""

    look: int
    """The last one."""
    looks: int
    """That were planned."""
    tasks: Sequence[Asked]


@dataclass(frozen=True)
class Finding:
    """One thing that the policy asks, and the answer."""

    kind: Kind
    task: str
    title: str
    metric: str
    """Of a share or a speed its name, such as `missing` or `output tokens per second`."""
    unit: str
    higher_is_better: bool | None
    answer: Answer
    why: str
    """One sentence in plain words."""
    baseline: float | None
    candidate: float | None
    loss: float | None
    """How much worse the candidate is in the metric's unit, negative where it is better; None for limits."""
    low: float | None
    high: float | None
    """The interval of the loss; of a limit that of the candidate's value."""
    level: float
    p: float | None
    """Of no loss, one-sided, corrected for the metrics that are gated together."""
    margin: float | None
    """The loss that is allowed; of a limit the limit itself."""
    n: int
    clusters: int | None
    discordant: int | None
    missing: int
    smallest_loss: float | None
    """The smallest that so many pairs can show; None where it is not known."""
    wanted_n: int | None
    """Pairs that would decide; None where it is not known or nothing is to be decided."""
    method: str
    sensitive: bool
    """Its texts may be harmful."""
    looked_at: LookedAt | None = None
    """Of a gate that looks on the way: `p` is that of one look then."""


@dataclass(frozen=True)
class GateResult:
    """Candidate against baseline under a policy."""

    baseline: Record | None
    """None where the policy has absolute limits only."""
    candidate: Record
    policy: str
    """Its name."""
    policy_sha256: str
    false_alarm: float
    """The most often that an unchanged model fails, over all metrics together."""
    false_pass: float
    """The most often that a loss of the margin passes, for each metric by itself."""
    inconclusive: Literal["neutral", "warn", "fail"]
    """What becomes of *not enough data*."""
    answer: Answer | Literal["not comparable"]
    reasons: Sequence[str]
    """Of *not comparable*: why, a sentence each."""
    findings: Sequence[Finding]
    notes: Sequence[str]
    """What else a reader should know, a sentence each."""
    flips: Sequence[Flip]
    created: str
    """UTC, ISO 8601."""
    looking: Looking | None = None
    """None where the gate looked once."""

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 not enough data (0 or 1 where the policy says so), 4 not comparable."""
        if self.answer == "not enough data":
            return {"neutral": 3, "warn": 0, "fail": 1}[self.inconclusive]
        return {"pass": 0, "fail": 1, "not comparable": 4}[self.answer]
