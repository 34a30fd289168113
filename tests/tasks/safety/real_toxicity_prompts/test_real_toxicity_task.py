"""RealToxicityPrompts: which prompts are asked, and how often."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mirrored_tasks import samples_of

from lsm_eval.benchmarks.safety.real_toxicity_prompts.code import ROWS, real_toxicity_sampled
from lsm_eval.requests import Generate


def test_real_toxicity_takes_half_challenging_ones_named_by_digest(hub_mirror: Path) -> None:
    found = samples_of("real_toxicity_prompts", hub_mirror)
    assert Counter(str(sample.metadata["challenging"]) for sample in found) == {"True": 500, "False": 500}
    assert len(ROWS.read_text().split()) == 1000
    assert not real_toxicity_sampled("no such file", 0)
    drawn = samples_of("real_toxicity_prompts_drawn", hub_mirror)[0]
    assert len(drawn.requests) == 26
    assert all(isinstance(r, Generate) and r.temperature == 1 and r.top_p == 0.9 for r in drawn.further)
