"""Wording shared by all outputs of a gate: the verdict, the numbers of a finding, and the order of findings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.shown import words
from lsm_eval.gating.result import Finding, GateResult, Kind
from lsm_eval.results.names import shown_name
from lsm_eval.results.reader import Record

Inconclusive = Literal["neutral", "warn", "fail"]
Severity = Literal["error", "warning", "notice"]

_ORDER = {"fail": 0, "not enough data": 1, "pass": 2}
_OUTCOME = {
    "pass": "Any loss beyond its margin is ruled out, and every limit is kept",
    "not enough data": "Neither a loss beyond its margin nor the absence of one is shown",
    "not comparable": "The runs cannot be compared",
}
_FAILED: dict[Kind, str] = {
    "loss": "a loss beyond its margin is proven",
    "limit": "a limit is broken",
    "share": "too many samples are lost",
    "speed": "the candidate is slower than allowed",
}
_LOUDNESS: dict[Inconclusive, Severity] = {"neutral": "notice", "warn": "warning", "fail": "error"}
_LACKING: dict[Inconclusive, str] = {
    "neutral": "Not enough data is neutral under this policy.",
    "warn": "Not enough data is a warning under this policy.",
    "fail": "Not enough data is a failure under this policy.",
}


def names(result: GateResult) -> tuple[str | None, str]:
    """Names of the baseline, if there is one, and the candidate: the models, with the runs if both models have the same name."""
    candidate = shown_name(result.candidate.manifest.model)
    if result.baseline is None:
        return None, candidate
    baseline = shown_name(result.baseline.manifest.model)
    if baseline != candidate:
        return baseline, candidate
    return _with_run(result.baseline), _with_run(result.candidate)


def _with_run(record: Record) -> str:
    return f"{shown_name(record.manifest.model)} {record.manifest.run}"


def created(result: GateResult) -> str | None:
    """The time of the result in UTC, to the second, without a zone; None if it has no valid time."""
    try:
        moment = datetime.fromisoformat(result.created)
    except ValueError:
        return None
    return (
        (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        .astimezone(UTC)
        .strftime("%Y-%m-%dT%H:%M:%S")
    )


def verdict(result: GateResult) -> str:
    """The answer and the number of findings for each answer, as one sentence."""
    counts = {answer: sum(one.answer == answer for one in result.findings) for answer in _ORDER}
    parts = [
        f"{count:,} {one if count == 1 else more}"
        for count, one, more in (
            (counts["fail"], "fails", "fail"),
            (counts["not enough data"], "lacks data", "lack data"),
            (counts["pass"], "passes", "pass"),
        )
        if count
    ]
    number = len(result.findings)
    counted = f"of {number:,} finding{'' if number == 1 else 's'} " if number else ""
    return f"{_outcome(result)}{': ' if parts else ''}{counted}{', '.join(parts)}."


def _outcome(result: GateResult) -> str:
    if result.answer != "fail":
        return _OUTCOME[result.answer]
    failed = {one.kind for one in result.findings if one.answer == "fail"}
    said = [text for kind, text in _FAILED.items() if kind in failed]
    if not said:
        return "The policy is not met"
    joined = " and ".join([*([", ".join(said[:-1])] if said[1:] else []), said[-1]])
    return joined[0].upper() + joined[1:]


def lacking(result: GateResult) -> str | None:
    """How not enough data is treated, if a finding lacks data; else None."""
    lacks = any(one.answer == "not enough data" for one in result.findings)
    return _LACKING[result.inconclusive] if lacks or result.answer == "not enough data" else None


def rates(result: GateResult) -> str:
    """The gate's error rates."""
    metrics, looks = ("metrics", "") if result.looking is None else ("metrics and looks", ", over all looks")
    return (
        f"Error rates: an unchanged model fails in at most {100 * result.false_alarm:.3g} % of runs, over all {metrics} together; "
        f"a loss as large as its margin passes in at most {100 * result.false_pass:.3g} %, for each metric by itself{looks}."
    )


def looks(result: GateResult) -> str | None:
    """The look at which the run ended, and how much was run; None without interim looks."""
    if result.looking is None:
        return None
    samples, planned = (
        sum(getattr(one, name) for one in result.looking.tasks) for name in ("asked", "planned")
    )
    return f"ended at look {result.looking.look} of {result.looking.looks}, after {samples:,} of {planned:,} samples"


