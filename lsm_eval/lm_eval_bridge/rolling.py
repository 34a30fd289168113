"""A `loglikelihood_rolling` request as the harness's hf backend scores it."""

from __future__ import annotations

from lsm_eval.models.encoding import Encoder
from lsm_eval.requests import Perplexity


def rolling_request(encoder: Encoder | None, text: str) -> Perplexity:
    """The request for one text."""
    return Perplexity(_rolling_text(encoder, text), lm_eval=True)


def _rolling_text(encoder: Encoder | None, text: str) -> str:
    """The text with the beginning-of-text token that the backend's tokenizer call adds.

    If a tokenizer adds one by itself, the backend scores it as the text's first token.
    """
    bos = encoder.tokenizer.bos_token if encoder else None
    if encoder is None or not encoder.prefix or not bos or text.startswith(bos):
        return text
    return f"{bos}{text}"
