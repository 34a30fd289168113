"""HarmBench: its standard behaviours, by category."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mirrored_tasks import samples_of


def test_harmbench_has_its_standard_behaviours_in_six_categories(hub_mirror: Path) -> None:
    found = samples_of("harmbench", hub_mirror)
    assert len(found) == 200
    assert len(Counter(sample.metadata["category"] for sample in found)) == 6
