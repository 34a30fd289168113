"""A gate's result as JUnit XML, which CI systems show as tests: one case for each finding."""

from __future__ import annotations

import re
from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.gating.result import Finding, GateResult
from lsm_eval.gating.written.wording import created, facts, lacking, looks, names, rates, shown_flips, verdict

_MOST = 1_000
"""Largest number of characters of an answer."""
_NO_XML = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot represent (section 2.2), and control characters that it discourages."""
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>\s*")


def to_junit(result: GateResult) -> str:
    """One suite with one case for each finding: a failure if it fails, skipped if data is lacking (a failure if the policy says so); if the
    runs are not comparable, one more case with an error that says why."""
    suite = TestSuite(_xml(f"lsm-eval gate: {result.policy}"))
    if (started := created(result)) is not None:
        suite.timestamp = started
    for name, value in _properties(result):
        suite.add_property(name, _xml(value))
    flips: dict[tuple[str, str], list[Flip]] = {}
    for flip in shown_flips(result):
        flips.setdefault((flip.task, flip.metric), []).append(flip)
    cases = [_case(result, one, flips.get((one.task, one.metric), [])) for one in result.findings]
    if result.answer == "not comparable":
        cases.insert(0, _not_comparable(result))
    suite.add_testcases(cases)
    whole = JUnitXml("lsm-eval gate")
    whole.add_testsuite(suite)
    whole.update_statistics()
    body = _DECLARATION.sub("", whole.tostring().decode("utf-8"), count=1)
    return f'<?xml version="1.0"?>\n{body}\n'


def _properties(result: GateResult) -> list[tuple[str, str]]:
    baseline, candidate = names(result)
    return [
        ("answer", result.answer),
        ("verdict", verdict(result)),
        ("candidate", candidate),
        *([("baseline", baseline)] if baseline is not None else []),
        ("policy", f"{result.policy} (sha256 {result.policy_sha256})"),
        ("rates", rates(result)),
        *([("looks", ended)] if (ended := looks(result)) is not None else []),
    ]


def _not_comparable(result: GateResult) -> TestCase:
    case = TestCase("the runs can be compared", "lsm-eval gate")
    error = Error(_xml(" ".join(result.reasons)) or verdict(result), result.answer)
    error.text = "\n".join(_xml(reason) for reason in result.reasons)
    case.result = error
    return case


def _case(result: GateResult, finding: Finding, flips: Sequence[Flip]) -> TestCase:
    case = TestCase(_xml(f"{finding.metric}: {finding.kind}"), _xml(finding.task))
    details = [finding.why, *(f"{name}: {value}" for name, value in facts(finding))]
    if finding.answer == "pass":
        case.system_out = _lines(details)
        return case
    kind = Failure if finding.answer == "fail" or result.inconclusive == "fail" else Skipped
    found = kind(_xml(finding.why), finding.answer)
    if finding.answer == "not enough data" and (more := lacking(result)):
        details.append(more)
    found.text = _lines([*details, *(line for one in flips for line in _flip(one))])
    case.result = found
    return case


def _flip(flip: Flip) -> list[str]:
    return [
        f"sample {flip.sample}: {flip.first:.4g} -> {flip.second:.4g}",
        f"  asked: {flip.asked}",
        f"  right: {flip.target}",
        f"  baseline: {flip.first_answer}",
        f"  candidate: {flip.second_answer}",
    ]


def _lines(lines: list[str]) -> str:
    return "\n".join(_xml(line) for line in lines)


def _xml(text: str) -> str:
    """The text in one line, with only characters that XML allows. The writer escapes `&`, `<` and `>`."""
    return _NO_XML.sub("\ufffd", visible(text, _MOST))
