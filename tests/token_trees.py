"""Requests for token trees, and tiny models of many architectures that score them."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.tree import Piece

VOCABULARY = 23


@st.composite
def requests(draw: st.DrawFn) -> dict[int, list[TokenRow]]:
    """Requests whose contexts share prefixes, some of them long, with one or more continuations each."""
    stems = draw(
        st.lists(st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=70), min_size=1, max_size=4)
    )
    found: dict[int, list[TokenRow]] = {}
    for number in range(draw(st.integers(1, 10))):
        stem = draw(st.sampled_from(stems))
        stem = stem[: draw(st.integers(1, len(stem)))]
        context = stem + draw(st.lists(st.integers(0, 2), max_size=40))
        tails = draw(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5), min_size=1, max_size=4))
        found[number] = [TokenRow((*context, *tail), len(tail)) for tail in tails]
    return found


def content(piece: Piece) -> tuple[object, ...]:
    """Everything in a piece but what stays in the cache after it, which depends on the next one."""
    arrays = (piece.tokens, piece.depths, piece.last, piece.at, piece.rows, piece.targets)
    return (piece.path, *(array.tolist() for array in arrays))


@cache
def tree_model(kind: str) -> Any:
    """A model with random weights, by the name of its architecture."""
    import torch
    import transformers

    torch.manual_seed(0)
    wide: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "initializer_range": 0.3,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": 0,
    }
    ends: dict[str, Any] = {
        name: wide[name] for name in ("bos_token_id", "eos_token_id", "vocab_size", "initializer_range")
    }
    made: Any
    if kind == "llama":
        made = transformers.LlamaForCausalLM(transformers.LlamaConfig(**wide))
    elif kind == "qwen2":
        made = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**wide))
    elif kind == "gemma2":  # soft-capped logits, and a window longer than any sequence here
        made = transformers.Gemma2ForCausalLM(
            transformers.Gemma2Config(
                **wide,
                head_dim=8,
                final_logit_softcapping=2.0,
                attn_logit_softcapping=5.0,
                sliding_window=256,
            )
        )
    elif kind == "mixtral":
        made = transformers.MixtralForCausalLM(
            transformers.MixtralConfig(
                **wide, num_local_experts=4, num_experts_per_tok=2, sliding_window=None
            )
        )
    elif kind == "gemma3":  # windows in some layers, none in others, and two rotary bases
        made = transformers.Gemma3ForCausalLM(
            transformers.Gemma3TextConfig(
                **wide,
                head_dim=8,
                query_pre_attn_scalar=8,
                sliding_window=12,
                layer_types=["sliding_attention", "full_attention"],
            )
        )
    elif kind == "mistral":
        made = transformers.MistralForCausalLM(
            transformers.MistralConfig(**wide, head_dim=8, sliding_window=12)
        )
    elif kind == "gpt2":
        made = transformers.GPT2LMHeadModel(
            transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=512, **ends)
        )
    elif kind == "mamba":
        made = transformers.MambaForCausalLM(
            transformers.MambaConfig(
                hidden_size=32, num_hidden_layers=2, state_size=8, pad_token_id=0, **ends
            )
        )
    else:
        raise ValueError(kind)
    return made.eval()
