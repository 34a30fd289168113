"""Makes the network for a loaded checkpoint, by its family."""

from __future__ import annotations

from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.inference.families.decoder import DecoderNetwork
from lsm_eval.inference.families.encoder_decoder import EncoderDecoderNetwork
from lsm_eval.inference.families.masked import MaskedNetwork
from lsm_eval.inference.network import Network
from lsm_eval.inference.runtime import Runtime
from lsm_eval.models.family import Family


def make_network(family: Family, model: Any, config: Any, runtime: Runtime, mask: int | None) -> Network:
    """The network for `model`; `mask`: the tokenizer's mask token.

    Raises `UserError` for a masked model whose tokenizer has none, or one that the model does not know, and for an encoder-decoder
    model without a decoder start token.
    """
    if family == "decoder":
        return DecoderNetwork(model, config, runtime)
    if family == "encoder-decoder":
        return EncoderDecoderNetwork(model, config, runtime)
    if mask is None:
        raise UserError(
            f"{runtime.name} is a masked language model whose tokenizer names no mask token: add `mask_token` to its "
            "tokenizer_config.json, or name another --model."
        )
    size = int(model.get_input_embeddings().weight.shape[0])
    if mask >= size:
        raise UserError(
            f"{runtime.name}: its tokenizer's mask token is number {mask}, and the model has tokens 0 to {size - 1} only: "
            "take tokenizer and weights from one checkpoint."
        )
    return MaskedNetwork(model, config, runtime, mask)
