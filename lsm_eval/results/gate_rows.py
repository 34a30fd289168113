"""The gate that could end a run early (`lsm-eval run --gate`), in its record."""

from __future__ import annotations

from lsm_eval.results.row import Row


class GatedTaskRow(Row):
    """How much of a task was asked in a run that a gate could end."""

    look: int
    """The last look for which samples of the task were asked, from 1."""
    looks: int
    """Number of looks that were planned."""
    planned: int
    """Samples that would have been asked if the gate had not ended the run: those that the baseline has."""
    whole: int
    """Samples that the task would have been asked without a gate."""


class VerdictRow(Row):
    """The gate's verdict on one question."""

    kind: str
    """See `gating.result.Finding`."""
    task: str
    """The task's name."""
    metric: str
    """The metric's name."""
    answer: str
    """`pass`, `fail` or `not enough data`."""
    look: int | None
    """The look that decided it, from 1; None if none did, or if it is computed only once (shares)."""
    share: float | None
    """Share of its planned pairs that had been answered by then."""
    p_loss: float | None
    """p value for no loss, at that look alone; a loss is shown at `limit_loss` or below, or was shown at an earlier look."""
    limit_loss: float | None
    """The limit of `p_loss` at that look."""
    p_margin: float | None
    """p value for a loss as large as the margin; it is ruled out at `limit_margin` or below."""
    limit_margin: float | None
    """The limit of `p_margin` at that look."""


class GateRow(Row):
    """The gate that watched the run and could end it."""

    answer: str
    """`pass`, `fail`, `not enough data` or `not comparable`."""
    policy: str
    """The policy's name."""
    policy_sha256: str
    """Hash of the policy."""
    false_alarm: float
    """The largest rate at which an unchanged model fails, over all metrics together."""
    false_pass: float
    """The largest rate at which a loss as large as the margin passes, for each metric by itself."""
    baseline: dict[str, str]
    """`model`, `fingerprint` and `run`."""
    look: int
    """The last look, from 1."""
    looks: int
    """Number of looks that were planned."""
    verdicts: list[VerdictRow]
    """One row for each question."""
    reasons: list[str] = []
    """For *not comparable*: the reasons, one sentence each."""
