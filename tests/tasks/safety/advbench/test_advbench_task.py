"""AdvBench: all of its instructions, each with a name of its own."""

from __future__ import annotations

from pathlib import Path

from mirrored_tasks import samples_of


def test_advbench_has_all_its_instructions(hub_mirror: Path) -> None:
    found = samples_of("advbench", hub_mirror)
    assert len(found) == 520
    assert len({sample.metadata["key"] for sample in found}) == 520
