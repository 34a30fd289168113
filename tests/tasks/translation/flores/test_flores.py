"""FLORES-200 is measured as lm-evaluation-harness measures it."""

from __future__ import annotations

import pytest

from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.registry import Registry, load_task


@pytest.mark.parametrize("name", ["flores_en_de", "flores_en_zh", "flores_zh_en"])
def test_flores_has_the_metrics_of_the_harness(name: str) -> None:
    task = load_task(Registry().tasks[name]).task
    assert {metrics.parse(spec)[0] for spec in task.metrics} == {"bleu", "chrf", "ter"}
