"""Checkpoints run by transformers: decoder-only, encoder-decoder and masked language models."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.inference.families.decoder import DecoderNetwork
from lsm_eval.inference.flops import Architecture, read_architecture
from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.network import Network
from lsm_eval.inference.runtime import Runtime, Written
from lsm_eval.inference.times import Found as FoundTimes
from lsm_eval.models import quantised
from lsm_eval.models.answering import Answering
from lsm_eval.models.base import Cost, ModelInfo, ModelOptions
from lsm_eval.models.checkpoint import Checkpoint
from lsm_eval.models.checkpoint_fingerprint import checkpoint_fingerprint, engine_version
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.family import LIKELIHOOD, MEANING, Family
from lsm_eval.models.family_encoding import ENCODERS
from lsm_eval.models.family_network import make_network
from lsm_eval.models.generation_settings import end_tokens
from lsm_eval.models.given_choices import as_scored
from lsm_eval.models.loading import load_weights
from lsm_eval.models.quantised import own_quantisation, package_of
from lsm_eval.models.reasoning_budget import no_budget
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.models.shared_weights import SharedWeights
from lsm_eval.models.versions import deciding_versions
from lsm_eval.models.work_order import work_order
from lsm_eval.requests import Failure, Generate, Request, Response

if TYPE_CHECKING:
    from lsm_eval.inference.generating.arriving import ArrivingLoop


class HFModel:
    """A checkpoint folder, or a hub repository, as a model. Weights are read by `load` only."""

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
        """Exactly one of `folder` and `repository`; `note` is called with what a user must know. Raises `UserError` for
        options that cannot be honoured."""
        self.name = name
        self.options = options
        self.checkpoint = Checkpoint(
            name,
            options,
            folder=folder,
            repository=repository,
            revision=revision,
            details=details,
            note=note,
        )
        self.device = self.checkpoint.device
        self._licence = licence
        self._loaded: Network | None = None
        self._architecture: Architecture | None = None
        self._shared: SharedWeights | None = None
        self._before: Mapping[str, float] = {}
        """What was computed with weights that were freed since."""
        self._took = array("d")
        """`Ledger.sequences` of these."""
        self._endless = False

    @property
    def info(self) -> ModelInfo:
        """A description of the model, from configuration and tokenizer."""
        return ModelInfo(
            name=self.name,
            chat_template=self.encoder.chat_template,
            context=self.context,
            parameters=self.checkpoint.parameters,
            revision=self.checkpoint.revision,
            dtype=self.dtype,
            device=self.device,
            licence=self._licence,
            likelihood=LIKELIHOOD[self.family],
            details={
                **self.checkpoint.details,
                **MEANING[self.family],
                **self.encoder.template.details,
                **(self._loaded.details if self._loaded else {}),
            },
        )

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the checkpoint, and how it is run (`checkpoint_fingerprint`)."""
        return checkpoint_fingerprint(self.checkpoint, self.engine)

    @property
    def engine(self) -> str:
        """The version of the computation, for the fingerprint."""
        return engine_version(self.family, self.options.engine)

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that compute the answers; see `models.base.Versioned`."""
        more = [package_of(self.options.quantize)] if self.options.quantize else []
        if own_quantisation(self.config) is not None:
            more += quantised.PACKAGES
        return deciding_versions(self.device, adapter=self.options.adapter is not None, more=more)

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Tokens of each request; reads the tokenizer only."""
        encoder, asked = self._requests, map(as_scored, requests)
        return [Cost(0, 0, 0) if encoder.refusal(request) else encoder.cost(request) for request in asked]

    def render(self, request: Request) -> str:
        """The prompt as the model reads it, truncated to its context."""
        return self._requests.read(as_scored(request))

    def scores(self) -> bool:
        """True: it returns log-probabilities (`base.Choosing`)."""
        return True

    def constrains(self, *, chat: bool) -> bool | None:
        """Whether it chooses among given texts by their likelihood (`base.Choosing`), as all but masked models do."""
        return self.family != "masked"

    def refusal(self, request: Request) -> str | None:
        """Why the chat template takes no such request (`base.Chatting`)."""
        return refused.detail if (refused := self._requests.refusal(request)) else None

    def folded(self, request: Request) -> bool:
        """Whether its system message is put into the user's (`base.Chatting`)."""
        return self._requests.folded(request)

    def no_budget(self, request: Generate) -> str | None:
        """Why it cannot keep to a budget of thoughts (`base.Budgeting`)."""
        return no_budget(request, self.family, self.encoder)

    def work_order(self, requests: Sequence[Request]) -> list[tuple[int, int]]:
        """See `work_order.Ordering`."""
        return work_order(self._requests, requests, self.family, self.options.engine)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text by itself (`base.Counting`)."""
        return self.encoder.count(texts)

    def computed(self) -> Mapping[str, float]:
        """The ledger's counts, and the operations that follow from them; empty before the weights are loaded."""
        counts = self._loaded.ledger.counts() if self._loaded else {}
        if self._loaded and self._architecture:
            counts = {**counts, **self._architecture.work(counts)}
        names = {**counts, **self._before}
        return {name: counts.get(name, 0) + self._before.get(name, 0) for name in names}

    def times(self) -> FoundTimes:
        """Times of generated texts, if each leaves the batch when it ends (`base.Timing`)."""
        took = self._took + (self._loaded.ledger.sequences if self._loaded else array("d"))
        return {("generate", "sequence"): took} if took else {}

    def load(self) -> None:
        """Load the weights on the device."""
        if self._loaded is None:
            self._loaded = self.read_network()

    def ignore_ends(self) -> None:
        """Ignore end-of-text tokens (`base.Endless`)."""
        self._endless = True

    def read_network(self) -> Network:
        """The network with the weights on the device. Raises `UserError`."""
        model, unused = load_weights(
            self.checkpoint.weights_folder,
            self.config,
            self.family,
            dtype=self.dtype,
            device=self.device,
            adapter=self.checkpoint.adapter,
            trust_remote_code=self.options.trust_remote_code,
            quantize=self.options.quantize,
            shared=self._shared,
        )
        if unused:
            self.checkpoint.say_unused(unused)
        ends = end_tokens(
            getattr(model, "generation_config", None), self.encoder.tokenizer, self.checkpoint.text_folder
        )
        runtime = Runtime(
            name=self.name,
            device=self.device,
            dtype=self.dtype,
            engine=self.options.engine,
            pad=self.checkpoint.pad,
            ends=() if self._endless else tuple(ends),
            decode=self.encoder.decode,
            written=Written(self.encoder.decode_written, self.encoder.special),
            batch_tokens=self.options.batch_tokens,
            longest=self.context,
            encode=lambda text: self.encoder.encode([text], chat=True)[0],
        )
        self._architecture = read_architecture(model)
        return make_network(self.family, model, self.config, runtime, self.encoder.tokenizer.mask_token_id)

    def share(self, weights: SharedWeights) -> None:
        """Use these weights of the base model (`shared_weights.Sharing`)."""
        self._shared = weights

    def release(self) -> None:
        """Free the weights; counts and details stay available."""
        if self._loaded is None:
            return
        self._before = self.computed()
        self._took.extend(self._loaded.ledger.sequences)
        self.checkpoint.details.update(self._loaded.details)
        self._loaded = None
        gc.collect()  # modules and hooks form reference cycles
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()

    @property
    def _network(self) -> Network:
        self.load()
        assert self._loaded is not None
        return self._loaded

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """Batches of answers; see `models.base.Model.answer`."""
        if not requests:
            return
        answering = Answering(
            self.name,
            self._network,
            self._requests,
            self.encoder.without_markers,
            decoder=self.family == "decoder",
        )
        yield from answering.answer(requests, known)

    def arriving(
        self, requests: Sequence[Generate], slots: int | None = None
    ) -> tuple[ArrivingLoop, list[Prompt]]:
        """A loop for prompts that arrive while others are being continued, and the requests as its prompts. Raises `UserError` if the
        model does not support that, and for unsupported requests."""
        prompts: list[Prompt] = []
        for request in requests:
            found = self._requests.refusal(request) or self._requests.prompt(request)
            if isinstance(found, Failure):
                raise UserError(f"{self.name} cannot be asked this: {found.detail}.")
            prompts.append(found[0])
        network = self._network
        loop: ArrivingLoop | str = f"it is no decoder but {self.family}"
        if isinstance(network, DecoderNetwork):
            loop = network.arriving(prompts, slots)
        if isinstance(loop, str):
            raise UserError(
                f"--model {self.name} cannot be asked while other requests are under way ({loop}): profile it in batches (--batch), or "
                "serve it, and name the server's address with --base-url."
            )
        return loop, prompts

    @cached_property
    def _requests(self) -> RequestEncoder:
        return ENCODERS[self.family](self.encoder, self.context, self.options.overflow)

    @property
    def encoder(self) -> Encoder:
        """The tokenizer."""
        return self.checkpoint.encoder

    @property
    def config(self) -> Any:
        """The transformers configuration."""
        return self.checkpoint.config

    @property
    def family(self) -> Family:
        """The family of architectures. Raises `UserError` if `--engine` has no meaning for it."""
        return self.checkpoint.family

    @cached_property
    def context(self) -> int | None:
        """The most tokens that the model can attend to."""
        return self.checkpoint.context

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self.checkpoint.dtype
