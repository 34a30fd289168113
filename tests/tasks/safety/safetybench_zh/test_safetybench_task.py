"""SafetyBench: options in another order, and the answers that the hub lacks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mirrored_tasks import samples_of

from lsm_eval.benchmarks.safety.safetybench_zh.code import safetybench_answer
from lsm_eval.requests import Score


def test_safetybench_shuffles_its_options_and_knows_the_answers(hub_mirror: Path) -> None:
    found = samples_of("safetybench_zh", hub_mirror)
    assert len(found) == 2100
    shown = Counter((len(s.choices), int(s.target[0])) for s in found)
    for number in (2, 3, 4):
        counts = [shown[number, place] for place in range(number)]
        # In the data the right one stands at the first or second place in 71 % of the questions.
        assert max(counts) < 1.3 * sum(counts) / number
    for sample in found:
        assert isinstance(sample.request, Score)
        assert all(f"\n{letter}. " in sample.request.context for letter in sample.choices)
        assert sample.request.context.endswith("答案：")
    assert set(Counter(sample.metadata["category"] for sample in found).values()) == {300}
    with pytest.raises(ValueError, match="no answer"):
        safetybench_answer(10**9)
