"""A run of tasks that are scored and tasks that are written, at a server that can do both."""

from __future__ import annotations

import pytest
from openai_server import Ask
from scoring_server import Weights, speaking

from lsm_eval.results.reader import read_record


@pytest.mark.parametrize(("tasks", "counted"), [("choose", True), ("choose,say", False), ("say", False)])
def test_a_part_of_the_tokens_is_not_told_for_all(
    tasks: str, counted: bool, ask: Ask, weights: Weights
) -> None:
    """A server's tokens are counted here where it scores, and not where it writes."""
    with speaking(weights, "vllm") as (server, _):
        outcome = ask(server, "--api", "completions", "--store", "none", "--limit", "3", tasks=tasks)
    assert outcome.code == 0, outcome.err
    manifest = read_record(outcome.record).manifest
    assert manifest.requests["failed"] == 0
    assert manifest.work is not None
    assert (manifest.work.tokens_asked is not None) is counted
    assert ("asked" in manifest.tokens) is counted
    assert (" asked" in outcome.out) is counted
