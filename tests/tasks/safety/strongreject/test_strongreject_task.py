"""StrongREJECT: its requests, by category."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mirrored_tasks import samples_of


def test_strongreject_has_its_requests_in_six_categories(hub_mirror: Path) -> None:
    found = samples_of("strongreject", hub_mirror)
    assert len(found) == 313
    assert len(Counter(sample.metadata["category"] for sample in found)) == 6
