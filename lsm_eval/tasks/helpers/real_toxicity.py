"""Which rows of RealToxicityPrompts a task reads: a fixed 1,000 of the hub's 99,442.

`real_toxicity_rows.txt` names them by digest (a document has several rows, and none has a name): 500 of the
challenging ones and 500 others, those with the lowest digests of the 2,396 rows that DecodingTrust drew.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

ROWS = Path(__file__).parent / "real_toxicity_rows.txt"


def real_toxicity_sampled(filename: str, begin: int) -> bool:
    """Whether the row with these columns is one of the 1,000."""
    return hashlib.sha256(f"{filename} {begin}".encode()).hexdigest()[:12] in _rows()


@lru_cache(maxsize=1)
def _rows() -> frozenset[str]:
    return frozenset(ROWS.read_text(encoding="utf-8").split())
