"""Lets a model attend through the slots of a cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from lsm_eval.inference.fast_linear import fast_linears
from lsm_eval.inference.generating.packed import PackedLinears
from lsm_eval.inference.generating.slots import SlotCache

_ATTENTION = "lsm_eval_slots"


@contextmanager
def slot_attention(model: Any, cache: SlotCache, packed: PackedLinears | None) -> Iterator[None]:
    """Inside this context the model attends through the cache's slots, and its linear layers use the fastest kernels.

    Raises `NotImplementedError` for a model whose attention cannot be replaced.
    """
    import torch
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    before = model.config._attn_implementation
    ALL_ATTENTION_FUNCTIONS.register(_ATTENTION, cache.attend)
    with torch.inference_mode(), ExitStack() as stack:
        stack.enter_context(packed.active() if packed is not None and packed.bytes else fast_linears(model))
        stack.callback(model.set_attn_implementation, before)
        model.set_attn_implementation(_ATTENTION)
        if model.config._attn_implementation != _ATTENTION:
            raise NotImplementedError("its attention cannot be replaced")
        yield
