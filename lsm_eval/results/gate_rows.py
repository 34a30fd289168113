"""What a record says of the gate that could end its run (`lsm-eval run --gate`)."""

from __future__ import annotations

from lsm_eval.results.row import Row


class GatedTaskRow(Row):
    """How much of a task a run asked that a gate may end (`lsm-eval run --gate`)."""

    look: int
    """The last look that its samples were asked for, from 1."""
    looks: int
    """That were planned."""
    planned: int
    """Samples that would have been asked, had the gate not ended it: those that the baseline has."""
    whole: int
    """Samples that the task would have been asked without a gate."""


class VerdictRow(Row):
    """One thing that a gate was asked, and the answer."""

    kind: str
    """As `gating.result.Finding` says."""
    task: str
    metric: str
    answer: str
    look: int | None
    """Which look settled it, from 1; None where none did, or where it is counted once (shares)."""
    share: float | None
    """Of its planned pairs that were in."""
    p_loss: float | None
    """Of no loss, at that look alone; a loss is proven at `limit_loss` or below, or was at a look before."""
    limit_loss: float | None
    p_margin: float | None
    """Of a loss as large as the margin; ruled out at `limit_margin` or below."""
    limit_margin: float | None


class GateRow(Row):
    """The gate that watched the run and could end it."""

    answer: str
    """`pass`, `fail`, `not enough data` or `not comparable`."""
    policy: str
    policy_sha256: str
    false_alarm: float
    false_pass: float
    baseline: dict[str, str]
    """`model`, `fingerprint` and `run`."""
    look: int
    """The last look, from 1."""
    looks: int
    """That were planned."""
    verdicts: list[VerdictRow]
    reasons: list[str] = []
    """Of *not comparable*: why, a sentence each."""
