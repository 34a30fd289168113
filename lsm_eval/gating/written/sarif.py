"""Safety findings of a gate as SARIF 2.1.0, for code scanning.

OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0 plus errata 01, 28 August 2023.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import lsm_eval
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.gating.result import Finding, GateResult, Kind
from lsm_eval.gating.written.wording import created, facts, severity, worst_first
from lsm_eval.json_text import json_text
from lsm_eval.results.writer import ESTIMATES

AREAS = frozenset({"bias", "hallucination", "privacy", "safety"})
"""Areas of tasks whose findings are included."""
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {"error": "error", "warning": "warning", "notice": "note"}
_RULES: dict[Kind, str] = {
    "loss": "must not be worse than in the baseline by more than the margin",
    "limit": "must keep its limit, by the bound of its interval",
    "share": "must not be lost in more samples than the policy allows",
    "speed": "must not be slower than the policy allows",
}
_HELP = (
    "Fails: the loss is proven and beyond what is allowed; look at the samples that changed, and do not merge. "
    "Not enough data: the samples at hand show neither a loss nor its absence; ask more samples, or widen the margin knowingly."
)


def to_sarif(result: GateResult, policy_file: str | None = None) -> str:
    """Findings of safety, bias, privacy and hallucination that fail or lack data. `policy_file`: the file they are attached to, as a
    path from the repository's root; by default the candidate's numbers."""
    findings = [
        one for one in worst_first(result.findings) if one.answer != "pass" and _area(result, one) in AREAS
    ]
    rules = {name: at for at, name in enumerate(dict.fromkeys(map(_rule_id, findings)))}
    first = {_rule_id(one): one for one in reversed(findings)}
    place = _uri(policy_file) if policy_file else _place(result)
    run = {
        "tool": {
            "driver": {
                "name": "lsm-eval",
                "version": lsm_eval.__version__,
                "rules": [_rule(first[name], _area(result, first[name])) for name in rules],
            }
        },
        "automationDetails": {"id": f"lsm-eval/{result.policy}/"},
        "invocations": [_invocation(result)],
        "results": [_result(result, one, rules[_rule_id(one)], place) for one in findings],
        "properties": {"answer": result.answer, "policySha256": result.policy_sha256},
    }  # fmt: skip
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _area(result: GateResult, finding: Finding) -> str | None:
    for record in (result.candidate, result.baseline):
        if record is not None and (task := record.tasks.get(finding.task)) is not None:
            return task.area
    return None


def _rule_id(finding: Finding) -> str:
    return visible(f"{finding.task}/{finding.metric}/{finding.kind}")


def _rule(finding: Finding, area: str | None) -> dict[str, Any]:
    text = f"{finding.metric} of {finding.task} {_RULES[finding.kind]}."
    return {
        "id": _rule_id(finding),
        "shortDescription": {"text": _message(text)},
        "fullDescription": {"text": _message(f"{finding.title}: {text}")},
        "help": {"text": _message(_HELP)},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["model", str(area)], "problem.severity": "error"},
    }


def _result(result: GateResult, finding: Finding, rule: int, place: str) -> dict[str, Any]:
    said = "; ".join(f"{name} {value}" for name, value in facts(finding))
    key = json_text([finding.kind, finding.task, finding.metric, result.policy])
    return {
        "ruleId": _rule_id(finding),
        "ruleIndex": rule,
        "level": _LEVELS[severity(result, finding) or "notice"],
        "message": {"text": _message(f"{finding.answer.capitalize()}: {finding.why} ({said})")},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": place}, "region": {"startLine": 1}}}],
        "partialFingerprints": {"finding/v1": hashlib.sha256(key.encode()).hexdigest()},
        "properties": {
            "answer": finding.answer,
            "kind": finding.kind,
            "value": finding.candidate,
            "baseline": finding.baseline,
            "loss": finding.loss,
            "interval": [finding.low, finding.high],
            "level": finding.level,
            "margin": finding.margin,
            "unit": finding.unit,
            "n": finding.n,
            "missing": finding.missing,
        },
    }


def _invocation(result: GateResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "executionSuccessful": result.answer != "not comparable",
        "exitCode": result.exit_code,
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": _message(reason)}}
            for reason in (result.reasons if result.answer == "not comparable" else ())
        ],
    }
    if (ended := created(result)) is not None:
        found["endTimeUtc"] = f"{ended}Z"
    return found


def _place(result: GateResult) -> str:
    """The file with the candidate's numbers, relative to the current folder."""
    file = result.candidate.folder / ESTIMATES
    path = Path(os.path.relpath(file)) if file.is_absolute() else file
    if path.is_absolute() or ".." in path.parts:
        path = Path(*file.parts[-3:])
    return _uri(path.as_posix())


def _uri(path: str) -> str:
    """A relative reference (RFC 3986), quoted so that a colon in the first part is not taken for a scheme."""
    quoted = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return quoted.removeprefix("./").lstrip("/")


def _message(text: str) -> str:
    """One line without SARIF links, `[text](address)`, and placeholders, `{0}` (sections 3.11.5 and 3.11.6)."""
    return visible(text, 2_000).replace("](", "] (").replace("{", "{{").replace("}", "}}")
