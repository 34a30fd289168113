"""Personal data with a form of its own: e-mail, telephone, card, bank account, identity numbers, addresses of
machines and pages.

Names, places of living, dates of birth and all that has no form of its own are not found: the extra `presidio`
adds names and places (`lsm_eval.detectors.presidio`).
"""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.detectors.base import NOTHING, Finding, Verdict
from lsm_eval.detectors.pii_patterns import FINDERS, folded
from lsm_eval.errors import unknown

KINDS: tuple[str, ...] = tuple(FINDERS)
"""Kinds of findings, the surest first: `iban`, `cn_id` (Chinese resident identity number), `email`, `url`, `ip`,
`ssn` (United States), `card`, `phone`."""

_INSIDE_OTHERS = {("email", "url"), ("ip", "url")}
"""(inner, outer): kinds that give something away of their own although they stand inside another finding."""


class PIIDetector:
    """Finds personal identifiers by pattern, checksum and number rules (`lsm_eval.detectors.base.Detector`)."""

    name = "pii"
    version = "2"

    def __init__(self, kinds: Sequence[str] = KINDS) -> None:
        """Only these kinds; raises `UserError` for one that is not known. A kind left out still claims its span
        (the digits of an IBAN are no card), so that a kind's findings do not hang on which others are asked
        for."""
        for kind in kinds:
            if kind not in FINDERS:
                raise unknown("pii kind", kind, FINDERS)
        self.kinds = tuple(kinds)

    def detect(self, text: str) -> Verdict:
        """`cannot_tell` for a text without a character to read."""
        if not text.strip():
            return Verdict("cannot_tell", why="empty")
        plain = folded(text)
        taken: list[Finding] = []
        for kind, find in FINDERS.items():
            # The longest first: a number to dial is one number, whichever pattern sees more of it.
            for start, end in sorted(
                find(text if kind == "url" else plain), key=lambda span: (span[0] - span[1], span[0])
            ):
                clash = any(
                    start < other.end and other.start < end
                    for other in taken
                    if (kind, other.kind) not in _INSIDE_OTHERS and (other.kind, kind) not in _INSIDE_OTHERS
                )
                if not clash:
                    taken.append(Finding(kind, start, end))
        found = sorted(
            (finding for finding in taken if finding.kind in self.kinds), key=lambda f: (f.start, f.end)
        )
        return Verdict("finding", tuple(found)) if found else NOTHING
