"""A decoder-only checkpoint run by an external engine, with the files, tokenizer and stopping rules of the transformers backend."""

from __future__ import annotations

import gc
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from lsm_eval.engines.network import Engine, EngineNetwork
from lsm_eval.errors import UserError
from lsm_eval.inference.memory import out_of_memory
from lsm_eval.inference.network import Network
from lsm_eval.inference.runtime import Runtime, Written
from lsm_eval.models.base import Cost, ModelOptions
from lsm_eval.models.family import Family
from lsm_eval.models.generation_settings import end_tokens, settings_of
from lsm_eval.models.hf import HFModel
from lsm_eval.models.loading import load_weights
from lsm_eval.models.versions import deciding_versions
from lsm_eval.paths import cache_dir
from lsm_eval.requests import Perplexity, Request


class CheckpointEngineModel(HFModel):
    """The common part of such engines; subclasses create the engine."""

    ENGINE: ClassVar[str]
    """Its name as it is spelled, such as `vLLM`."""
    VERSION: ClassVar[int]
    """Part of the fingerprint: raised when a change of the calls changes answers."""
    PACKAGES: ClassVar[tuple[str, ...]]
    """Distributions; the first one that is installed is the engine."""

    def __init__(
        self,
        name: str,
        options: ModelOptions,
        *,
        folder: Path | None = None,
        repository: str | None = None,
        revision: str | None = None,
        licence: str | None = None,
        details: dict[str, str] | None = None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """See `HFModel`. Raises `UserError` for options that the engine cannot honour."""
        if options.engine != "auto":
            raise UserError(
                f"--engine {options.engine} is of the transformers backend, and {name} runs in {self.ENGINE}: leave it out, "
                "or name the model with hf:."
            )
        if options.quantize is not None:
            raise UserError(
                f"--quantize {options.quantize} is of the transformers backend, and {name} runs in {self.ENGINE}: leave it out, "
                "or name a checkpoint that is quantised already, which the engine reads as it comes."
            )
        super().__init__(
            name,
            options,
            folder=folder,
            repository=repository,
            revision=revision,
            licence=licence,
            details=details,
            note=note,
        )

    @classmethod
    def check_installed(cls, name: str) -> None:
        """Called for the model `name` before its checkpoint is fetched. Raises `UserError` if the engine cannot run here."""

    @abstractmethod
    def make_engine(self, folder: Path, ends: tuple[int, ...]) -> Engine:
        """The engine with the weights in `folder`; `ends`: tokens that end a text. May raise any exception."""

    @property
    def family(self) -> Family:
        """Raises `UserError` for other models than decoder-only ones."""
        family = super().family
        if family != "decoder":
            raise UserError(
                f"{self.name} is {'an' if family[0] == 'e' else 'a'} {family} model, and {self.ENGINE} is asked for "
                "decoder-only ones: name it with hf:."
            )
        return family

    @property
    def engine(self) -> str:
        """See `HFModel.engine`."""
        return f"{self.ENGINE.lower()}/{self.VERSION}"

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that compute the answers, the engine among them."""
        found = deciding_versions(self.device, adapter=self.options.adapter is not None)
        for package in self.PACKAGES:
            try:
                found[package] = metadata.version(package)
                break
            except metadata.PackageNotFoundError:
                continue
        return found

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """See `Model.cost`. Raises `UserError` for what the engine does not return."""
        if any(isinstance(request, Perplexity) and request.detail for request in requests):
            raise UserError(
                f"{self.name}: {self.ENGINE} does not return the whole distribution at each place of a text, which Min-K%++ needs: name the same "
                "checkpoint with hf: for this task, or leave it out."
            )
        return super().cost(requests)

    def release(self) -> None:
        """Free the weights; the counts of what was computed, and the details, stay."""
        network = self._loaded
        super().release()
        if isinstance(network, EngineNetwork):
            network.engine.close()

    def read_network(self) -> Network:
        """See `HFModel.read_network`."""
        _ = self.family
        folder = self.checkpoint.weights_folder
        own = end_tokens(settings_of(folder, self.config), self.encoder.tokenizer, folder)
        ends = () if self._endless else tuple(own)
        try:
            with self._merged(folder) as weights:
                engine = self.make_engine(weights, ends)
        except UserError:
            raise
        except Exception as error:  # engines raise exceptions of many kinds
            if out_of_memory(error):
                raise UserError(
                    f"{self.name}: not enough memory on {self.device} for {self.ENGINE}: use a smaller model, another "
                    "--device, or --dtype bfloat16."
                ) from error
            raise UserError(
                f"{self.name}: {self.ENGINE} cannot load it ({type(error).__name__}: {first_line(error)}); name the "
                "model with hf: to run it through transformers."
            ) from error
        runtime = Runtime(
            name=self.name,
            device=self.device,
            dtype=self.dtype,
            engine="auto",
            pad=self.checkpoint.pad,
            ends=ends,
            decode=self.encoder.decode,
            written=Written(self.encoder.decode_written, self.encoder.special),
            batch_tokens=self.options.batch_tokens,
            longest=self.context,
            encode=lambda text: self.encoder.encode([text], chat=True)[0],
        )
        return EngineNetwork(engine, runtime)

    @contextmanager
    def _merged(self, folder: Path) -> Iterator[Path]:
        """The checkpoint's folder; with an adapter, a temporary one with the adapter merged into the weights.

        Engines take only some kinds of adapters, and score differently with them.
        """
        adapter = self.checkpoint.adapter
        if adapter is None:
            yield folder
            return
        model, _ = load_weights(
            folder,
            self.config,
            self.family,
            dtype=self.dtype,
            device="cpu",
            adapter=adapter,
            trust_remote_code=self.options.trust_remote_code,
        )
        cache = cache_dir()
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="merged-", dir=cache) as place:
            model.save_pretrained(place)
            del model
            gc.collect()
            yield Path(place)


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:2]) if lines and lines[0].endswith(":") else "".join(lines[:1])
    return text.rstrip(".:")[:300] or "no more is said"
