"""The result of a sequential gate in the form of the record's schema."""

from __future__ import annotations

from lsm_eval.gating.result import Finding, GateResult
from lsm_eval.results.gate_rows import GateRow, VerdictRow


def gate_row(result: GateResult) -> GateRow:
    """The row for the manifest of the gated run."""
    assert result.looking is not None
    assert result.baseline is not None
    manifest = result.baseline.manifest
    return GateRow(
        answer=result.answer,
        policy=result.policy,
        policy_sha256=result.policy_sha256,
        false_alarm=result.false_alarm,
        false_pass=result.false_pass,
        baseline={
            "model": manifest.model.name,
            "fingerprint": manifest.model.fingerprint,
            "run": manifest.run,
        },
        look=result.looking.look,
        looks=result.looking.looks,
        verdicts=[_verdict(one) for one in result.findings],
        reasons=list(result.reasons),
    )


def _verdict(one: Finding) -> VerdictRow:
    at = one.looked_at
    return VerdictRow(
        kind=one.kind,
        task=one.task,
        metric=one.metric,
        answer=one.answer,
        look=None if at is None else at.look,
        share=None if at is None else at.share,
        p_loss=None if at is None else at.p_loss,
        limit_loss=None if at is None else at.limit_loss,
        p_margin=None if at is None else at.p_margin,
        limit_margin=None if at is None else at.limit_margin,
    )
