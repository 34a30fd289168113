"""16-bit numbers on processors without instructions for them: widened, multiplied, rounded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lsm_eval.inference import fast_linear
from lsm_eval.inference.fast_linear import fast_linears, usable, widened
from lsm_eval.inference.generating import attention_parts, generation
from lsm_eval.inference.generating.packed import PackedLinears
from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring import tree_attention
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.tree_scorer import TreeScorer

pytestmark = pytest.mark.skipif(not usable(torch.float32, "cpu"), reason="this PyTorch has no oneDNN")


@pytest.fixture(autouse=True)
def no_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor that lacks them, whatever this one has."""
    monkeypatch.setattr(fast_linear, "_instructions", lambda dtype: False)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 7, 8, 70])
def test_sums_are_rounded_once(
    dtype: torch.dtype, bias: bool, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_linear, "_SLICE", 1000)
    assert widened(dtype, "cpu")
    draw = torch.Generator().manual_seed(rows)
    layer = torch.nn.Linear(48, 101, bias=bias).to(dtype)
    hidden = torch.randn(2, rows, 48, generator=draw).to(dtype)
    with torch.inference_mode(), fast_linears(layer):
        found = layer(hidden)
        assert "forward" in vars(layer)
        assert found.dtype == dtype
    exact = hidden.double() @ layer.weight.double().T
    if bias:
        exact = exact + layer.bias.double()
    # Half of the last place, and what float32 leaves where the terms cancel.
    close = torch.finfo(dtype).eps / 2 * exact.abs() + 1e-5
    assert bool(((found.double() - exact).abs() <= close).all())
    assert "forward" not in vars(layer)


def test_a_processor_with_instructions_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_linear, "_instructions", lambda dtype: True)
    assert not widened(torch.bfloat16, "cpu")
    assert not widened(torch.float32, "cpu")
    assert not widened(torch.bfloat16, "cuda")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bias", [False, True])
def test_packed_layers_round_once(dtype: torch.dtype, bias: bool) -> None:
    layer = torch.nn.Linear(48, 30, bias=bias).to(dtype)
    hidden = torch.randn(3, 5, 48, generator=torch.Generator().manual_seed(0)).to(dtype)
    packed = PackedLinears(layer, 1 << 30)
    assert packed.bytes == 4 * 48 * 30
    with torch.inference_mode(), packed.active():
        found = layer(hidden)
    exact = torch.nn.functional.linear(
        hidden.double(), layer.weight.double(), layer.bias.double() if bias else None
    )
    assert found.dtype == dtype
    close = torch.finfo(dtype).eps / 2 * exact.abs() + 1e-5
    assert bool(((found.double() - exact).abs() <= close).all())


def test_attention_of_slots_is_computed_in_float32() -> None:
    draw = torch.Generator().manual_seed(0)
    query, keys, values = (torch.randn(2, n, 16, generator=draw).bfloat16() for n in (20, 50, 50))
    weighted, _, sums = attention_parts.attend(query, keys, values, None, None)
    exact = (query.double() @ keys.double().transpose(1, 2)).softmax(-1) @ values.double()
    torch.testing.assert_close((weighted / sums).double(), exact, atol=1e-5, rtol=1e-5)


def _llama() -> Any:
    import transformers

    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, initializer_range=0.2,
        )
    ).eval()  # fmt: skip


def test_a_loop_that_differs_as_rounding_does_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _llama().to(torch.bfloat16)
    # No tolerance at all, so that what rounding does in the plain model is all there is to go by.
    monkeypatch.setattr(Runtime, "tolerance", 0.0)
    runtime = Runtime("tiny", "cpu", "bfloat16", "auto", pad=0, ends=(), decode=str)
    continuer = generation.PromptContinuer(model, model.config, runtime, MemoryGuard("cpu"), Ledger())
    prompts = {q: Prompt((*range(30), q, q, 3), (), 4) for q in range(4)}
    apart = generation._apart
    seen: list[float] = []

    def noted(*given: Any) -> float:
        seen.append(apart(*given))
        return seen[-1]

    monkeypatch.setattr(generation, "_apart", noted)
    assert {number for batch in continuer.continuations(prompts, ()) for number in batch} == set(prompts)
    assert max(seen) > 0
    assert continuer.details["generation"] == "continuous"
    checks = len(seen)
    list(continuer.continuations(prompts, ()))
    assert len(seen) == checks, "what agreed is not checked again"
    monkeypatch.setattr(generation, "_apart", lambda *given: 0.5 + apart(*given))
    continuer = generation.PromptContinuer(model, model.config, runtime, MemoryGuard("cpu"), Ledger())
    list(continuer.continuations(prompts, ()))
    assert continuer.details["generation"].startswith("plain, because log-probabilities differ by 0.")


@pytest.mark.parametrize("long", [16, 10**6])
def test_scores_in_bfloat16_are_those_of_the_layers_as_they_were(
    long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_attention, "LONG", long)
    model = _llama()
    rows = {q: [TokenRow((*range(40), *range(q, 40), c, c), 2) for c in range(3)] for q in range(12)}

    def scores() -> torch.Tensor:
        scorer = TreeScorer(model, device="cpu")
        found = {i: s for batch in scorer.scores(rows, 256, ()) for i, s in batch.items()}
        return torch.tensor([[s.logprob for s in found[i]] for i in rows])

    exact = scores()
    model.to(torch.bfloat16)
    wide = scores()
    monkeypatch.setattr(fast_linear, "_instructions", lambda dtype: True)
    narrow = scores()
    assert not torch.equal(wide, narrow), "another order of rounding"
    assert (wide - exact).abs().mean() < 1.2 * (narrow - exact).abs().mean()
    assert (wide - exact).abs().max() < 0.1
