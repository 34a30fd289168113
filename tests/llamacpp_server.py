"""llama.cpp's server on loopback (wheel `xllamacpp`), to compare tokenizers and models with."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest


class LlamaCpp:
    """One GGUF file, served."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)

    def tokenize(self, text: str, special: bool) -> list[int]:
        """Its ids, without BOS; `special`: tokens such as `<|im_end|>` in the text are read as such."""
        answer = self._post("/tokenize", {"content": text, "add_special": False, "parse_special": special})
        tokens: list[int] = answer["tokens"]
        return tokens

    def next_token(self, ids: Sequence[int], top: int) -> dict[int, float]:
        """Log-probabilities of the `top` likeliest tokens after `ids`, the likeliest first."""
        # The server tells no probabilities of a token that ends a text or is half a character: let it always draw
        # an `a`. What it reports are the model's own numbers, from before any such bias.
        (drawn,) = self.tokenize("a", False)
        body = {
            "prompt": list(ids),
            "n_predict": 1,
            "n_probs": top,
            "temperature": 0.0,
            "cache_prompt": False,
            "logit_bias": [[drawn, 1e6]],
        }
        (place,) = self._post("/completion", body)["completion_probabilities"]
        return {row["id"]: row["logprob"] for row in place["top_logprobs"]}

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=120)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, content
        return json.loads(content)


@contextmanager
def serve(gguf: Path, *, context: int = 256, template: str | None = None) -> Iterator[LlamaCpp]:
    """A server of the file on one thread; the test is skipped where llama.cpp is missing."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="needs llama.cpp (wheel xllamacpp) to compare with")
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_ctx, params.n_parallel, params.n_gpu_layers = context, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = params.n_threads_http = 1
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.warmup = params.fit_params = params.ui = False
    params.verbosity = -1
    if template is not None:
        params.chat_template = template
    server = xllamacpp.Server(params)
    try:
        yield LlamaCpp(server.listening_address)
    finally:
        del server
