"""The family of architectures of a checkpoint, according to its configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from lsm_eval.errors import UserError
from lsm_eval.models.base import LikelihoodKind

Family = Literal["decoder", "encoder-decoder", "masked"]

LIKELIHOOD: dict[Family, LikelihoodKind] = {
    "decoder": "causal",
    "encoder-decoder": "conditional",
    "masked": "pseudo",
}

MEANING: dict[Family, dict[str, str]] = {
    "decoder": {},
    "encoder-decoder": {
        "likelihood": "conditional: the encoder reads the context, the decoder is scored on the continuation"
    },
    "masked": {
        "likelihood": "pseudo-log-likelihood: each token masked in turn, given all the others (Salazar et al. "
        "2020); not comparable with a causal model's"
    },
}
"""Details for the record, if likelihoods do not have the usual meaning."""

_CAUSAL_HEAD = re.compile(r"(ForCausalLM|LMHeadModel|ModelWithLMHead)$")
_OTHER_HEAD = re.compile(r"(Classification|QuestionAnswering|MultipleChoice|Regression|EncoderModel)$")


def family_of(config: Any, folder: Path) -> Family:
    """The family of the checkpoint in `folder`.

    Raises `UserError` for a model with a head for something else, such as a classifier, and for an
    encoder-decoder model that does not read text. What only the weights can tell is told when they are read (`loading.load_weights`).
    """
    from transformers.models.auto import modeling_auto

    kind = str(config.model_type)
    heads = [str(name) for name in getattr(config, "architectures", None) or ()]
    own = getattr(config, "auto_map", None) or {}
    if heads and all(_OTHER_HEAD.search(name) for name in heads):
        # If the head is tied to the embedding, loading it as a language model would work, but give meaningless results.
        raise UserError(f"{folder}: a {heads[0]} has no language-model head: name another --model.")
    if config.is_encoder_decoder:
        if kind not in modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES and not any(
            name.startswith("AutoModelForSeq2SeqLM") for name in own
        ):
            raise UserError(
                f"{folder}: a model of type {kind!r} is no language model that reads and writes text: name "
                "another --model."
            )
        return "encoder-decoder"
    if getattr(config, "is_decoder", False) or getattr(config, "causal", False):
        return "decoder"
    masked = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if any(name in masked.values() for name in heads):
        return "masked"
    if any(_CAUSAL_HEAD.search(name) for name in heads):
        return "decoder"
    if kind in masked:
        return "masked"
    return "masked" if "AutoModelForMaskedLM" in own and "AutoModelForCausalLM" not in own else "decoder"
