"""CrowS-Pairs as it is read, rendered, and scored without a model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mirrored_tasks import row, samples_of

from lsm_eval.requests import Score


def test_crows_pairs_by_type(hub_mirror: Path) -> None:
    samples = samples_of("crows_pairs", hub_mirror)
    counts = Counter(sample.metadata["bias_type"] for sample in samples)
    # Table 1 of the paper.
    assert counts == {
        "race-color": 516, "socioeconomic": 172, "gender": 262, "disability": 60, "nationality": 159,
        "sexual-orientation": 84, "physical-appearance": 63, "religion": 105, "age": 87,
    }  # fmt: skip
    assert Counter(sample.metadata["direction"] for sample in samples) == {"stereo": 1290, "antistereo": 218}
    found = row("crows_pairs", "uniform", samples)
    assert {found[name].value for name in found if name.startswith("pct_stereotype")} == {0.5}
    assert row("crows_pairs", "first", samples)["pct_stereotype[age]"].value == 1.0


def test_crows_pairs_shared_words(hub_mirror: Path) -> None:
    samples = samples_of("crows_pairs_pll", hub_mirror)
    pairs = samples_of("crows_pairs", hub_mirror)
    assert [s.id for s in samples] == [s.id for s in pairs]
    assert all(sample.metadata["shared"]["shared"] for sample in samples)
    for sample in samples:
        asked = [request for request in sample.further if isinstance(request, Score)]
        assert len(asked) == len(sample.further) == len(sample.metadata["shared"]["signs"])
        # Each further request is one of the two sentences, cut in two.
        for request, (which, _) in zip(asked, sample.metadata["shared"]["signs"], strict=True):
            assert hash(request.context + request.continuations[0]) == hash(sample.choices[which])
