"""Turns text into tokens: splits contexts from continuations, applies chat templates, and adds exactly one BOS."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.characters import whole_characters
from lsm_eval.models.chat_template import ChatTemplate
from lsm_eval.models.token_cache import TokenCache
from lsm_eval.reasoning import prompts
from lsm_eval.reasoning.families import marking


class Encoder:
    """Encodes and decodes with a tokenizer.

    For a model that continues texts (`encode`, `encode_pairs`), special tokens that the tokenizer would add at a text's end
    are left out, as a text to be continued has not ended. Those that it adds at the start (BOS) are added once, but not if
    the text begins with them already, as a chat template's text does. For an encoder, which reads whole texts
    (`encode_whole`, `encode_apart`), those at the end are kept.
    """

    def __init__(self, tokenizer: Any, vocabulary: int | None = None, template: str | None = None) -> None:
        """`vocabulary`: how many tokens the model has; None if unknown. `template`: a chat template to use instead of the
        tokenizer's (`ChatTemplate`)."""
        self.tokenizer = tokenizer
        self.template = ChatTemplate(tokenizer, template)
        self._vocabulary = vocabulary
        self._cache = TokenCache()
        self.bos: int | None = tokenizer.bos_token_id
        self._bos_text: str | None = tokenizer.bos_token
        plain = self._ids(["a"], special=False)[0]
        special = self._ids(["a"], special=True)[0]
        at = next((i for i in range(len(special)) if special[i : i + len(plain)] == plain), 0)
        self.prefix: tuple[int, ...] = tuple(special[:at])
        self.suffix: tuple[int, ...] = tuple(special[at + len(plain) :])

    @property
    def chat_template(self) -> bool:
        """Whether the tokenizer has a chat template."""
        return bool(self.template)

    @property
    def start(self) -> tuple[int, ...]:
        """The tokens of an empty context: the model's BOS, or its EOS if it has none."""
        if self.prefix:
            return self.prefix
        token = self._first
        if token is None:
            raise UserError(
                "the tokenizer has neither a BOS nor an EOS token, so a text cannot be scored from its start; "
                "use tasks that have a context."
            )
        self._check(token)
        return (token,)

    def encode(self, texts: Sequence[str], *, chat: bool = False) -> list[list[int]]:
        """Tokens of each text, with the tokenizer's BOS unless it is there already."""
        encoded = self._ids(texts, special=False)
        if chat or not self.prefix:
            return encoded
        return [
            ids
            if (self._bos_text and text.startswith(self._bos_text)) or self._begins(ids)
            else [*self.prefix, *ids]
            for text, ids in zip(texts, encoded, strict=True)
        ]

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without special ones around it; they are not cached."""
        return list(map(len, self._tokenise([whole_characters(text) for text in texts], special=False)))

    def encode_pairs(
        self, context: str, continuations: Sequence[str], *, chat: bool = False
    ) -> list[tuple[tuple[int, ...], int]]:
        """For each continuation, the tokens of context and continuation together, and how many of the last
        ones are the continuation's.

        They are tokenised jointly and split where the context alone ends; white space at the context's end
        goes to the continuation (lm-evaluation-harness's rule, which keeps words whole).
        """
        body = context.rstrip()
        spaces = context[len(body) :]
        if not body:
            tails = self._ids([spaces + c for c in continuations], special=False)
            if self._bos_text and any(c.startswith(self._bos_text) for c in continuations):
                start_ids = list(self.start)
                tails = [t[1:] if t[:1] == start_ids[-1:] else t for t in tails]
            return [((*self.start, *tail), len(tail)) for tail in tails]
        head, *whole = self.encode([body, *(body + spaces + c for c in continuations)], chat=chat)
        found = [(tuple(ids), max(len(ids) - len(head), 1)) for ids in whole]
        # A context without tokens, or one that is part of its continuation's only token, counts as empty.
        return [
            (ids, scored) if len(ids) > scored else ((*self.start, *ids), len(ids)) for ids, scored in found
        ]

    def encode_whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of each text with the tokenizer's special tokens before and after it, but none around a text that already
        begins with BOS. At least one token each."""
        first = self.tokenizer.decode([self._first]) if self._first is not None else None
        bare = [first is not None and text.startswith(first) for text in texts]
        whole = iter(self._ids([t for t, own in zip(texts, bare, strict=True) if not own], special=True))
        plain = iter(self._ids([t for t, own in zip(texts, bare, strict=True) if own], special=False))
        return [next(plain if own else whole) or list(self.start) for own in bare]

    def encode_apart(
        self, context: str, continuations: Sequence[str]
    ) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """For each continuation, the tokens of the context as an encoder reads it, and the continuation's own.

        The two are tokenised separately, without special tokens for the continuation; white space at the context's end goes
        to the continuation. An empty context becomes BOS (EOS if there is none), which is removed from the continuation if
        that starts with it: all as lm-evaluation-harness does it.
        """
        body = context.rstrip()
        spaces = context[len(body) :]
        tails = [tuple(ids) for ids in self._ids([spaces + c for c in continuations], special=False)]
        if context:
            head = tuple(self.encode_whole([body])[0])
            return [(head, tail) for tail in tails]
        first = self.start[-1] if self._first is None else self._first
        self._check(first)
        return [((first,), tail[1:] if tail[:1] == (first,) else tail) for tail in tails]

    def encode_around(
        self, context: str, continuations: Sequence[str]
    ) -> list[tuple[tuple[int, ...], int, int]]:
        """For each continuation, the tokens of context and continuation as one text, the index of the continuation's first
        token, and their number, which is 0 if it adds nothing to the text.

        Tokenised jointly and split as in `encode_pairs`.
        """
        body = context.rstrip()
        head, *whole = self._ids([body, *(context + c for c in continuations)], special=False)
        found = []
        for ids in whole:
            scored = 0 if ids == head else max(len(ids) - len(head), 1)
            before = () if self._begins(ids) else self.prefix
            at = len(before) + len(ids) - scored
            found.append(((*before, *ids, *self.suffix), at, scored))
        return found

    def without(self, text: str, first: int, count: int) -> str:
        """`text` without `count` of its tokens, from index `first` on."""
        (ids,) = self._ids([text], special=False)
        if not self.tokenizer.is_fast:
            return self.decode_written(ids[:first]) + self.decode_written(ids[first + count :])
        places = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
            "offset_mapping"
        ]
        end = first + count
        # White space between two tokens goes with the later one; a character that two tokens share is kept.
        start = min(places[end][0], places[end - 1][1]) if end < len(places) else len(text)
        return text[: places[first - 1][1] if first else 0] + text[start:]

    def _begins(self, ids: Sequence[int]) -> bool:
        """Whether the tokens already begin with the tokenizer's prefix (BOS)."""
        return bool(self.prefix) and tuple(ids[: len(self.prefix)]) == self.prefix

    def chat(
        self, prompt: str, system: str | None, *, thinking: bool = True, effort: str | None = None
    ) -> str:
        """The prompt as a user's message rendered by the chat template, up to where the reply starts. `effort`: how much to
        think.

        Without `thinking`, up to where the answer starts: the template leaves out thoughts if it can, and thoughts that it
        opens nevertheless are closed.
        """
        system = None if system is None else whole_characters(system)
        text = self.template.render(whole_characters(prompt), system, thinking=thinking, effort=effort).text
        return text if thinking else prompts.closed(text)

    def decode(self, tokens: Sequence[int]) -> str:
        """Text of new tokens, with spaces unchanged; special tokens are left out, except those that mark thoughts."""
        marked = not self._markers.keys().isdisjoint(tokens)
        shown = (
            [t for t in tokens if t in self._markers or t not in self._special] if marked else list(tokens)
        )
        text = self.tokenizer.decode(
            shown, skip_special_tokens=not marked, clean_up_tokenization_spaces=False
        )
        return whole_characters(str(text))

    def decode_written(self, tokens: Sequence[int]) -> str:
        """Text of new tokens, with special ones written out."""
        text = self.tokenizer.decode(
            list(tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return whole_characters(str(text))

    @property
    def end_text(self) -> str | None:
        """The text of the EOS token, if there is one."""
        token = self.tokenizer.eos_token_id
        return None if token is None else str(self.tokenizer.decode([token]))

    @cached_property
    def special(self) -> frozenset[int]:
        """The tokens that `decode` leaves out."""
        return self._special - self._markers.keys()

    def without_markers(self, text: str) -> str:
        """A decoded text without the special tokens that mark thoughts."""
        for marker in self._markers.values():
            text = text.replace(marker, "")
        return text

    @cached_property
    def thinks(self) -> bool:
        """Whether the chat template deals with thoughts."""
        return prompts.mentions_thoughts(self.template.text or "")

    @cached_property
    def _special(self) -> frozenset[int]:
        added = getattr(self.tokenizer, "added_tokens_decoder", {}).items()
        return frozenset(self.tokenizer.all_special_ids) | {number for number, one in added if one.special}

    @cached_property
    def _markers(self) -> dict[int, str]:
        """Special tokens that mark thoughts, and their text."""
        texts = {number: str(self.tokenizer.convert_ids_to_tokens(number)) for number in self._special}
        kept = marking(texts.values())
        return {number: text for number, text in texts.items() if text in kept}

    @property
    def _first(self) -> int | None:
        """The token for an empty text: BOS, or EOS if there is none."""
        token = self.bos if self.bos is not None else self.tokenizer.eos_token_id
        return None if token is None else int(token)

    def _ids(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """Tokens of each text, cached."""
        texts = [whole_characters(text) for text in texts]
        keys = [self._cache.key(text, special) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._cache}
        found = dict(zip(new, self._tokenise(list(new.values()), special=special), strict=True))
        for key, ids in found.items():
            self._cache.keep(key, ids)
        return [found[key] if key in found else self._cache.get(key) for key in keys]

    def _tokenise(self, texts: list[str], *, special: bool) -> list[list[int]]:
        if not texts:
            return []
        encoded: list[list[int]] = self.tokenizer(
            texts,
            add_special_tokens=special,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        highest = max((max(ids) for ids in encoded if ids), default=0)
        self._check(highest)
        return encoded

    def _check(self, token: int) -> None:
        if self._vocabulary is not None and token >= self._vocabulary:
            raise UserError(
                f"the tokenizer gives token {token} and the model has tokens 0 to {self._vocabulary - 1} only: "
                "take tokenizer and weights from one checkpoint."
            )
