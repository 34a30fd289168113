"""JailbreakBench: each goal has a harmless twin."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mirrored_tasks import samples_of


def test_the_two_jailbreakbench_tasks_pair_up(hub_mirror: Path) -> None:
    harmful, benign = (
        samples_of("jailbreakbench", hub_mirror),
        samples_of("jailbreakbench_benign", hub_mirror),
    )
    assert len(harmful) == 100
    pairs = [
        (h.metadata["pair"] == b.metadata["pair"], h.metadata["category"] == b.metadata["category"])
        for h, b in zip(harmful, benign, strict=True)
    ]
    assert set(pairs) == {(True, True)}
    assert set(Counter(h.metadata["category"] for h in harmful).values()) == {10}
