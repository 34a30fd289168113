"""A checkpoint without its weights: files, configuration, tokenizer, adapter, context, dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models import hub
from lsm_eval.models.adapter_files import (
    adapter_vocabulary,
    check_adapter,
    has_tokenizer,
    other_base,
    own_template,
)
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.configuration import (
    context_length,
    load_config,
    load_tokenizer,
    text_config,
    vocabulary_size,
)
from lsm_eval.models.devices import resolve_device, resolve_dtype
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.family import Family, family_of
from lsm_eval.models.quantised import METHODS, check_not_twice, check_quantize, own_quantisation
from lsm_eval.models.weight_files import stored_parameters


class Checkpoint:
    """A checkpoint folder, or a hub repository, with the adapter that the options name."""

    def __init__(
        self,
        name: str,
        options: ModelOptions,
        *,
        folder: Path | None = None,
        repository: str | None = None,
        revision: str | None = None,
        details: dict[str, str] | None = None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Exactly one of `folder` and `repository`; `note` is called with what a user must know. Raises `UserError` for
        options that cannot be honoured."""
        self.name = name
        self.options = options
        self.device = resolve_device(options.device)
        self.details = dict(details or {})
        """Additional details of the model, for the record."""
        self._repository, self._revision, self._folder, self._note = repository, revision, folder, note
        self._counted: int | None = None
        if options.adapter is not None:
            self.details["adapter"] = options.adapter
        if options.quantize is not None:
            check_quantize(options.quantize, self.device)
            self.details["quantised here"] = METHODS[options.quantize]

    @property
    def revision(self) -> str | None:
        """The revision that was requested, or the commit that was found."""
        return self._revision or hub.commit(self.text_folder)

    @cached_property
    def encoder(self) -> Encoder:
        """The tokenizer."""
        # The configuration first, as otherwise the tokenizer's error would name the wrong file.
        vocabulary = self.vocabulary
        code, adapter = self.options.trust_remote_code, self.adapter
        if adapter is not None and has_tokenizer(adapter):
            self.details["tokenizer"] = "the adapter's own, with its chat template"
            self._note(f"{self.name}: the adapter has its own tokenizer, which is used.")
            tokenizer = load_tokenizer(adapter, trust_remote_code=code, config=self.config)
            return Encoder(tokenizer, vocabulary, self.options.chat_template)
        tokenizer = load_tokenizer(self.text_folder, trust_remote_code=code)
        template = own_template(adapter) if adapter is not None else None
        if template is not None:
            self.details["chat template"] = "the adapter's own"
            self._note(f"{self.name}: the adapter has its own chat template, which is used.")
            tokenizer.chat_template = template
        return Encoder(tokenizer, vocabulary, self.options.chat_template)

    @cached_property
    def vocabulary(self) -> int | None:
        """The number of tokens with an embedding, including those that the adapter adds."""
        size = vocabulary_size(self.config)
        if self.adapter is None:
            return size
        return adapter_vocabulary(self.adapter, size, getattr(text_config(self.config), "hidden_size", None))

    @cached_property
    def config(self) -> Any:
        """The transformers configuration."""
        config = load_config(self.text_folder, trust_remote_code=self.options.trust_remote_code)
        if self.options.quantize is not None:
            check_not_twice(self.options.quantize, config)
        elif (own := own_quantisation(config)) is not None:
            self.details["quantised weights"] = own
        return config

    @cached_property
    def family(self) -> Family:
        """The family of architectures. Raises `UserError` if `--engine` has no meaning for it."""
        family = family_of(self.config, self.text_folder)
        if family != "decoder" and self.options.engine != "auto":
            raise UserError(
                f"--engine {self.options.engine}: is for decoder-only models, and {self.name} is "
                f"{'an' if family[0] == 'e' else 'a'} {family} model: use --engine auto."
            )
        return family

    @cached_property
    def context(self) -> int | None:
        """The most tokens that the model can attend to."""
        return context_length(self.config, self.encoder.tokenizer)

    @cached_property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return resolve_dtype(self.options.dtype, self.device, self.config)

    @property
    def parameters(self) -> int | None:
        """The number of weights according to the headers of their files, so that they need not be loaded; None if they are
        not fetched yet. An adapter's weights do not count, as they are merged."""
        if self._counted is None:
            tied = getattr(text_config(self.config), "tie_word_embeddings", False)
            self._counted = stored_parameters(self._folder or self.text_folder, tied=bool(tied))
        return self._counted

    def say_unused(self, names: Sequence[str]) -> None:
        """Note which weights of the checkpoint the model has no place for."""
        how_many = f"{len(names)} (such as {names[0]})"
        self.details["unused weights"] = how_many
        self._note(
            f"{self.name}: the model has no place for {how_many} of the checkpoint's weights: left unused."
        )

    @cached_property
    def pad(self) -> int:
        """The padding token."""
        tokenizer, size = self.encoder.tokenizer, self.vocabulary
        named = (tokenizer.pad_token_id, tokenizer.eos_token_id)
        # Tokenizers may name tokens that the model has no embedding for.
        return next((int(one) for one in named if one is not None and (size is None or one < size)), 0)

    @cached_property
    def text_folder(self) -> Path:
        """The folder of configuration and tokenizer."""
        return self._folder or self._fetch(self._revision, weights=False)

    @cached_property
    def weights_folder(self) -> Path:
        """The folder that also has the weights."""
        # Of the same commit as the configuration, even if the branch has changed in between.
        return self._folder or self._fetch(hub.commit(self.text_folder) or self._revision, weights=True)

    @cached_property
    def adapter(self) -> Path | None:
        """The folder of the adapter, checked."""
        if self.options.adapter is None:
            return None
        name = self.options.adapter.removeprefix("hf:")
        found = Path(name).expanduser()
        if not found.is_dir() and not name.startswith((".", "/", "~")):
            repository, _, revision = name.partition("@")
            found = hub.fetch(
                repository,
                revision or None,
                weights=True,
                code=self.options.trust_remote_code,
                offline=self.options.offline,
                adapter=True,
            )
            self.details["adapter revision"] = hub.commit(found) or revision
        check_adapter(found)
        other = other_base(found, self._repository, self._folder)
        if other is not None:
            self.details["adapter base"] = other
            self._note(
                f"{self.name}: the adapter says that it was trained on {other!r}; it also fits other models of the same shapes, so "
                "check that this is the right one."
            )
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