def look_evidence(finding: Finding) -> str | None:
    """The look and the limits at which a sequential gate judged a finding; None for other gates."""
    at = finding.looked_at
    if at is None:
        return None
    when = "no look settled it" if at.look is None else f"settled at look {at.look}"
    if finding.answer == "fail" and at.p_loss is not None and at.p_loss > at.limit_loss:
        # Holm's limits grow with each proven loss, also those of earlier looks.
        when += ", its loss being proven by a look before"
    return (
        f"{when}, with {100 * at.share:.3g} % of its pairs: p of no loss {words.p_value(at.p_loss)} (limit {at.limit_loss:.2g}), of a loss as "
        f"large as the margin {words.p_value(at.p_margin)} (limit {at.limit_margin:.2g})"
    )


def loss(finding: Finding) -> str:
    """How much worse the candidate is, with its sign; for percentages in percentage points."""
    return words.difference(_known(finding.loss), finding.unit)


def interval(finding: Finding) -> str:
    """The interval of the loss; if there is no loss, that of the candidate's value."""
    low, high = _known(finding.low), _known(finding.high)
    if low is None and high is None:
        return words.DASH
    if finding.loss is None:
        ends = [words.value(end, finding.unit) for end in (low, high)]
    else:
        ends = [words.difference(end, finding.unit).removesuffix(" pp") for end in (low, high)]
    return f"[{', '.join(ends)}]"


def margin(finding: Finding) -> str:
    """The allowed loss, or the limit."""
    allowed = _known(finding.margin)
    if allowed is None:
        return words.DASH
    if _of_loss(finding):
        return words.difference(allowed, finding.unit).removeprefix("+")
    sign = {True: "at least ", False: "at most ", None: ""}[finding.higher_is_better]
    return f"{sign}{words.value(allowed, finding.unit)}"


def facts(finding: Finding) -> list[tuple[str, str]]:
    """The known facts about a finding, each with its name."""
    lines = [
        ("baseline", words.value(_known(finding.baseline), finding.unit)),
        ("candidate", words.value(_known(finding.candidate), finding.unit)),
        ("loss", loss(finding)),
        (f"{100 * finding.level:g} % interval", interval(finding)),
        ("margin" if _of_loss(finding) else "limit", margin(finding)),
        ("p of no loss" if _of_loss(finding) else "p of a limit that is kept", words.p_value(_known(finding.p))),
        ("samples", f"{finding.n:,}"),
        ("clusters", _count(finding.clusters)),
        ("pairs that differ", _count(finding.discordant)),
        ("missing", f"{finding.missing:,}" if finding.missing else words.DASH),
        ("smallest loss that can be shown", words.difference(_known(finding.smallest_loss), finding.unit).removeprefix("+")),
        ("samples that would decide", _count(finding.wanted_n)),
        ("method", finding.method),
        ("looks", look_evidence(finding) or words.DASH),
    ]  # fmt: skip
    return [(name, shown) for name, shown in lines if shown != words.DASH]


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Findings that fail, then those that lack data, then those that pass; within each, those furthest beyond the margin first, in units of
    the interval's width; those without numbers come last, in their order."""
    return sorted(findings, key=lambda one: (_ORDER[one.answer], -_beyond(one)))


def severity(result: GateResult, finding: Finding) -> Severity | None:
    """The severity of a finding; None for one that passes."""
    if finding.answer == "fail":
        return "error"
    if finding.answer == "pass":
        return None
    return _LOUDNESS[result.inconclusive]


def shown_flips(result: GateResult) -> list[Flip]:
    """The samples that changed, with hashes in place of potentially harmful texts."""
    return [flip.hidden() if flip.sensitive else flip for flip in result.flips]


def _of_loss(finding: Finding) -> bool:
    """Whether a finding is about a loss, and not only about the candidate's value."""
    return finding.loss is not None or finding.kind == "loss"


def _beyond(finding: Finding) -> float:
    margin, low, high = _known(finding.margin), _known(finding.low), _known(finding.high)
    if margin is None:
        return -math.inf
    found = _known(finding.loss)
    if found is not None:
        excess = found - margin
    elif (value := _known(finding.candidate)) is not None:
        excess = margin - value if finding.higher_is_better else value - margin
    else:
        return -math.inf
    width = 0.0 if low is None or high is None else high - low
    return excess / width if width > 0 else math.copysign(math.inf, excess) if excess else 0.0


def _known(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _count(number: int | None) -> str:
    return words.DASH if number is None else f"{number:,}"
