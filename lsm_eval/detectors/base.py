"""The interface of detectors: a detector reads a text and returns findings, none, or *cannot tell*."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

from lsm_eval.reasoning.split import split

State = Literal["finding", "none", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a text."""

    kind: str
    """Kind of finding: `email`, `refusal`, `copied`, …"""
    start: int
    """Offset of the first character in the text."""
    end: int
    """Offset after the last character."""
    score: float | None = None
    """Strength from 0 to 1, if the detector has a score."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A detector's verdict on one text."""

    state: State
    findings: tuple[Finding, ...] = ()
    """Findings in the order of the text; empty unless the state is `finding`."""
    why: str = ""
    """For `cannot_tell`: the reason, in a few words (`empty`, `another language`, …)."""
    score: float | None = None
    """Score of the whole text from 0 to 1 (higher means stronger), if the detector scores texts."""


NOTHING = Verdict("none")
"""The verdict for a text without findings."""


def of_answer(detect: Callable[[str], Verdict], text: str) -> Verdict:
    """The verdict of `detect` on a text without a reasoning model's thoughts, with offsets in the whole text. If thoughts are in the middle
    of the answer, a finding spans the whole text."""
    answer = split(text).answer
    verdict = detect(answer)
    if answer == text or not verdict.findings:
        return verdict
    at = text.rfind(answer)
    moved = tuple(
        replace(one, start=one.start + at, end=one.end + at)
        if at >= 0
        else replace(one, start=0, end=len(text))
        for one in verdict.findings
    )
    return replace(verdict, findings=moved)


@runtime_checkable
class Detector(Protocol):
    """Finds one sort of thing in texts; deterministic: the same text always gets the same verdict."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Raised whenever a verdict would change; part of the signature of every metric that uses it."""
        ...

    def detect(self, text: str) -> Verdict: ...
