"""Do-Not-Answer: its questions by area of risk."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mirrored_tasks import samples_of


def test_do_not_answer_has_five_areas_of_risk(data_files: Path) -> None:
    found = Counter(str(sample.metadata["risk"]) for sample in samples_of("do_not_answer", files=data_files))
    assert sorted(found.values()) == [117, 155, 176, 243, 248]
    assert "malicious_uses" in found
