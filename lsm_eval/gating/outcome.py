"""From findings to a gate's answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Literal

from lsm_eval.comparison.flips import Flip
from lsm_eval.gating.policy import Inconclusive, Policy
from lsm_eval.gating.result import Answer, Finding, GateResult, SequentialSummary
from lsm_eval.results.reader import Record


def result_of(
    baseline: Record | None,
    candidate: Record,
    policy: Policy,
    findings: Sequence[Finding],
    reasons: Collection[str],
    notes: Collection[str],
    inconclusive: Inconclusive | None,
    *,
    flips: Sequence[Flip] = (),
    looking: SequentialSummary | None = None,
) -> GateResult:
    """The gate's result from all findings. `reasons`: why something is not comparable; if a loss is proven, the gate fails nevertheless, and
    the reasons become notes."""
    answer = overall(findings, bool(reasons))
    refused = answer == "not comparable"
    return GateResult(
        baseline=baseline,
        candidate=candidate,
        policy=policy.policy,
        policy_sha256=policy.sha256,
        false_alarm=policy.false_alarm,
        false_pass=policy.false_pass,
        inconclusive=inconclusive or policy.undecided,
        answer=answer,
        reasons=list(reasons) if refused else [],
        findings=list(findings),
        notes=[*([] if refused else (f"Not compared: {line}" for line in reasons)), *notes],
        flips=list(flips),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        looking=looking,
    )


def overall(findings: Sequence[Finding], incomparable: bool) -> Answer | Literal["not comparable"]:
    """The overall answer."""
    answers = {one.answer for one in findings}
    if "fail" in answers:
        return "fail"
    if incomparable:
        return "not comparable"
    return "not enough data" if "not enough data" in answers else "pass"
