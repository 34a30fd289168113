"""Operations counted from the architecture against those that torch counts while it computes."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_models import save_model

from lsm_eval.inference.flops import Architecture, read_architecture
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.scoring.plain import TokenRow, score_sequences

LENGTH = 24
COMMON: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
EXPERTS = {"num_local_experts": 8, "num_experts_per_tok": 2}


def make(kind: str, **changes: Any) -> Any:
    """A random model of an architecture of transformers, with attention that torch's counter can see."""
    import torch
    import transformers

    torch.manual_seed(0)
    name = "Gemma3Text" if kind == "Gemma3" else kind
    config = getattr(transformers, f"{name}Config")(**{**COMMON, **changes})
    head = getattr(transformers, f"{kind}For{'MaskedLM' if kind == 'Bert' else 'CausalLM'}", None)
    model = (head or getattr(transformers, f"{kind}LMHeadModel"))(config).eval()
    if hasattr(config, "num_attention_heads"):
        model.set_attn_implementation("eager")
    if hasattr(config, "num_experts_per_tok") and hasattr(model, "set_experts_implementation"):
        model.set_experts_implementation("eager")
    return model


def counted(model: Any) -> int:
    """What torch counts in one pass over `LENGTH` tokens, each of which attends to all."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(
            input_ids=torch.arange(LENGTH)[None],
            **({"use_cache": False} if hasattr(model, "generate") else {}),
        )
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("Llama", {}),
        ("Llama", {"head_dim": 16, "tie_word_embeddings": True}),
        ("Qwen2", {}),
        ("Gemma2", {"head_dim": 12}),
        ("Gemma3", {"head_dim": 12}),
        ("GPT2", {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64}),
        ("Mixtral", EXPERTS),
        (
            "Qwen3Moe",
            {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "head_dim": 8},
        ),
        ("Bert", {}),
    ],
)
def test_operations_are_those_that_torch_counts(kind: str, changes: dict[str, Any], one_thread: None) -> None:
    model = make(kind, **changes)
    architecture = read_architecture(model)
    assert architecture is not None
    ours = architecture.flops(LENGTH, COMMON["num_hidden_layers"] * LENGTH**2, LENGTH)
    # Torch also counts the angles of rotary positions (one product a kind of layer), and BERT's dense layer
    # before the head, which ours leaves out.
    slack = 2 * 2 * 16 * LENGTH + (2 * 32 * 32 * LENGTH if kind == "Bert" else 0)
    assert 0 <= counted(model) - ours <= slack


def test_a_mixture_of_experts_costs_those_that_a_token_is_sent_to() -> None:
    few, all_of_them = (
        read_architecture(make("Mixtral", num_local_experts=8, num_experts_per_tok=used)) for used in (1, 8)
    )
    assert few is not None
    assert all_of_them is not None
    one = 3 * 3 * 32 * 48  # layers, matrices, sizes
    assert all_of_them.token_weights - few.token_weights == 7 * one
    assert few.pass_bytes is None, "which experts a pass reads depends on its tokens"
    assert few.read_bytes(10, 100) is None


def test_recurrent_models_have_no_pairs_and_hybrids_fewer() -> None:
    mamba = read_architecture(make("Mamba", state_size=4))
    assert mamba is not None
    assert mamba.pair_flops == mamba.pair_bytes == 0
    full = read_architecture(make("Qwen2"))
    hybrid = make("Qwen2")
    hybrid.config.layer_types = ["full_attention", "linear_attention", "linear_attention"]
    third = read_architecture(hybrid)
    assert full is not None
    assert third is not None
    assert third.pair_flops == pytest.approx(full.pair_flops / 3)


def test_what_one_count_of_tokens_cannot_tell_is_unknown() -> None:
    import transformers

    sizes: dict[str, Any] = {
        "d_model": 16,
        "d_ff": 16,
        "num_layers": 1,
        "num_heads": 2,
        "d_kv": 8,
        "vocab_size": 32,
    }
    assert read_architecture(transformers.T5ForConditionalGeneration(transformers.T5Config(**sizes))) is None
    albert = transformers.AlbertConfig(
        vocab_size=32, embedding_size=8, hidden_size=16, num_attention_heads=2, intermediate_size=16
    )
    assert read_architecture(transformers.AlbertForMaskedLM(albert)) is None


def test_towers_for_pictures_do_not_count() -> None:
    import transformers

    text = transformers.Gemma3TextConfig(**{**COMMON, "head_dim": 8})
    seeing = transformers.Gemma3ForConditionalGeneration(
        transformers.Gemma3Config(
            text_config=text,
            vision_config={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
                           "num_attention_heads": 2, "image_size": 28, "patch_size": 14},
            mm_tokens_per_image=4,
        )
    )  # fmt: skip
    blind = read_architecture(transformers.Gemma3ForCausalLM(text))
    assert read_architecture(seeing) == blind


def test_decoding_reads_every_weight_once_a_pass_and_the_cache_once_a_pair() -> None:
    import torch

    for dtype, size in ((torch.float32, 4), (torch.bfloat16, 2)):
        model = make("Llama").to(dtype)
        architecture = read_architecture(model)
        assert architecture is not None
        matrices = sum(
            p.numel() for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name
        )
        assert architecture.pass_bytes == size * matrices
        assert architecture.pair_bytes == size * 2 * 2 * 8  # keys and values, two heads of eight
        assert architecture.read_bytes(5, 7) == 5 * size * matrices + 7 * size * 32


def test_counts_without_pairs_tell_no_operations() -> None:
    architecture = Architecture(100, 10, 16.0, 440, 64.0)
    ledger = Ledger()
    ledger.score.tokens = 5
    ledger.decode.tokens = ledger.decode.passes = 2
    ledger.decode.pairs = 6
    work = architecture.work(ledger.counts())
    assert "score_flops" not in work
    assert work["decode_flops"] == 2 * 100 * 2 + 16 * 6
    assert work["decode_bytes"] == 2 * 440 + 6 * 64
    assert work["prefill_flops"] == 0


def test_plain_scoring_counts_what_is_needed_and_not_the_padding(
    tmp_path_factory: pytest.TempPathFactory, one_thread: None
) -> None:
    import transformers

    folder = save_model(tmp_path_factory.mktemp("flops") / "llama")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    architecture = read_architecture(model)
    assert architecture is not None
    ledger = Ledger()
    rows = [TokenRow(tuple(range(1, 12)), 3), TokenRow(tuple(range(20, 25)), 1)]
    score_sequences(model, rows, device="cpu", pad=0, work=ledger.score)
    assert (ledger.score.tokens, ledger.score.padding, ledger.score.rows) == (14, 6, 4)
    pairs = 2 * (10 * 11 // 2 + 4 * 5 // 2)
    assert architecture.work(ledger.counts())["score_flops"] == architecture.flops(14, pairs, 4)
