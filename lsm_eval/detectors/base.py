"""What a detector is: it reads a text and says what it found, that there is nothing, or that it cannot tell."""

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
    """What it is: `email`, `refusal`, `copied`, …"""
    start: int
    """Offset of its first character in the text."""
    end: int
    """Offset after its last character."""
    score: float | None = None
    """Strength, where the detector has a notion of one (0 to 1)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a detector says of one text."""

    state: State
    findings: tuple[Finding, ...] = ()
    """Not empty exactly where the state is `finding`; in the order of the text."""
    why: str = ""
    """For `cannot_tell`: the reason, in a few words (`empty`, `another language`, …)."""
    score: float | None = None
    """Strength of the whole verdict where the detector scores texts (0 to 1, higher is more of it)."""


NOTHING = Verdict("none")
"""There is nothing of the kind in the text."""


def of_answer(detect: Callable[[str], Verdict], text: str) -> Verdict:
    """What `detect` says of a text without a reasoning model's thoughts, its findings where they stand in the whole
    text (where thoughts stand in the midst of the answer: all of it)."""
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
    """Finds one sort of thing in texts; the same verdict for the same text, always and everywhere."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Raised whenever a verdict would change; part of every signature that rests on it."""
        ...

    def detect(self, text: str) -> Verdict: ...
