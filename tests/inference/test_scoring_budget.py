"""The memory model of a scoring pass: an upper bound that is not far off, and honoured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.budget import pass_bytes, scoring_budget
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.tree_scorer import TreeScorer

CPU = Runtime("model", "cpu", "float32", "auto", 0, (), lambda tokens: "")


def _config(**changes: Any) -> Any:
    from transformers import LlamaConfig

    sizes = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 4, "vocab_size": 2000}
    return LlamaConfig(**{**sizes, "num_attention_heads": 8, "num_key_value_heads": 4, **changes})


def test_the_budget_shrinks_with_memory_and_yields_to_the_user() -> None:
    config = _config()
    plenty = scoring_budget(config, CPU, 1000, free=2**34)
    assert plenty == scoring_budget(config, CPU, 1000, free=2**36), "more memory than is of use"
    fixed, each = pass_bytes(config, 4, 1000)
    tight = scoring_budget(config, CPU, 1000, free=int((fixed + 100 * each) / 0.6))
    assert 90 <= tight <= 100 < plenty
    assert scoring_budget(config, CPU, 1000, free=1) == 16
    assert scoring_budget(config, replace(CPU, batch_tokens=7), 1000, free=1) == 7
    assert scoring_budget(config, CPU, 1000) > 16, "this machine's own memory was asked for"


@pytest.mark.parametrize("tokens", [256, 1024])
def test_a_pass_takes_no_more_than_the_model_says(tokens: int) -> None:
    """Allocations of a real pass, as torch's profiler counts them."""
    import torch
    import transformers
    from torch.profiler import ProfilerActivity, profile

    torch.manual_seed(0)
    config = _config()
    model = transformers.LlamaForCausalLM(config).eval()
    rows = {q: [TokenRow((*range(100), q, *range(q, q + 60)), 4)] for q in range(2 * tokens // 61)}
    scorer = TreeScorer(model, device="cpu")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        for _ in scorer.scores(rows, tokens, ()):
            pass
    held = most = 0
    events: Any = profiler.profiler.kineto_results.events()
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    fixed, each = pass_bytes(config, 4, 161)
    assert most <= fixed + tokens * each
    assert most >= 0.1 * tokens * each, "and the model is of the right size"
