"""A GGUF file as a model (`models.base.Model`): llama.cpp computes, and is used through `lsm_eval.endpoints`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.engines.llamacpp.header import Header
from lsm_eval.engines.llamacpp.reading import Reader
from lsm_eval.engines.llamacpp.server import LlamaServer, Settings
from lsm_eval.errors import UserError
from lsm_eval.inference.times import Found as FoundTimes
from lsm_eval.models.base import Cost, EndpointOptions, ModelInfo
from lsm_eval.models.file_hashes import FileHashes
from lsm_eval.paths import cache_file
from lsm_eval.reasoning.prompts import closed, opens
from lsm_eval.reasoning.split import split
from lsm_eval.requests import Failure, Generate, Generated, Request, Response

_VERSION = 2
"""Part of the fingerprint: raised when what is sent, or how answers are read, changes."""
_WAITING = 2  # requests in flight per slot, so that no slot is idle
_OF_AN_ADDRESS = frozenset({"endpoint", "api", "server"})
_PATIENCE = RetryPolicy(tries=3, seconds=1e7, attempt_seconds=1e6)
"""No request is lost inside the process, and a slow one is no fault."""


class LlamaCppModel:
    """One GGUF file. The server starts, and reads the weights, when the first prompt is rendered, counted or answered."""

    def __init__(
        self,
        settings: Settings,
        files: Sequence[Path],
        headers: Sequence[Header],
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`files`: all files of the model, the first being the one in `settings`; `headers`: theirs."""
        self._settings, self._files, self._headers = settings, files, headers
        self._note = note
        self._running: tuple[LlamaServer, EndpointModel, Reader] | None = None
        self._endless = False
        self.name = f"llama.cpp:{settings.path.name}"

    @property
    def info(self) -> ModelInfo:
        """A description of the model, from the file's header."""
        header, settings = self._headers[0], self._settings
        licence = header.metadata.get("general.license")
        details = {
            "engine": f"llama.cpp (xllamacpp {self.versions()['xllamacpp']})",
            "architecture": header.architecture,
            "quantisation": header.quantisation,
            "keys and values": settings.cache,
            "slots": str(settings.slots),
            "threads": str(settings.threads),
        }
        if self._running is not None:
            server_details = self._running[1].info.details or {}
            details |= {name: text for name, text in server_details.items() if name not in _OF_AN_ADDRESS}
        if len(self._files) > 1:
            details["files"] = str(len(self._files))
        if settings.template is not None:
            details["chat_template"] = f"sha256 {_sha256(settings.template)[:16]}"
        return ModelInfo(
            name=self.name,
            chat_template=bool(settings.template or header.template),
            context=settings.context,
            parameters=sum(one.parameters for one in self._headers),
            dtype=header.quantisation,
            device=settings.device,
            licence=licence if isinstance(licence, str) else None,
            details=details,
            cuts=False,
        )

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the content of the file (or files), the dtype of keys and values, the kind of device, and
        a chat template that replaces the file's own. The file's path, and the numbers of threads and slots, are no part
        of it."""
        hashes = FileHashes(cache_file("weight-hashes.json"))
        parts: dict[str, Any] = {
            "engine": "llama.cpp",
            "files": [hashes.of(path) for path in self._files],
            "cache": self._settings.cache,
            "device": self._settings.device.partition(":")[0],
            "asking": _VERSION,
        }
        hashes.keep()
        if self._settings.template is not None:
            parts["chat_template"] = _sha256(self._settings.template)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def versions(self) -> Mapping[str, str]:
        """The version of the package that contains llama.cpp (`models.base.Versioned`), which does not state llama.cpp's own
        version."""
        return {"xllamacpp": metadata.version("xllamacpp")}

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Tokens of each request, as the server counts them. Raises `UserError` for unsupported requests."""
        _, endpoint, reader = self._started
        try:
            costs = endpoint.cost(requests)
        except UserError as error:
            raise self._named(error) from error
        return costs or [self._cost(request, reader) for request in requests if isinstance(request, Generate)]

    def render(self, request: Request) -> str:
        """The prompt as llama.cpp reads it."""
        _, endpoint, reader = self._started
        return reader.read(request).text if isinstance(request, Generate) else endpoint.render(request)

    def refusal(self, request: Request) -> str | None:
        """Why the chat template takes no such request (`base.Chatting`)."""
        return self._started[2].read(request).refusal

    def folded(self, request: Request) -> bool:
        """Whether its system message is put into the user's (`base.Chatting`)."""
        return self._started[2].read(request).folded

    def scores(self) -> bool | None:
        """Whether it returns log-probabilities (`base.Choosing`)."""
        return self._started[1].scores()

    def constrains(self, *, chat: bool) -> bool | None:
        """Whether it constrains answers to given texts (`base.Choosing`)."""
        return self._started[1].constrains(chat=chat)

    def no_budget(self, request: Generate) -> str | None:
        """Why it cannot be given a budget of thoughts (`base.Budgeting`)."""
        return self._started[1].no_budget(request)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text by itself (`base.Counting`)."""
        return [self._started[0].tokens(text, begins=False) for text in texts]

    def computed(self) -> Mapping[str, float]:
        """Empty, as nothing can be counted on this side."""
        return {}

    def times(self) -> FoundTimes:
        """Times of each request that llama.cpp answered (`base.Timing`)."""
        return self._running[1].times() if self._running else {}

    def ignore_ends(self) -> None:
        """Ignore end-of-text tokens (`base.Endless`)."""
        self._endless = True

    def load(self) -> None:
        """Start the server, unless it is running."""
        self._started  # noqa: B018

    def endpoint(self) -> EndpointModel:
        """The server as an endpoint, for measuring how it serves. Starts it, unless it is running."""
        return self._started[1]

    def release(self) -> None:
        """End the server."""
        running, self._running = self._running, None
        if running is not None:
            running[0].close()

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """See `models.base.Model`; answers come in any order."""
        if not requests:
            return
        _, endpoint, reader = self._started
        readings = [reader.read(request) for request in requests]
        answered = set(known)
        failed: dict[int, Response] = {
            at: failure
            for at, request in enumerate(requests)
            if at not in answered and (failure := self._failure(request, reader)) is not None
        }
        if failed:
            yield dict(failed)
        sent = [reading.request for reading in readings]
        for batch in endpoint.answer(sent, answered | failed.keys()):
            yield {at: _own(response, readings[at].text, requests[at]) for at, response in batch.items()}

    @property
    def _started(self) -> tuple[LlamaServer, EndpointModel, Reader]:
        if self._running is None:
            server = LlamaServer(self._settings)
            options = EndpointOptions(
                server.url,
                api_key_file=server.key_file,
                max_concurrency=_WAITING * self._settings.slots,
                ignore_ends=self._endless,
                keep=False,
                cache_known=True,  # the server keeps no snapshots: what cannot be cut is read anew
            )
            endpoint = EndpointModel(self._settings.path.name, options, _PATIENCE, self._say, offline=True)
            self._running = server, endpoint, Reader(server)
        return self._running

    def _cost(self, request: Generate, reader: Reader) -> Cost:
        reading = reader.read(request)
        if reading.refusal is not None:
            return Cost(0, 0, 0)
        size = reader.tokens(reading.text) + request.max_tokens
        return Cost(size, 0, size, max(size - self._settings.context, 0))

    def _failure(self, request: Request, reader: Reader) -> Failure | None:
        """The failure of a request that cannot be sent; None if it can."""
        refusal = reader.read(request).refusal
        if refusal is not None:
            return Failure("unsupported", refusal)
        if not isinstance(request, Generate):
            return None  # the endpoint counts the tokens of what it scores
        cost = self._cost(request, reader)
        if cost.truncated:
            return Failure(
                "too_long", f"{cost.longest} tokens, and the model's context is {self._settings.context}"
            )
        return None

    def _named(self, error: UserError) -> UserError:
        return type(error)(self._by_name(str(error)))

    def _say(self, text: str) -> None:
        self._note(self._by_name(text))

    def _by_name(self, text: str) -> str:
        return text.replace(f"openai:{self._settings.path.name}", self.name)


def _own(response: Response, prompt: str, request: Request) -> Response:
    """The answer as it continues its prompt: if the prompt opened thoughts, and llama.cpp returned none separately, it
    removed the mark that closes them, which is needed to read the answer and is put back."""
    if not (isinstance(response, Generated) and isinstance(request, Generate) and request.chat):
        return response
    if response.thoughts or not response.text or not opens(prompt) or split(response.text).cut:
        return response
    end = closed(prompt)[len(prompt.rstrip()) :].lstrip()
    return response if end.strip() in response.text else replace(response, text=end + response.text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
