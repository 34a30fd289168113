"""Checkpoints through transformers: decoder-only, encoder-decoder and masked language models."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lsm_eval.errors import UserError
from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.network import Detailed, Network
from lsm_eval.inference.place import Place, Written
from lsm_eval.models import hub
from lsm_eval.models.adapter_files import adapter_vocabulary, check_adapter, has_tokenizer, own_template
from lsm_eval.models.answers import scored_answer, with_likelihood
from lsm_eval.models.base import Cost, ModelInfo, ModelOptions
from lsm_eval.models.checkpoint_files import files_digest
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.family import LIKELIHOOD, MEANING, Family, family_of
from lsm_eval.models.family_encoding import ENCODERS
from lsm_eval.models.family_network import make_network
from lsm_eval.models.generation_settings import end_tokens
from lsm_eval.models.loading import (
    context_length,
    load_config,
    load_tokenizer,
    load_weights,
    resolve_device,
    resolve_dtype,
    text_config,
    vocabulary_size,
)
from lsm_eval.models.request_encoding import RequestEncoder, Row
from lsm_eval.models.versions import deciding_versions
from lsm_eval.models.weight_files import stored_parameters
from lsm_eval.paths import cache_file
from lsm_eval.profiling.flops import Architecture, read_architecture
from lsm_eval.requests import (
    Failure,
    Generate,
    Generated,
    Likelihood,
    Perplexity,
    Request,
    Response,
)

ENGINES = {"auto": "tree/3", "tree": "tree/3", "plain": "plain/2"}
"""Part of every fingerprint; a number is raised when the way of computing changes what is computed."""
_OTHER_ENGINES = {"encoder-decoder": "encoder-decoder/2", "masked": "masked/2"}
_THOUGHTS = "1"
"""Part of the fingerprint of models whose chat template has to do with thoughts: raised when prompts or stops change."""
_SCORED_TOGETHER = 64  # generated texts whose likelihood is asked for


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
        """Exactly one of `folder` and `repository`; `note` is told what a user must know. Raises `UserError` for
        options that cannot be honoured."""
        self.name = name
        self.options = options
        self.device = resolve_device(options.device)
        self._repository, self._revision = repository, revision
        self._folder = folder
        self._licence, self._details, self._note = licence, dict(details or {}), note
        self._loaded: Network | None = None
        self._counted: int | None = None
        self._architecture: Architecture | None = None
        self._before: Mapping[str, float] = {}
        """What was computed by weights that were let go since."""
        if options.adapter is not None:
            self._details["adapter"] = options.adapter

    @property
    def info(self) -> ModelInfo:
        """What configuration and tokenizer say."""
        return ModelInfo(
            name=self.name,
            chat_template=self.encoder.chat_template,
            context=self.context,
            parameters=self._parameters,
            revision=self._revision or hub.commit(self._text_folder),
            dtype=self.dtype,
            device=self.device,
            licence=self._licence,
            likelihood=LIKELIHOOD[self.family],
            details={
                **self._details,
                **MEANING[self.family],
                **self.encoder.template.details,
                **(self._loaded.details if self._loaded else {}),
            },
        )

    def fingerprint(self) -> str:
        """SHA-256 (hex) over all files that have a say in the answers (`checkpoint_files`), those of the adapter,
        dtype, kind of device and engine."""
        hashes, code = cache_file("weight-hashes.json"), self.options.trust_remote_code
        adapter = self._adapter
        parts = {
            "files": files_digest(self._weights_folder, hashes, code=code),
            "adapter": files_digest(adapter, hashes, code=code, adapter=True) if adapter else None,
            "dtype": self.dtype,
            "device": self.device.partition(":")[0],
            "engine": _OTHER_ENGINES.get(self.family) or ENGINES[self.options.engine],
            "overflow": self.options.overflow,
        }
        if self.encoder.thinks:
            parts["thoughts"] = _THOUGHTS
        if self.options.chat_template is not None:
            parts["chat_template"] = self.encoder.template.sha256
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that compute the answers; see `models.base.Versioned`."""
        return deciding_versions(self.device, adapter=self.options.adapter is not None)

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Tokens of each request; reads the tokenizer only."""
        encoder = self._requests
        return [Cost(0, 0, 0) if encoder.refusal(request) else encoder.cost(request) for request in requests]

    def render(self, request: Request) -> str:
        """The prompt as the model reads it, without what is cut to fit its context."""
        return self._requests.read(request)

    def refusal(self, request: Request) -> str | None:
        """Why the chat template takes no such request (`base.Chatting`)."""
        refused = self._requests.refusal(request)
        return refused.detail if refused else None

    def folded(self, request: Request) -> bool:
        """Whether its system message stands in the user's (`base.Chatting`)."""
        return self._requests.folded(request)

    def computed(self) -> Mapping[str, float]:
        """The ledger's counts, and the operations that they come to; empty before the weights are loaded."""
        counts = self._loaded.ledger.counts() if self._loaded else {}
        if self._loaded and self._architecture:
            counts = {**counts, **self._architecture.work(counts)}
        names = {**counts, **self._before}
        return {name: counts.get(name, 0) + self._before.get(name, 0) for name in names}

    def load(self) -> None:
        """Read the weights and bring them to the device."""
        if self._loaded is None:
            model, unused = load_weights(
                self._weights_folder,
                self.config,
                self.family,
                dtype=self.dtype,
                device=self.device,
                adapter=self._adapter,
                trust_remote_code=self.options.trust_remote_code,
            )
            if unused:
                self._say_unused(unused)
            place = Place(
                name=self.name,
                device=self.device,
                dtype=self.dtype,
                engine=self.options.engine,
                pad=self._pad,
                ends=tuple(end_tokens(model, self.encoder.tokenizer, self._text_folder)),
                decode=self.encoder.decode,
                written=Written(self.encoder.decode_written, self.encoder.special),
                batch_tokens=self.options.batch_tokens,
                longest=self.context,
            )
            mask = self.encoder.tokenizer.mask_token_id
            self._loaded = make_network(self.family, model, self.config, place, mask)
            self._architecture = read_architecture(model)

    def release(self) -> None:
        """Let the weights go; what was computed and how it was run stays known."""
        if self._loaded is None:
            return
        self._before = self.computed()
        self._details.update(self._loaded.details)
        self._loaded = None
        gc.collect()  # modules and hooks refer to each other in circles
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
        generated = [i for i, request in enumerate(requests) if isinstance(request, Generate)]
        scored = [i for i, request in enumerate(requests) if not isinstance(request, Generate)]
        yield from self._score(requests, scored, known)
        yield from self._generate(requests, generated, known)

    # Scoring

    def _score(
        self, requests: Sequence[Request], indices: Sequence[int], known: Collection[int]
    ) -> Iterator[dict[int, Response]]:
        rows: dict[int, Sequence[Row]] = {}
        detailed: dict[int, Sequence[Row]] = {}
        cut: dict[int, int] = {}
        at_once: dict[int, Response] = {}
        for i in indices:
            request = requests[i]
            assert not isinstance(request, Generate)
            wants_detail = isinstance(request, Perplexity) and request.detail
            if wants_detail and not isinstance(self._network, Detailed):
                at_once[i] = self._no_detail()
                continue
            with self._network.ledger.encoding():
                own = self._requests.refusal(request) or self._requests.rows(request)
            if isinstance(own, Failure):
                at_once[i] = own
            elif not own[0]:
                at_once[i] = Likelihood(0.0, 0)  # a text of no tokens
            else:
                (detailed if wants_detail else rows)[i], cut[i] = own
        at_once = {i: response for i, response in at_once.items() if i not in known}
        if at_once:
            yield at_once
        if rows:
            for batch in self._network.score(rows, known):
                yield {i: scored_answer(requests[i], rows[i], scores, cut[i]) for i, scores in batch.items()}
        if detailed and isinstance(self._network, Detailed):
            for batch in self._network.score_detailed(detailed, known):
                yield {i: scored_answer(requests[i], detailed[i], own, cut[i]) for i, own in batch.items()}

    def _no_detail(self) -> Failure:
        why = f"{self.name} is no decoder-only model, and the likelihood of its texts has no detail"
        return Failure("unsupported", why)

    # Generation

    def _generate(
        self, requests: Sequence[Request], indices: Sequence[int], known: Collection[int]
    ) -> Iterator[dict[int, Response]]:
        prompts: dict[int, Prompt] = {}
        cut: dict[int, int] = {}
        for i in indices:
            request = requests[i]
            assert isinstance(request, Generate)
            with self._network.ledger.encoding():
                own = self._requests.refusal(request) or self._requests.prompt(request)
            if not isinstance(own, Failure) and request.detail and self.family != "decoder":
                own = self._no_detail()
            if isinstance(own, Failure):
                if i not in known:
                    yield {i: own}
            else:
                prompts[i], cut[i] = own
        if not prompts:
            return
        waiting: dict[int, Generated] = {}
        for batch in self._network.generate(prompts, known):
            done: dict[int, Response] = {}
            for i, result in batch.items():
                if result.nan:
                    done[i] = Failure("nan", "the model's logits are NaN")
                else:
                    finish: Literal["stop", "length"] = "stop" if result.stopped else "length"
                    request = requests[i]
                    assert isinstance(request, Generate)
                    plain = request.stop_in_thoughts
                    text = self.encoder.without_markers(result.text) if plain else result.text
                    answer = Generated(text, result.tokens, finish, cut[i])
                    if text and request.detail:
                        waiting[i] = answer
                    else:
                        done[i] = answer
            if done:
                yield done
            if len(waiting) >= _SCORED_TOGETHER:
                yield with_likelihood(self._network, self._requests, requests, waiting)
                waiting = {}
        if waiting:
            yield with_likelihood(self._network, self._requests, requests, waiting)

    # What configuration and tokenizer say

    @cached_property
    def _requests(self) -> RequestEncoder:
        return ENCODERS[self.family](self.encoder, self.context, self.options.overflow)

    @cached_property
    def encoder(self) -> Encoder:
        """The tokenizer."""
        # The configuration first: without it the tokenizer's own error would point to the wrong file.
        vocabulary = self._vocabulary
        code, adapter = self.options.trust_remote_code, self._adapter
        if adapter is not None and has_tokenizer(adapter):
            self._details["tokenizer"] = "the adapter's own, with its chat template"
            self._note(f"{self.name}: the adapter brings a tokenizer of its own, which is used.")
            tokenizer = load_tokenizer(adapter, trust_remote_code=code, config=self.config)
            return Encoder(tokenizer, vocabulary, self.options.chat_template)
        tokenizer = load_tokenizer(self._text_folder, trust_remote_code=code)
        template = own_template(adapter) if adapter is not None else None
        if template is not None:
            self._details["chat template"] = "the adapter's own"
            self._note(f"{self.name}: the adapter brings a chat template of its own, which is used.")
            tokenizer.chat_template = template
        return Encoder(tokenizer, vocabulary, self.options.chat_template)

    @cached_property
    def _vocabulary(self) -> int | None:
        """Tokens that the model has an embedding for, those included that the adapter adds."""
        size = vocabulary_size(self.config)
        if self._adapter is None:
            return size
        return adapter_vocabulary(self._adapter, size, getattr(text_config(self.config), "hidden_size", None))

    @cached_property
    def config(self) -> Any:
        """The transformers configuration."""
        return load_config(self._text_folder, trust_remote_code=self.options.trust_remote_code)

    @cached_property
    def family(self) -> Family:
        """The family of architectures. Raises `UserError` where `--engine` has no meaning for it."""
        family = family_of(self.config, self._text_folder)
        if family != "decoder" and self.options.engine != "auto":
            raise UserError(
                f"--engine {self.options.engine}: is for decoder-only models, and {self.name} is "
                f"{'an' if family[0] == 'e' else 'a'} {family} model: use --engine auto."
            )
        return family

    @cached_property
    def context(self) -> int | None:
        """Tokens that the model can attend to."""
        return context_length(self.config, self.encoder.tokenizer)

    @cached_property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return resolve_dtype(self.options.dtype, self.device, self.config)

    @property
    def _parameters(self) -> int | None:
        """As the files say that the weights are read from, so that it is known without loading them; None for
        weights that are not here yet. An adapter's do not count: they are added to those that are there."""
        if self._counted is None:
            tied = getattr(text_config(self.config), "tie_word_embeddings", False)
            self._counted = stored_parameters(self._folder or self._text_folder, tied=bool(tied))
        return self._counted

    def _say_unused(self, names: Sequence[str]) -> None:
        how_many = f"{len(names)} (such as {names[0]})"
        self._details["unused weights"] = how_many
        self._note(
            f"{self.name}: the model has no place for {how_many} of the checkpoint's weights: left unused."
        )

    @cached_property
    def _pad(self) -> int:
        tokenizer, size = self.encoder.tokenizer, self._vocabulary
        # A token that the tokenizer's settings add may have no embedding.
        known = [
            int(token)
            for token in (tokenizer.pad_token_id, tokenizer.eos_token_id)
            if token is not None and (size is None or token < size)
        ]
        return known[0] if known else 0

    @cached_property
    def _text_folder(self) -> Path:
        return self._folder or self._fetch(self._revision, weights=False)

    @cached_property
    def _weights_folder(self) -> Path:
        # Of the same commit as the configuration, should the branch have moved on in between.
        return self._folder or self._fetch(hub.commit(self._text_folder) or self._revision, weights=True)

    @cached_property
    def _adapter(self) -> Path | None:
        if self.options.adapter is None:
            return None
        folder = Path(self.options.adapter)
        if folder.is_dir() or self.options.adapter.startswith((".", "/", "~")):
            check_adapter(folder.expanduser())
            return folder.expanduser()
        found = hub.fetch(
            self.options.adapter,
            None,
            weights=True,
            code=self.options.trust_remote_code,
            offline=self.options.offline,
            adapter=True,
        )
        check_adapter(found)
        return found

    def _fetch(self, revision: str | None, *, weights: bool) -> Path:
        assert self._repository is not None
        return hub.fetch(
            self._repository,
            revision,
            weights=weights,
            code=self.options.trust_remote_code,
            offline=self.options.offline,
        )
