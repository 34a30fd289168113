"""The encoder and the decoder of a model, called one after the other."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.inference.runtime import Runtime

if TYPE_CHECKING:
    import torch

_CPU_TOKENS, _ACCELERATOR_TOKENS = 1024, 32768


class Halves:
    """A sequence-to-sequence model of transformers as encoder and decoder."""

    def __init__(self, model: Any, config: Any, runtime: Runtime) -> None:
        """Raises `UserError` for a model that does not define its decoder's first input, or whose settings name tokens that
        it does not have."""
        self.model, self._config, self.runtime = model, config, runtime
        self.start = self._decoder_start()
        self._check_tokens()
        """The decoder's first input."""
        self._encoded: Any = None  # the class of the encoder's outputs

    @property
    def budget(self) -> int:
        """The most tokens of contexts in a batch."""
        own = self.runtime.batch_tokens
        return own or (_CPU_TOKENS if self.runtime.device == "cpu" else _ACCELERATOR_TOKENS)

    def encode(self, contexts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """The encoder's last states [contexts, longest, hidden], and the mask: 1 for tokens, 0 for padding."""
        import torch

        width = max(map(len, contexts))
        mask = torch.zeros((len(contexts), width), dtype=torch.long)
        for at, tokens in enumerate(contexts):
            mask[at, : len(tokens)] = 1
        mask = mask.to(self.runtime.device)
        out = self.model.get_encoder()(input_ids=self.padded(contexts), attention_mask=mask, return_dict=True)
        self._encoded = type(out)
        return out.last_hidden_state, mask

    def decode(self, ids: torch.Tensor, states: torch.Tensor, mask: torch.Tensor, cache: Any) -> torch.Tensor:
        """Logits [rows, width, vocabulary] of decoder inputs [rows, width] that follow those in `cache`.

        The decoder needs no mask: padding is on the right, where no real token attends to it.
        """
        logits: torch.Tensor = self.model(
            encoder_outputs=self._encoded(last_hidden_state=states),
            attention_mask=mask,
            decoder_input_ids=ids,
            past_key_values=cache,
            use_cache=True,
        ).logits
        return logits

    def padded(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Tokens [rows, longest], padded on the right."""
        import torch

        ids = torch.full((len(rows), max(map(len, rows))), self.runtime.pad, dtype=torch.long)
        for at, tokens in enumerate(rows):
            ids[at, : len(tokens)] = torch.tensor(tokens, dtype=torch.long)
        return ids.to(self.runtime.device)

    def _decoder_start(self) -> int:
        for holder in (self._config, self.model.generation_config):
            token = getattr(holder, "decoder_start_token_id", None)
            if isinstance(token, int):
                return token
        raise UserError(
            f"{self.runtime.name}: its configuration has no decoder_start_token_id, which its texts begin with: add that to "
            "config.json, or name another --model."
        )

    def _check_tokens(self) -> None:
        settings = self.model.generation_config
        size = int(self.model.get_input_embeddings().weight.shape[0])
        words: Sequence[Sequence[int]] = getattr(settings, "bad_words_ids", None) or ()
        named: dict[str, list[int | None]] = {
            "decoder_start_token_id": [self.start],
            "forced_bos_token_id": [getattr(settings, "forced_bos_token_id", None)],
            "bad_words_ids": [token for word in words for token in word],
        }
        for name, tokens in named.items():
            wrong = next((one for one in tokens if one is not None and not 0 <= one < size), None)
            if wrong is not None:
                raise UserError(
                    f"{self.runtime.name}: {name} names token {wrong}, and the model has tokens 0 to {size - 1} only: correct "
                    "that in generation_config.json (or config.json), or name another --model."
                )


def new_cache() -> Any:
    """An empty cache: keys and values of the decoder's own tokens, and of the contexts (cross-attention)."""
    from transformers import DynamicCache, EncoderDecoderCache

    return EncoderDecoderCache(DynamicCache(), DynamicCache())


def selected(cache: Any, rows: torch.Tensor) -> Any:
    """A cache with some rows of another one, in this order; the other one is not changed."""
    from transformers import EncoderDecoderCache

    parts = []
    for part in (cache.self_attention_cache, cache.cross_attention_cache):
        twin = copy.copy(part)
        twin.layers = []
        for layer in part.layers:
            own = copy.copy(layer)
            own.keys, own.values = layer.keys[rows], layer.values[rows]
            twin.layers.append(own)
        parts.append(twin)
    return EncoderDecoderCache(*parts)
