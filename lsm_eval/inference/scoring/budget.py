"""How many tokens a scoring pass may have: a model of the memory that it takes."""

from __future__ import annotations

from typing import Any

from lsm_eval.inference.memory import bytes_per_token, free_memory
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.head import CHUNK_BYTES

_CPU_TOKENS, _ACCELERATOR_TOKENS = 1024, 8192
"""The fastest sizes if memory suffices: with more tokens a pass takes no less time per token."""
_LEAST_TOKENS = 16
_SHARE = 0.6  # of the free memory; the rest is for fragmentation and other processes


def scoring_budget(config: Any, runtime: Runtime, longest: int, free: int | None = None) -> int:
    """The number of tokens of a scoring pass over sequences of up to `longest` tokens.

    `Runtime.batch_tokens` if it is given; otherwise what is fastest on the kind of device, limited to what fits into `free`
    bytes besides the weights (None: as the device reports).
    """
    if runtime.batch_tokens is not None:
        return runtime.batch_tokens
    best = _CPU_TOKENS if runtime.device == "cpu" else _ACCELERATOR_TOKENS
    free = free_memory(runtime.device) if free is None else free
    if free is None:
        return best
    fixed, each = pass_bytes(config, 4 if runtime.dtype == "float32" else 2, longest)
    return max(min(best, int((_SHARE * free - fixed) / each)), _LEAST_TOKENS)


def pass_bytes(config: Any, size: int, longest: int) -> tuple[int, int]:
    """Bytes that a pass takes besides the weights: a fixed part, and a part for each token.

    `size`: bytes per number. Fixed: the cached path, copied once when tokens leave it, and the logits of one chunk with
    what is computed from them. For each token: keys and values of all layers; what one layer holds at a time (the residual
    stream with its normalised and added copies, queries, keys, values and result of attention, the feed-forward layer's
    two halves with their product, of several experts if there are any); its row of the mask, and scores of all heads if a
    layer's attention computes them in full.
    """
    text = config.get_text_config()
    width = int(text.hidden_size)
    inner = int(getattr(text, "intermediate_size", None) or 4 * width)
    experts = int(getattr(text, "num_experts_per_tok", None) or 1)
    heads = int(getattr(text, "num_attention_heads", None) or 1)
    cached = bytes_per_token(text, size) if hasattr(text, "num_attention_heads") else 0
    fixed = 2 * longest * cached + 3 * CHUNK_BYTES
    full = heads * 4 * 2 if getattr(text, "attn_logit_softcapping", None) else 0
    each = 2 * cached + size * (10 * width + 4 * inner * experts) + (size + full) * (longest + _CPU_TOKENS)
    return fixed, each
