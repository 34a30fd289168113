"""16-bit linear layers on processors without instructions for them: widened, multiplied, rounded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lsm_eval.inference import fast_linear
from lsm_eval.inference.fast_linear import fast_linears, usable, widened
from lsm_eval.inference.scoring import tree_attention
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.tree_scorer import TreeScorer

pytestmark = pytest.mark.skipif(not usable(torch.float32, "cpu"), reason="this PyTorch has no oneDNN")


@pytest.fixture(autouse=True)
def no_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor that lacks them, whatever this one has."""
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported", lambda: False)


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
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    assert not widened(torch.bfloat16, "cpu")
    assert not widened(torch.float32, "cpu")
    assert not widened(torch.bfloat16, "cuda")


@pytest.mark.parametrize("long", [16, 10**6])
def test_scores_in_bfloat16_are_those_of_the_layers_as_they_were(
    long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    monkeypatch.setattr(tree_attention, "LONG", long)
    torch.manual_seed(0)
    model: Any = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, initializer_range=0.2,
        )
    ).eval()  # fmt: skip
    rows = {q: [TokenRow((*range(40), *range(q, 40), c, c), 2) for c in range(3)] for q in range(12)}

    def scores() -> torch.Tensor:
        scorer = TreeScorer(model, device="cpu")
        found = {i: s for batch in scorer.scores(rows, 256, ()) for i, s in batch.items()}
        return torch.tensor([[s.logprob for s in found[i]] for i in rows])

    exact = scores()
    model.to(torch.bfloat16)
    wide = scores()
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    narrow = scores()
    assert not torch.equal(wide, narrow), "another order of rounding"
    assert (wide - exact).abs().mean() < 1.2 * (narrow - exact).abs().mean()
    assert (wide - exact).abs().max() < 0.1
