"""A decoder-only checkpoint that somebody's engine computes, with files, tokens and rules of the transformers backend."""

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
from lsm_eval.inference.place import Place, Written
from lsm_eval.models.base import Cost, ModelOptions
from lsm_eval.models.family import Family
from lsm_eval.models.generation_settings import end_tokens, settings_of
from lsm_eval.models.hf import HFModel
from lsm_eval.models.loading import load_weights
from lsm_eval.models.versions import deciding_versions
from lsm_eval.paths import cache_dir
from lsm_eval.requests import Perplexity, Request


class CheckpointEngineModel(HFModel):
    """What the engines of this kind share; each says how it is made."""

    ENGINE: ClassVar[str]
    """As it is written, such as `vLLM`."""
    VERSION: ClassVar[int]
    """Part of the fingerprint: raised when the way of asking changes what is answered."""
    PACKAGES: ClassVar[tuple[str, ...]]
    """Distributions, the first of which that is installed is the engine."""

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
        """As `HFModel`. Raises `UserError` for options that the engine cannot honour."""
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

    @abstractmethod
    def make_engine(self, folder: Path, ends: tuple[int, ...]) -> Engine:
        """The engine with the weights in `folder`; `ends`: tokens that end a text. May raise anything."""

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
        """Raises `UserError` for what the engine does not tell."""
        if any(isinstance(request, Perplexity) and request.detail for request in requests):
            raise UserError(
                f"{self.name}: {self.ENGINE} does not tell how likely all other tokens were at each place of a text, as Min-K%++ asks: name the same "
                "checkpoint with hf: for this task, or leave it out."
            )
        return super().cost(requests)

    def release(self) -> None:
        """Let the weights go; what was computed and how it was run stays known."""
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
        except Exception as error:  # what any part of an engine makes of what it cannot do
            if out_of_memory(error):
                raise UserError(
                    f"{self.name}: not enough memory on {self.device} for {self.ENGINE}: use a smaller model, another "
                    "--device, or --dtype bfloat16."
                ) from error
            raise UserError(
                f"{self.name}: {self.ENGINE} cannot load it ({type(error).__name__}: {first_line(error)}); name the "
                "model with hf: to run it through transformers."
            ) from error
        place = Place(
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
        return EngineNetwork(engine, place)

    @contextmanager
    def _merged(self, folder: Path) -> Iterator[Path]:
        """The checkpoint's folder; where there is an adapter, one with it in the weights, for as long as they are read.

        Engines take adapters of some kinds only, and score with them otherwise than without.
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
    """What an error says, without what comes after its first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:2]) if lines and lines[0].endswith(":") else "".join(lines[:1])
    return text.rstrip(".:")[:300] or "no more is said"
