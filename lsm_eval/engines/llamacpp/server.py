"""llama.cpp's server in this process, on a free port of 127.0.0.1; it also tokenizes texts and renders prompts."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lsm_eval.errors import UserError

_SECONDS = 600.0  # for a page, while all threads compute
_SILENT, _ERRORS = -1, 1  # llama.cpp's verbosity
_LOG_SECONDS = 2.0
_ALL_LAYERS = 999
_NO_MEMORY = re.compile(
    r"bad_alloc|failed to allocate|out of memory|unable to allocate|failed to reserve", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that a file is run with."""

    path: Path
    context: int
    """Tokens per slot."""
    slots: int
    """Sequences that are computed at the same time."""
    threads: int
    cache: str
    """dtype of keys and values: `float32`, `float16` or `bfloat16`."""
    device: str
    """`cpu`, or `cuda:N` with the number of a device among those that llama.cpp finds."""
    template: str | None = None
    """A chat template that replaces the file's own."""


class Refusal(Exception):
    """The server refuses a request."""


class LlamaServer:
    """A running server, protected by a random key. It ends with `close`, or with this process."""

    def __init__(self, settings: Settings) -> None:
        """Raises `UserError` if llama.cpp cannot run the file."""
        secret = secrets.token_hex(24)
        folder = tempfile.mkdtemp(prefix="lsm-eval-llamacpp-")  # readable by the user alone (mode 0700)
        self._end = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.key_file = Path(folder) / "key"
        self.key_file.write_text(secret, encoding="utf-8")
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
        self._server: Any = _started(settings, secret)
        self._address = urlsplit(self._server.listening_address)
        self._connection: http.client.HTTPConnection | None = None

    @property
    def url(self) -> str:
        """The base URL of its OpenAI-compatible API."""
        return f"http://{self._address.netloc}/v1"

    def prompt(self, messages: Sequence[dict[str, str]]) -> str:
        """The messages rendered by the chat template, up to where the reply starts. Raises `Refusal`."""
        return str(self._post("/apply-template", {"messages": list(messages)})["prompt"])

    def tokens(self, text: str, *, begins: bool = True) -> int:
        """Number of tokens of a text; with `begins`, the beginning-of-text token included. Raises `Refusal`."""
        body = {"content": text, "add_special": begins, "parse_special": True}
        return len(self._post("/tokenize", body)["tokens"])

    def close(self) -> None:
        """End the server, and free its memory."""
        if self._connection is not None:
            self._connection.close()
        self._server = None  # the last reference: its threads are joined
        self._end()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        sent = json.dumps(body).encode("utf-8", "replace")
        for last in (False, True):
            if self._connection is None:
                self._connection = http.client.HTTPConnection(
                    self._address.hostname or "", self._address.port, timeout=_SECONDS
                )
            try:
                self._connection.request("POST", path, sent, self._headers)
                answer = self._connection.getresponse()
                content = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self._connection.close()  # the server closed it because it was idle
                self._connection = None
                if last:
                    raise
        found = json.loads(content)
        if answer.status != 200:
            error = found.get("error") if isinstance(found, dict) else None
            raise Refusal(str(error.get("message") if isinstance(error, dict) else found)[:300])
        return found


def devices() -> list[str]:
    """The names of llama.cpp's devices other than the CPU, in its order."""
    import xllamacpp

    kinds = xllamacpp.ggml_backend_dev_type
    wanted = (kinds.GGML_BACKEND_DEVICE_TYPE_GPU, kinds.GGML_BACKEND_DEVICE_TYPE_IGPU)
    return [str(one["description"]) for one in xllamacpp.get_device_info() if one["type"] in wanted]


def _started(settings: Settings, secret: str) -> Any:
    import xllamacpp

    try:
        return xllamacpp.Server(_parameters(settings, secret, _SILENT))
    except (RuntimeError, ValueError, MemoryError):
        pass
    # The reason is only in its log, which is read in a second try.
    log: list[str] = []
    with _log_kept(log):
        try:
            return xllamacpp.Server(_parameters(settings, secret, _ERRORS))
        except (RuntimeError, ValueError, MemoryError) as error:
            why = error
    raise _explained(settings, "".join(log)) from why


def _parameters(settings: Settings, secret: str, verbosity: int) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(settings.path)
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.api_keys = [secret]
    params.cors_origins = "http://127.0.0.1"
    params.n_ctx, params.n_parallel = settings.context * settings.slots, settings.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    # Each open connection takes a thread: those of the requests, and those that tokenize.
    params.n_threads_http = 2 * settings.slots + 8
    params.cache_ram_mib = 0  # by default 8 GB of finished prompts
    # No snapshots for models with sliding-window attention or recurrent state: one of another text can be taken for a short
    # prompt's. Instead the whole cache of sliding windows is kept, which is what `context_and_slots` counts.
    params.n_ctx_checkpoints, params.swa_full = 0, True
    kind = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}[settings.cache]
    params.cache_type_k = params.cache_type_v = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{kind}")
    if settings.cache == "float32":
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    if settings.device == "cpu":
        params.n_gpu_layers = 0
    else:
        params.n_gpu_layers = _ALL_LAYERS
        params.main_gpu = int(settings.device.partition(":")[2] or 0)
        params.split_mode = xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_NONE
    if settings.template is not None:
        params.chat_template = settings.template
    params.warmup = params.fit_params = params.ui = params.endpoint_slots = False
    params.verbosity = verbosity
    return params


@contextlib.contextmanager
def _log_kept(log: list[str]) -> Iterator[None]:
    """Collects what C code writes to standard output and error in `log`."""
    with tempfile.TemporaryFile() as file:
        kept = [(stream, os.dup(stream)) for stream in (1, 2)]
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            for stream, _ in kept:
                os.dup2(file.fileno(), stream)
            yield
            _settled(file.fileno())
        finally:
            for stream, before in kept:
                os.dup2(before, stream)
                os.close(before)
            file.seek(0)
            log.append(file.read().decode("utf-8", "replace"))


def _settled(file: int) -> None:
    """Waits for the log: llama.cpp writes it in a separate thread, which may be late on a busy machine."""
    size, until = 0, time.monotonic() + _LOG_SECONDS
    while time.monotonic() < until:
        before, size = size, os.fstat(file).st_size
        if size and size == before:
            return
        time.sleep(0.05)


def _explained(settings: Settings, log: str) -> UserError:
    """The error for what llama.cpp's log says."""
    name = settings.path
    if _NO_MEMORY.search(log):
        return UserError(
            f"{name}: not enough memory for its weights and {settings.slots} sequence(s) of {settings.context:,} tokens: use a "
            "smaller --context, fewer --slots, or a smaller file."
        )
    unknown = re.search(r"unknown model architecture: '([^']*)'", log)
    if unknown:
        return UserError(
            f"{name}: llama.cpp knows no architecture {unknown[1]!r} in this version: update the package xllamacpp, or name "
            "another file."
        )
    template = re.search(r"chat template parsing error: ([^\n]*)", log)
    if template:
        return UserError(
            f"{name}: llama.cpp cannot use its chat template ({template[1][:300].rstrip(':. ')}): name a Jinja file in its place "
            "with --chat-template."
        )
    lines = [line.partition(" E ")[2].strip() for line in log.splitlines() if " E " in line]
    why = next(
        (line.partition("error loading model: ")[2] for line in lines if "error loading model: " in line), ""
    )
    return UserError(
        f"{name}: llama.cpp cannot run it ({(why or (lines[0] if lines else 'it does not say why'))[:300]}): name another file."
    )
