"""The race between ways of scoring takes the quicker one, and is run only where it pays."""

from __future__ import annotations

from typing import Any

from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.scoring.kernel_race import quickest, worth_a_race
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.plain_scorer import PlainScorer
from lsm_eval.inference.scoring.self_check import Scorer
from lsm_eval.inference.scoring.tree_scorer import TreeScorer


def test_the_quicker_way_wins() -> None:
    """On rows that share nearly all their tokens the tree is many times quicker than one sequence a row."""
    import torch
    import transformers

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 4}
    config = transformers.LlamaConfig(vocab_size=64, num_attention_heads=4, num_key_value_heads=4, **sizes)
    model = transformers.LlamaForCausalLM(config).eval()
    rows = {q: [TokenRow((*range(60), *range(60), q, c), 1) for c in range(4)] for q in range(60)}
    scorers: dict[str, Scorer] = {
        "plain": PlainScorer(model, MemoryGuard("cpu"), device="cpu", pad=0),
        "tree": TreeScorer(model, device="cpu"),
    }
    assert quickest(scorers, rows, 2000) == "tree"


def test_short_runs_are_not_raced() -> None:
    rows = {0: [TokenRow((1, 2, 3, 4), 1)]}
    assert not worth_a_race(rows, 512)
    assert worth_a_race({q: [TokenRow(tuple(range(1000)), 1)] for q in range(100)}, 512)
