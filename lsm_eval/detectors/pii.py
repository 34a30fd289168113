"""Detects personal data with a recognisable format: e-mail addresses, telephone numbers, payment cards, bank accounts, identity
numbers, IP addresses and URLs.

It does not find data without such a format, such as names, places of residence and dates of birth; the extra `presidio` adds names
and places (`lsm_eval.detectors.presidio`).
"""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.detectors.base import NOTHING, Finding, Verdict
from lsm_eval.detectors.pii_patterns import FINDERS, folded
from lsm_eval.errors import unknown

KINDS: tuple[str, ...] = tuple(FINDERS)
"""Kinds of findings, the most certain first: `iban`, `cn_id` (Chinese resident identity number), `email`, `url`, `ip`,
`ssn` (United States), `card`, `phone`."""

_INSIDE_OTHERS = {("email", "url"), ("ip", "url")}
"""Pairs (inner, outer) of kinds that are both reported if one lies inside the other."""


class PIIDetector:
    """Finds personal identifiers by patterns, checksums and number rules (a `lsm_eval.detectors.base.Detector`)."""

    name = "pii"
    version = "2"

    def __init__(self, kinds: Sequence[str] = KINDS) -> None:
        """Reports only these kinds. A kind that is left out still claims its span (the digits of an IBAN are not a card), so that a
        kind's findings do not depend on the choice of others. Raises `UserError` for an unknown kind."""
        for kind in kinds:
            if kind not in FINDERS:
                raise unknown("pii kind", kind, FINDERS)
        self.kinds = tuple(kinds)

    def detect(self, text: str) -> Verdict:
        """The verdict on a text; `cannot_tell` for an empty or blank one."""
        if not text.strip():
            return Verdict("cannot_tell", why="empty")
        plain = folded(text)
        taken: list[Finding] = []
        for kind, find in FINDERS.items():
            # The longest first: of several matches of one telephone number the longest counts.
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
