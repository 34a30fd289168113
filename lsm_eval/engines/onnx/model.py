"""A folder with an ONNX decoder as a model (`models.base.Model`)."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from lsm_eval.engines.onnx.layout import Layout
from lsm_eval.engines.onnx.network import OnnxNetwork
from lsm_eval.engines.onnx.session import Session
from lsm_eval.errors import UserError
from lsm_eval.inference.runtime import Runtime, Written
from lsm_eval.models.answering import Answering
from lsm_eval.models.base import Cost, ModelInfo, ModelOptions
from lsm_eval.models.checkpoint_files import counted_files
from lsm_eval.models.configuration import context_length, load_config, load_tokenizer, vocabulary_size
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.file_hashes import FileHashes
from lsm_eval.models.generation_settings import check_generation_settings
from lsm_eval.models.given_choices import as_scored
from lsm_eval.models.reasoning_budget import no_budget
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.models.versions import deciding_versions
from lsm_eval.paths import cache_file
from lsm_eval.requests import Generate, Request, Response

_ENGINE = "onnx/1"
"""Part of every fingerprint; the number is raised when a change of the computation changes answers."""
_COMPUTING = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml")


class OnnxModel:
    """An ONNX decoder. Its graph is read by `load` only."""

    def __init__(
        self,
        layout: Layout,
        options: ModelOptions,
        *,
        device: str,
        threads: int,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`device`: `cpu`, or `cuda:N`."""
        self.name = f"onnx:{layout.folder.name}"
        self._layout, self._options = layout, options
        self._device, self._threads, self._note = device, threads, note
        self._loaded: OnnxNetwork | None = None
        self._dtype: str | None = None
        self._details: dict[str, str] = {}
        self._before: Mapping[str, float] = {}
        self._endless = False

    @property
    def info(self) -> ModelInfo:
        """A description of the model, from configuration and tokenizer."""
        return ModelInfo(
            name=self.name,
            chat_template=self._encoder.chat_template,
            context=self._context,
            dtype=self._dtype,
            device=self._device,
            details={
                "engine": f"ONNX Runtime {_version() or '?'}",
                "layout": self._layout.kind,
                "graph": self._layout.graph.name,
                "threads": str(self._threads),
                **self._encoder.template.details,
                **self._details,
                **(self._loaded.details if self._loaded else {}),
            },
        )

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the graph, its weights, all other files of the folder that affect answers
        (`models.checkpoint_files`), the kind of device and the engine."""
        hashes = FileHashes(cache_file("weight-hashes.json"))
        folder = self._layout.folder
        files = dict(counted_files(folder, code=False))
        files |= {_within(path, folder): path for path in self._layout.data_files()}
        parts: dict[str, Any] = {
            "files": {name: hashes.of(path) for name, path in sorted(files.items())},
            "graph": _within(self._layout.graph, folder),
            "device": self._device.partition(":")[0],
            "engine": f"{_ENGINE} plain" if self._options.engine == "plain" else _ENGINE,
            "overflow": self._options.overflow,
            "context": self._options.context,
        }
        hashes.keep()
        if self._options.chat_template is not None:
            parts["chat_template"] = self._encoder.template.sha256
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that compute the answers; see `models.base.Versioned`."""
        found = deciding_versions("cpu", adapter=False)
        return {**found, "onnxruntime": _version() or "?"}

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Tokens of each request; reads the tokenizer only."""
        encoder, scorable = self._requests, map(as_scored, requests)
        return [Cost(0, 0, 0) if encoder.refusal(request) else encoder.cost(request) for request in scorable]

    def render(self, request: Request) -> str:
        """The prompt as the model reads it, truncated to its context."""
        return self._requests.read(as_scored(request))

    def scores(self) -> bool:
        """True: it returns log-probabilities (`base.Choosing`)."""
        return True

    def constrains(self, *, chat: bool) -> bool | None:
        """True: it chooses among given texts by their likelihood (`base.Choosing`)."""
        return True

    def refusal(self, request: Request) -> str | None:
        """Why the chat template takes no such request (`base.Chatting`)."""
        refused = self._requests.refusal(request)
        return refused.detail if refused else None

    def folded(self, request: Request) -> bool:
        """Whether its system message is put into the user's (`base.Chatting`)."""
        return self._requests.folded(request)

    def no_budget(self, request: Generate) -> str | None:
        """Why it cannot keep to a budget of thoughts (`base.Budgeting`)."""
        return no_budget(request, "decoder", self._encoder)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text by itself (`base.Counting`)."""
        return self._encoder.count(texts)

    def computed(self) -> Mapping[str, float]:
        """The ledger's counts; empty before the graph is loaded."""
        counts = self._loaded.ledger.counts() if self._loaded else {}
        names = {**counts, **self._before}
        return {name: counts.get(name, 0) + self._before.get(name, 0) for name in names}

    def ignore_ends(self) -> None:
        """Ignore end-of-text tokens (`base.Endless`)."""
        self._endless = True

    def load(self) -> None:
        """Load the graph on the device."""
        if self._loaded is not None:
            return
        session = Session(self._layout, self._device, self._threads)
        if self._options.dtype not in ("auto", session.dtype):
            raise UserError(
                f"--dtype {self._options.dtype}: the graph of {self.name} computes in {session.dtype}: leave the option out."
            )
        self._dtype = session.dtype
        tokenizer = self._encoder.tokenizer
        size = session.vocabulary or self._vocabulary
        named = (tokenizer.pad_token_id, tokenizer.eos_token_id)
        runtime = Runtime(
            name=self.name,
            device=self._device,
            dtype=session.dtype,
            engine=self._options.engine,
            pad=next((int(one) for one in named if one is not None and (size is None or one < size)), 0),
            ends=() if self._endless else self._ends(),
            decode=self._encoder.decode,
            written=Written(self._encoder.decode_written, self._encoder.special),
            batch_tokens=self._options.batch_tokens,
            longest=self._context,
            encode=lambda text: self._encoder.encode([text], chat=True)[0],
        )
        self._loaded = OnnxNetwork(session, runtime, self._options.slots)

    def release(self) -> None:
        """Free the graph; the counts of what was computed, and the details, stay."""
        if self._loaded is None:
            return
        self._before = self.computed()
        self._details.update(self._loaded.details)
        self._loaded = None
        gc.collect()

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """Batches of answers; see `models.base.Model.answer`."""
        if not requests:
            return
        self.load()
        assert self._loaded is not None
        answering = Answering(
            self.name, self._loaded, self._requests, self._encoder.without_markers, decoder=True
        )
        yield from answering.answer(requests, known)

    @cached_property
    def _config(self) -> Any:
        """The transformers configuration; None if the folder has none."""
        folder = self._layout.folder
        if not (folder / "config.json").is_file():
            check_generation_settings(folder)
            return None
        return load_config(folder, trust_remote_code=False)

    @cached_property
    def _encoder(self) -> Encoder:
        config = self._config  # first, as otherwise the tokenizer's error would name the wrong file
        tokenizer = load_tokenizer(self._layout.folder, trust_remote_code=False, config=config)
        return Encoder(tokenizer, self._vocabulary, self._options.chat_template)

    @cached_property
    def _vocabulary(self) -> int | None:
        return None if self._config is None else vocabulary_size(self._config)

    @cached_property
    def _context(self) -> int | None:
        tokenizer = self._encoder.tokenizer
        own = None if self._config is None else context_length(self._config, tokenizer)
        bounds = [one for one in (own, self._layout.context) if one is not None]
        longest = min(bounds) if bounds else None
        given = self._options.context
        if given is not None and longest is not None and given > longest:
            raise UserError(
                f"--context {given}: {self.name} takes {longest} tokens at most: give no more than that."
            )
        return given or longest

    @cached_property
    def _requests(self) -> RequestEncoder:
        return RequestEncoder(self._encoder, self._context, self._options.overflow)

    def _ends(self) -> tuple[int, ...]:
        """Tokens that end a text: those of the generation settings and genai's configuration, and the tokenizer's own."""
        found = [*self._layout.ends, *_generation_ends(self._layout.folder)]
        if not found and self._config is not None:
            found = _numbers(getattr(self._config, "eos_token_id", None))
        own = self._encoder.tokenizer.eos_token_id
        return tuple(dict.fromkeys([*found, *([] if own is None else [int(own)])]))


def _generation_ends(folder: Path) -> list[int]:
    path = folder / "generation_config.json"
    if not path.is_file():
        return []
    # Its form was checked together with the configuration (`generation_settings`).
    return _numbers(json.loads(path.read_text(encoding="utf-8")).get("eos_token_id"))


def _numbers(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [int(value)]


def _within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _version() -> str | None:
    """The version of ONNX Runtime, whichever of its builds is installed."""
    for name in _COMPUTING:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None
