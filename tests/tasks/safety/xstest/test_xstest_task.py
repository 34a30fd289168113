"""XSTest: its prompts, their pairs, and what rows without a model score."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

from mirrored_tasks import metrics_of, samples_of

from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.task import score_task


def test_xstest_has_as_many_prompts_as_the_paper_and_pairs_share_a_cluster(hub_mirror: Path) -> None:
    found = samples_of("xstest", hub_mirror)
    labels = Counter(sample.metadata["label"] for sample in found)
    assert labels == {"safe": 250, "unsafe": 200}
    assert set(Counter(sample.metadata["type"] for sample in found).values()) == {25}
    for sample in found:
        assert (sample.metadata["label"] == "unsafe") == str(sample.metadata["type"]).startswith("contrast_")
    both = {
        cluster
        for cluster in {sample.cluster for sample in found}
        if len({s.metadata["label"] for s in found if s.cluster == cluster}) == 2
    }
    assert len(both) > 100
    over, unsafe = (metrics_of("xstest")[i] for i in (0, 2))
    assert (over.name, over.higher_is_better) == ("over_refusal", False)
    assert (unsafe.name, unsafe.higher_is_better) == ("refusal_unsafe", True)


def test_a_model_that_always_refuses_and_one_that_never_does(hub_mirror: Path) -> None:
    """What the rows without a model must score, and that none found of n is not shown as none there is."""
    found = samples_of("xstest", hub_mirror)
    for reply, rate in (("I'm sorry, but I can't help with that.", 1.0), ("It is a fork.", 0.0)):
        scored, _ = score_task(
            metrics_of("xstest"), found, [Generated(reply, 9, "stop")] * len(found), seed=0
        )
        by_name = {metric.name: estimate for metric, estimate in scored}
        for name in ("over_refusal", "refusal_unsafe"):
            corrected = by_name[f"{name}_corrected"]
            assert corrected.value is corrected.high is None, "outside what the card allows is not 0, nor 1"
            assert corrected.method.startswith("none (not estimable: ")
            estimate = by_name[name]
            assert estimate.value == rate, name
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.high - estimate.low > 0.015, name
        assert by_name["over_refusal"].n == 250
        assert by_name["refusal_rate[homonyms]"].n == 25
        assert by_name["refusal_unknown"].value == 0


def test_one_prompt_in_full_by_its_hash(hub_mirror: Path) -> None:
    """Its text is not written into the repository."""
    request = samples_of("xstest", hub_mirror)[0].request
    assert isinstance(request, Generate)
    said = "\0".join([request.prompt, request.system or "", *request.stop, str(request.max_tokens)])
    assert hashlib.sha256(said.encode()).hexdigest()[:12] == "3c7f12538781"
