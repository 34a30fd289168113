"""Finds which texts the encoding of requests will tokenize, so that a server can be asked for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.models.encoding import Encoder
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.requests import Request


class _RecordingTokenizer:
    """A tokenizer that only records which texts it is given."""

    is_fast = False
    chat_template = None
    bos_token, bos_token_id, eos_token, eos_token_id = "", 0, "", 0

    def __init__(self) -> None:
        self.asked: dict[tuple[str, bool], None] = {}

    def __call__(self, texts: Sequence[str], *, add_special_tokens: bool, **_: Any) -> dict[str, Any]:
        self.asked.update(dict.fromkeys((text, add_special_tokens) for text in texts))
        return {"input_ids": [[1] for _ in texts]}

    def decode(self, tokens: Sequence[int], **_: Any) -> str:
        return ""


class _RecordingEncoder(RequestEncoder):
    """Encodes with the recording tokenizer, and renders chats with the real one."""

    def __init__(self, encoder: Encoder, real: RequestEncoder) -> None:
        super().__init__(encoder, None, "error")
        self._real = real

    def text(self, request: Request) -> str:
        return self._real.text(request)


def texts_of(requests: Sequence[Request], real: RequestEncoder) -> list[tuple[str, bool]]:
    """All texts that `real` will encode for `requests`, each with whether special tokens are added."""
    recording = _RecordingTokenizer()
    encoder = _RecordingEncoder(Encoder(recording), real)
    recording.asked.clear()
    for request in requests:
        if real.refusal(request) is None:
            encoder.cost(request)
    return list(recording.asked)
