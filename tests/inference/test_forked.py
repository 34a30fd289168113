"""Scoring with forked state: recurrent and hybrid models get plain scoring's sums, most tokens once."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsm_eval.inference.families.decoder import DecoderNetwork
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.forked import ForkScorer
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow
from lsm_eval.inference.scoring.plain_scorer import PlainScorer

VOCABULARY = 23


@st.composite
def requests(draw: st.DrawFn) -> dict[int, list[TokenRow]]:
    """Requests whose contexts share prefixes, with one or more continuations each."""
    stem = draw(st.lists(st.integers(0, VOCABULARY - 1), min_size=30, max_size=60))
    found: dict[int, list[TokenRow]] = {}
    for number in range(draw(st.integers(1, 6))):
        context = stem[: draw(st.integers(1, len(stem)))] + draw(st.lists(st.integers(0, 2), max_size=20))
        tails = draw(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5), min_size=1, max_size=3))
        found[number] = [TokenRow((*context, *tail), len(tail)) for tail in tails]
    return found


@cache
def _model(kind: str) -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    small: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "initializer_range": 0.3,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": 0,
    }
    attending: dict[str, Any] = {
        "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8
    }  # fmt: skip
    made: Any
    if kind == "mamba":
        made = transformers.MambaForCausalLM(transformers.MambaConfig(state_size=8, **small))
    elif kind == "mamba2":
        made = transformers.Mamba2ForCausalLM(
            transformers.Mamba2Config(state_size=8, num_heads=4, head_dim=16, n_groups=1, expand=2, **small)
        )
    elif kind == "llama":
        made = transformers.LlamaForCausalLM(transformers.LlamaConfig(**small, **attending))
    elif kind == "qwen3_next":  # linear attention in one layer, full attention in the other, and experts
        made = transformers.Qwen3NextForCausalLM(
            transformers.Qwen3NextConfig(
                **small,
                **attending,
                linear_num_value_heads=4,
                linear_num_key_heads=2,
                linear_key_head_dim=8,
                linear_value_head_dim=8,
                num_experts=4,
                num_experts_per_tok=2,
                moe_intermediate_size=16,
                shared_expert_intermediate_size=16,
                layer_types=["linear_attention", "full_attention"],
            )
        )
    else:
        raise ValueError(kind)
    return made.eval()


def _scores(
    model: Any, rows: dict[int, list[TokenRow]], known: tuple[int, ...] = (), **options: Any
) -> tuple[dict[int, list[SequenceScore]], Ledger]:
    budget = options.pop("budget", 50)
    ledger = Ledger()
    scorer = ForkScorer(model, device="cpu", pad=0, ledger=ledger, **options)
    found: dict[int, list[SequenceScore]] = {}
    for batch in scorer.scores(rows, budget, known):
        assert not batch.keys() & found.keys()
        found.update(batch)
    return found, ledger


def _plain(model: Any, rows: dict[int, list[TokenRow]]) -> dict[int, list[SequenceScore]]:
    scorer = PlainScorer(model, MemoryGuard("cpu"), device="cpu", pad=0)
    return {i: scores for batch in scorer.scores(rows, 500, ()) for i, scores in batch.items()}


@pytest.mark.parametrize("kind", ["mamba", "mamba2", "qwen3_next", "llama"])
@given(rows=requests(), budget=st.integers(1, 200), data=st.data())
@settings(max_examples=8, deadline=None)
def test_forked_and_plain_scoring_agree(
    kind: str, rows: dict[int, list[TokenRow]], budget: int, data: st.DataObject
) -> None:
    model = _model(kind)
    stepwise = kind == "mamba"
    found, ledger = _scores(model, rows, budget=budget, stepwise=stepwise)
    wanted = _plain(model, rows)
    assert found.keys() == wanted.keys()
    for request, scores in wanted.items():
        for a, b in zip(found[request], scores, strict=True):
            assert a.logprob == pytest.approx(b.logprob, abs=1e-3)
    assert ledger.score.rows == ledger.rows_needed
    if not stepwise:
        assert ledger.score.tokens == ledger.unique_tokens, "every unique token once"
    known = tuple(sorted(data.draw(st.sets(st.sampled_from(sorted(rows))))))
    resumed, _ = _scores(model, rows, known, budget=budget, stepwise=stepwise)
    assert resumed == {i: scores for i, scores in found.items() if i not in known}, "to the last bit"


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        ("mamba", "forked state, one token a step, because in the tree"),
        ("mamba2", "forked state, because in the tree"),
        ("llama", "tree"),
    ],
)
def test_a_run_takes_the_first_way_that_agrees_and_says_why(kind: str, engine: str) -> None:
    model = _model(kind)
    runtime = Runtime("model", "cpu", "float32", "auto", 0, (), lambda tokens: "")
    network = DecoderNetwork(model, model.config, runtime)
    rows = {q: [TokenRow((*range(20), q, q + 1, c, 1), 2) for c in range(3)] for q in range(8)}
    found = {i: s for batch in network.score(rows, ()) for i, s in batch.items()}
    assert network.details["engine"].startswith(engine)
    for request, scores in _plain(model, rows).items():
        for a, b in zip(found[request], scores, strict=True):
            assert a.logprob == pytest.approx(b.logprob, abs=1e-3)
    assert network.ledger.score.tokens <= 1.5 * network.ledger.unique_tokens
