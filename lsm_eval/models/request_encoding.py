"""Requests as tokens: what a model reads, what that costs, and what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.scoring.plain import TokenRow, windows
from lsm_eval.models.base import Cost, Overflow
from lsm_eval.models.encoding import Encoder
from lsm_eval.reasoning.prompts import opens
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Score


class Row(Protocol):
    """What a family's `Network.score` reads: a text, or a part of one."""

    @property
    def scored(self) -> int:
        """How many of its tokens are scored."""
        ...


class RequestEncoder:
    """Requests to token rows and prompts within a model's context, as a decoder-only model reads them.

    Other families derive from it (`family_encoding`).
    """

    def __init__(self, encoder: Encoder, context: int | None, overflow: Overflow) -> None:
        """`context`: tokens that the model can attend to; None where there is no bound."""
        self._encoder, self._context, self._overflow = encoder, context, overflow

    def text(self, request: Request) -> str:
        """The prompt as the model reads it, through its chat template if the request asks for that."""
        if isinstance(request, Perplexity):
            return request.text
        if isinstance(request, Score):
            chat = request.chat
            # A choice is an answer: it stands after the thoughts, not in them.
            return self._encoder.chat(request.context, None, thinking=False) if chat else request.context
        if request.chat:
            return self._encoder.chat(request.prompt, request.system)
        return f"{request.system}\n\n{request.prompt}" if request.system else request.prompt

    def cost(self, request: Request) -> Cost:
        """What the request costs, in tokens."""
        if isinstance(request, Generate):
            tokens = self._prompt_tokens(request)
            size = len(tokens) + request.max_tokens
            return Cost(size, self._leading_bos(tokens), size, self._excess(size))
        if isinstance(request, Perplexity):
            length = len(self._plain_tokens(request.text))
            return Cost(length, 1, min(length, self._context or length), 0)
        pairs = self._pairs(request)
        longest = max(len(tokens) for tokens, _ in pairs) - 1
        asked = sum(len(tokens) for tokens, _ in pairs)
        return Cost(asked, self._leading_bos(pairs[0][0]), longest, self._excess(longest))

    def rows(self, request: Score | Perplexity) -> Failure | tuple[Sequence[Row], int]:
        """The token rows of a request that is scored, and how many context tokens were cut at most."""
        if isinstance(request, Perplexity):
            text = self._plain_tokens(request.text)
            return windows(text, self._encoder.start[-1], self._context or max(len(text), 1)), 0
        return self._fitting(self._pairs(request))

    def completion(self, request: Generate, text: str) -> Failure | tuple[Sequence[TokenRow], int]:
        """The token row of a text (not empty) that came after the request's prompt, to be scored."""
        return self._fitting(self._encoder.encode_pairs(self.text(request), (text,), chat=request.chat))

    def _fitting(
        self, pairs: Sequence[tuple[tuple[int, ...], int]]
    ) -> Failure | tuple[Sequence[TokenRow], int]:
        rows: list[TokenRow] = []
        cut = 0
        for tokens, scored in pairs:
            # The model reads all tokens but the last one.
            excess = self._excess(len(tokens) - 1)
            if excess and (self._overflow != "truncate" or scored >= len(tokens) - excess):
                return self._too_long(len(tokens) - 1)
            rows.append(TokenRow(tokens[excess:], scored))
            cut = max(cut, excess)
        return rows, cut

    def prompt(self, request: Generate) -> Failure | tuple[Prompt, int]:
        """The prompt of a request that is continued, and how many of its tokens were cut."""
        tokens = self._prompt_tokens(request)
        size = len(tokens) + request.max_tokens
        cut = self._excess(size)
        if cut and (self._overflow != "truncate" or cut >= len(tokens)):
            return self._too_long(size)
        return self._as_prompt(tokens[cut:], request), cut

    def _as_prompt(self, tokens: Sequence[int], request: Generate) -> Prompt:
        return Prompt(
            tuple(tokens),
            request.stop,
            request.max_tokens,
            request.temperature,
            request.top_p,
            request.seed,
            opened=self._opens(request),
            stop_in_thoughts=request.stop_in_thoughts,
        )

    def _opens(self, request: Generate) -> bool:
        """Whether the prompt ends inside thoughts."""
        if not request.stop or (request.chat and not self._encoder.thinks):
            return False  # and where nothing stops it, it does not matter
        return opens(self.text(request))

    def _pairs(self, request: Score) -> list[tuple[tuple[int, ...], int]]:
        return self._encoder.encode_pairs(self.text(request), request.continuations, chat=request.chat)

    def _prompt_tokens(self, request: Generate) -> list[int]:
        (tokens,) = self._encoder.encode([self.text(request)], chat=request.chat)
        return tokens or list(self._encoder.start)

    def _plain_tokens(self, text: str) -> list[int]:
        # Without the tokenizer's beginning of text: the windows put it there.
        (tokens,) = self._encoder.encode([text], chat=True)
        return tokens

    def _leading_bos(self, tokens: Sequence[int]) -> int:
        # Only the run at the start: some chat templates open every turn with the token that is also BOS.
        bos, count = self._encoder.bos, 0
        while bos is not None and count < len(tokens) and tokens[count] == bos:
            count += 1
        return count

    def _excess(self, length: int) -> int:
        return max(length - self._context, 0) if self._context else 0

    def _too_long(self, length: int) -> Failure:
        return Failure("too_long", f"{length} tokens, and the model's context is {self._context}")
