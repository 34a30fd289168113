"""Floating-point operations and bytes for what a ledger counted, from a model's architecture.

Only operations that an efficient program needs are counted, so that dividing by a machine's speed gives the utilisation
(MFU): the products with the weights and those of attention, for real tokens and for pairs that attend to each other. Not
counted are norms, activations, rotations, softmax and biases (under one per cent together in models of any size), a
recurrent layer's scan, and whatever was computed for padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ATTENDING = ("full_attention", "sliding_attention", "chunked_attention", "attention")


@dataclass(frozen=True, slots=True)
class Architecture:
    """What a forward pass through a model costs. A multiplication and an addition are two operations.

    Sources: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 2.1 and table 1 (two
    operations per weight and token, without the embedding); Chowdhery et al. 2022, "PaLM", appendix B (attention:
    12 * layers * heads * head dimension * length per token for forward and backward pass together, of which a
    third, 4 * heads * head dimension per pair and layer, is the forward pass).
    """

    token_weights: int
    """Weights that a token is multiplied with before the output head; of experts, only those it is sent to."""
    head_weights: int
    """Weights of the output head, vocabulary times width, which each row of logits takes."""
    pair_flops: float
    """Operations for one token that attends to one other in one layer."""
    pass_bytes: int | None
    """Bytes of weights that one pass reads; None for a mixture of experts, where it depends on the tokens."""
    pair_bytes: float
    """Bytes of keys and values of one token in one layer."""

    def flops(self, tokens: float, pairs: float, rows: float) -> float:
        """Operations of a forward pass: `pairs` are summed over layers, `rows` are rows of logits."""
        return 2 * (self.token_weights * tokens + self.head_weights * rows) + self.pair_flops * pairs

    def read_bytes(self, passes: float, pairs: float) -> float | None:
        """Bytes that passes with one token per sequence must read: every weight once per pass, and every key and value that
        is attended to once per sequence. None if unknown (see `pass_bytes`)."""
        return None if self.pass_bytes is None else self.pass_bytes * passes + self.pair_bytes * pairs

    def work(self, counts: Mapping[str, float]) -> dict[str, float]:
        """`score_flops`, `prefill_flops`, `decode_flops` and `decode_bytes` of a ledger's counts
        (`inference.ledger.Ledger.counts`); unknown ones are left out."""
        found: dict[str, float] = {}
        for purpose in ("score", "prefill", "decode"):
            tokens, pairs, rows = (counts[f"{purpose}_{what}"] for what in ("tokens", "pairs", "rows"))
            if self.pair_flops and tokens and not pairs:
                continue  # every token attends at least to itself, so pairs were not counted
            found[f"{purpose}_flops"] = self.flops(tokens, pairs, rows)
        if "decode_flops" in found:
            read = self.read_bytes(counts["decode_passes"], counts["decode_pairs"])
            if read is not None:
                found["decode_bytes"] = read
        return found


def read_architecture(model: Any) -> Architecture | None:
    """The architecture of a loaded transformers model with an output head.

    None if the operations do not follow from one count of tokens: for encoder-decoders (each half has its own tokens),
    weights shared by several layers, layers of different sizes, and experts if it is unknown how many a token is sent to.
    """
    config = model.config.get_text_config()
    head = model.get_output_embeddings()
    if head is None or getattr(model.config, "is_encoder_decoder", False):
        return None
    if hasattr(config, "num_hidden_groups") or getattr(config, "is_heterogeneous", False):
        return None
    weights, size, experts = 0.0, 0, False
    for name, parameter, count in _products(_body(model), head, _expert_number(config)):
        if _of_experts(name, parameter, _expert_number(config)):
            share = _expert_share(config)
            if share is None:
                return None
            weights, experts = weights + share * count, True
        else:
            weights += count
        size += parameter.numel() * parameter.element_size()
    query, value, heads = _head_sizes(config)
    own = getattr(config, "num_key_value_heads", None) or heads
    attending = _attending_share(config)
    return Architecture(
        token_weights=round(weights),
        head_weights=head.weight.numel(),
        pair_flops=2.0 * heads * (query + value) * attending,
        pass_bytes=None if experts else size + head.weight.numel() * head.weight.element_size(),
        pair_bytes=float(own * (query + value) * model.dtype.itemsize) * attending,
    )


def _body(model: Any) -> Any:
    """The part that every token passes: without output head, and without towers for images or audio."""
    body = model.get_decoder() if hasattr(model, "get_decoder") else model.base_model
    return model.base_model if body is model else body


def _products(body: Any, head: Any, experts: int | None) -> list[tuple[str, Any, int]]:
    """Name, parameter and number of weights of everything a token is multiplied with."""
    import torch

    found = []
    for name, module in body.named_modules():
        if module is head or isinstance(module, torch.nn.Embedding):
            continue
        for own, parameter in module.named_parameters(recurse=False):
            full = f"{name}.{own}"
            if own == "weight" and isinstance(module, torch.nn.Linear):
                # Not the parameter's own size: quantised ones are packed.
                found.append((full, parameter, module.in_features * module.out_features))
            elif (own == "weight" and type(module).__name__ == "Conv1D") or (
                # Experts in one block, and the router that chooses among them.
                experts is not None and parameter.dim() in (2, 3) and parameter.shape[0] == experts
                and (parameter.dim() == 3 or own == "weight")
            ):  # fmt: skip
                found.append((full, parameter, parameter.numel()))
    return found


def _of_experts(name: str, parameter: Any, experts: int | None) -> bool:
    if experts is None:
        return False
    return parameter.dim() == 3 or "experts" in name.split(".")


def _expert_number(config: Any) -> int | None:
    for name in ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"):
        if isinstance(number := getattr(config, name, None), int) and number > 0:
            return number
    return None


def _expert_share(config: Any) -> float | None:
    number = _expert_number(config)
    for name in ("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_k", "top_k_experts"):
        if number and isinstance(used := getattr(config, name, None), int) and used > 0:
            return used / number
    return None


def _head_sizes(config: Any) -> tuple[int, int, int]:
    """Sizes of a head's queries and of its values, and the number of heads; zeros without attention."""
    heads = getattr(config, "num_attention_heads", None)
    if not isinstance(heads, int) or not heads:
        return 0, 0, 0
    plain = getattr(config, "head_dim", None) or config.hidden_size // heads
    # Latent attention: queries and values differ in size.
    latent = getattr(config, "qk_nope_head_dim", None)
    query = latent + config.qk_rope_head_dim if latent else plain
    return query, getattr(config, "v_head_dim", None) or plain, heads


def _attending_share(config: Any) -> float:
    """Share of the layers with attention, as pairs are counted as if all had it."""
    kinds = getattr(config, "layer_types", None) or ()
    return sum(kind in _ATTENDING for kind in kinds) / len(kinds) if kinds else 1.0
