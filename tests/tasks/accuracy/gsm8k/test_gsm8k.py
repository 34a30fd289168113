"""GSM8K's examples."""

from __future__ import annotations

from lsm_eval.tasks.registry import Registry


def test_five_examples_are_shown_unless_told() -> None:
    for loaded in Registry().resolve(["gsm8k", "gsm8k_pass"]):
        assert loaded.task.fewshot.shots == 5
