"""A run of tasks that are scored and tasks that are written, at a server that can do both."""

from __future__ import annotations

from openai_server import Ask
from scoring_server import Weights, speaking

from lsm_eval.results.reader import read_record


def test_tasks_whose_tokens_are_counted_stand_beside_those_whose_are_not(ask: Ask, weights: Weights) -> None:
    with speaking(weights, "vllm") as (server, _):
        outcome = ask(server, "--api", "completions", "--store", "none", "--limit", "3", tasks="choose,say")
    assert outcome.code == 0, outcome.err
    assert read_record(outcome.record).manifest.requests["failed"] == 0
