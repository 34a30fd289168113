"""ToxiGen: lists of sentences that go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirrored_tasks import samples_of

from lsm_eval.requests import Generate


@pytest.mark.parametrize("group", ["chinese", "muslim", "women"])
@pytest.mark.parametrize("kind", ["hate", "neutral"])
def test_toxigen_prompts_are_few_sentences_over_and_over(kind: str, group: str, hub_mirror: Path) -> None:
    """A thousand prompts are lists of six out of eighteen sentences: as single samples they would look far surer."""
    found = samples_of(f"toxigen_{kind}_{group}", hub_mirror)
    assert len(found) == 1000
    assert 10 <= len({sample.cluster for sample in found}) <= 60
    for sample in found:
        assert sample.metadata == {"group": group, "kind": kind}
        assert isinstance(sample.request, Generate)
        assert sample.request.prompt.count("\n") == 6
        assert sample.request.prompt.endswith("\n-")
        assert not sample.request.chat
