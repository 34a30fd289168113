"""Encodes requests as tokens, counts their cost, and truncates or refuses what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsm_eval.inference.generating.prompts import Budget, Prompt
from lsm_eval.inference.scoring.plain import TokenRow, windows
from lsm_eval.models.base import Cost, Overflow
from lsm_eval.models.characters import whole_characters
from lsm_eval.models.chat_template import Refused
from lsm_eval.models.encoding import Encoder
from lsm_eval.reasoning.prompts import closing_of, opens
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Score


class Row(Protocol):
    """The input of a family's `Network.score`: a text, or a part of one."""

    @property
    def scored(self) -> int:
        """How many of its tokens are scored."""
        ...


_NO_TOKENS = Failure("unsupported", "a text whose likelihood is requested has no tokens")


class RequestEncoder:
    """Turns requests into token rows and prompts within a model's context, for decoder-only models.

    Encoders of other families are derived from it (`family_encoding`).
    """

    def __init__(self, encoder: Encoder, context: int | None, overflow: Overflow) -> None:
        """`context`: the most tokens that the model can attend to; None if there is no limit."""
        self._encoder, self._context, self._overflow = encoder, context, overflow

    def text(self, request: Request) -> str:
        """The prompt as the model reads it, rendered by its chat template if the request asks for that.

        Raises `chat_template.Refused` if the template refuses the messages."""
        if not isinstance(request, Perplexity) and request.chat:
            # A choice is an answer, so it comes after the thoughts, not inside them.
            if isinstance(request, Generate):
                return self._encoder.chat(*_messages(request), effort=request.reasoning_effort)
            return self._encoder.chat(*_messages(request), thinking=False)
        return _plain(request)

    def refusal(self, request: Request) -> Failure | None:
        """The failure of a request whose messages the chat template refuses; None for any other."""
        try:
            self.text(request)
        except Refused as error:
            return Failure("unsupported", str(error))
        return None

    def folded(self, request: Request) -> bool:
        """Whether the chat template puts the request's system message into the user's."""
        if isinstance(request, Perplexity) or not request.chat or self.refusal(request):
            return False
        return self._encoder.template.render(*_messages(request)).folded

    def read(self, request: Request) -> str:
        """The prompt as the model reads it, truncated to the model's context."""
        if self.refusal(request):
            return _plain(request)
        text = self.text(request)
        if self._overflow != "truncate" or isinstance(request, Perplexity):
            return text
        own = self.prompt(request) if isinstance(request, Generate) else self.rows(request)
        if isinstance(own, Failure) or not own[1]:
            return text
        (tokens,) = self._encoder.encode([text], chat=True)
        kept = self._kept(tokens)
        if self._keeps_start(request):
            return self._encoder.without(text, kept, own[1])
        return self._encoder.without(text, 0, own[1] - (0 if kept else len(self._encoder.prefix)))

    def cost(self, request: Request) -> Cost:
        """What the request costs, in tokens."""
        if isinstance(request, Generate):
            tokens = self._prompt_tokens(request)
            size = len(tokens) + request.most_tokens
            return Cost(size, self._leading_bos(tokens), size, self._excess(size))
        if isinstance(request, Perplexity):
            length = len(self._plain_tokens(request))
            return Cost(length, 1, min(length, self._context or length), 0)
        pairs = self._pairs(request)
        longest = max(len(tokens) for tokens, _ in pairs) - 1
        total = sum(len(tokens) for tokens, _ in pairs)
        return Cost(total, self._leading_bos(pairs[0][0]), longest, self._excess(longest))

    def rows(self, request: Score | Perplexity) -> Failure | tuple[Sequence[Row], int]:
        """The token rows of a request to be scored, and the most context tokens that were cut from one."""
        if isinstance(request, Perplexity):
            text = self._plain_tokens(request)
            return windows(text, self._encoder.start[-1], self._context or max(len(text), 1)), 0
        return self._fitting(self._pairs(request), alike=not request.lm_eval)

    def completion(self, request: Generate, text: str) -> Failure | tuple[Sequence[TokenRow], int]:
        """The token row to score a generated text (not empty) after the request's prompt."""
        pairs = self._encoder.encode_pairs(self.text(request), (text,), chat=request.chat)
        return self._fitting(pairs, alike=not request.lm_eval)

    def _fitting(
        self, pairs: Sequence[tuple[tuple[int, ...], int]], *, alike: bool
    ) -> Failure | tuple[Sequence[TokenRow], int]:
        """`alike`: all lose as many tokens as the longest must, after BOS; otherwise each loses its own excess, from the very
        left."""
        if not all(scored for _, scored in pairs):
            return _NO_TOKENS
        rows: list[TokenRow] = []
        # The model reads all tokens but the last one.
        most = max(self._excess(len(tokens) - 1) for tokens, _ in pairs)
        for tokens, scored in pairs:
            kept = self._kept(tokens) if alike else 0
            excess = most if alike else self._excess(len(tokens) - 1)
            # At least one token of the context stays.
            if excess and (self._overflow != "truncate" or excess > len(tokens) - scored - max(kept, 1)):
                return self._too_long(max(len(tokens) for tokens, _ in pairs) - 1)
            rows.append(TokenRow((*tokens[:kept], *tokens[kept + excess :]) if excess else tokens, scored))
        return rows, most

    def prompt(self, request: Generate) -> Failure | tuple[Prompt, int]:
        """The prompt of a request to be continued, and how many of its tokens were cut."""
        tokens = self._prompt_tokens(request)
        size = len(tokens) + request.most_tokens
        cut = self._excess(size)
        kept = 0 if request.lm_eval else self._kept(tokens)
        if cut and (self._overflow != "truncate" or cut > len(tokens) - max(kept, 1)):
            return self._too_long(size)
        return self._as_prompt([*tokens[:kept], *tokens[kept + cut :]], request), cut

    def _as_prompt(self, tokens: Sequence[int], request: Generate) -> Prompt:
        return Prompt(
            tuple(tokens),
            tuple(dict.fromkeys(stop for stop in request.stop if stop)),
            request.most_tokens,
            request.temperature,
            request.top_p,
            request.seed,
            opened=self._opens(request),
            stop_in_thoughts=request.stop_in_thoughts,
            lm_eval=request.lm_eval,
            budget=self._budget(request),
        )

    def _budget(self, request: Generate) -> Budget | None:
        if request.reasoning_tokens is None:
            return None
        closes = closing_of(self.text(request)) if self._opens(request) else None
        return Budget(request.reasoning_tokens, request.max_tokens, closes)

    def _opens(self, request: Generate) -> bool:
        """Whether the prompt ends inside thoughts."""
        if request.chat and not self._encoder.thinks:
            return False
        return opens(self.text(request))

    def _pairs(self, request: Score) -> list[tuple[tuple[int, ...], int]]:
        return self._encoder.encode_pairs(self.text(request), request.continuations, chat=request.chat)

    def _prompt_tokens(self, request: Generate) -> list[int]:
        (tokens,) = self._encoder.encode([self.text(request)], chat=request.chat)
        return tokens or list(self._encoder.start)

    def _plain_tokens(self, request: Perplexity) -> list[int]:
        # Without the tokenizer's BOS, nor the text's own, as the windows add it.
        (tokens,) = self._encoder.encode([request.text], chat=True)
        start = () if request.lm_eval else self._start
        return tokens[len(start) :] if start and tuple(tokens[: len(start)]) == start else tokens

    def _keeps_start(self, request: Request) -> bool:
        return not request.lm_eval

    @property
    def _start(self) -> tuple[int, ...]:
        """The tokens that the windows of a text begin with."""
        return self._encoder.start[-1:]

    def _kept(self, tokens: Sequence[int]) -> int:
        """How many of the first tokens are BOS or the tokenizer's prefix, which are never cut."""
        prefix = self._encoder.prefix
        own = len(prefix) if prefix and tuple(tokens[: len(prefix)]) == prefix else 0
        return max(own, self._leading_bos(tokens))

    def _leading_bos(self, tokens: Sequence[int]) -> int:
        # Only those at the start, as some chat templates begin every turn with BOS.
        bos, count = self._encoder.bos, 0
        while bos is not None and count < len(tokens) and tokens[count] == bos:
            count += 1
        return count

    def _excess(self, length: int) -> int:
        return max(length - self._context, 0) if self._context else 0

    def _too_long(self, length: int) -> Failure:
        return Failure("too_long", f"{length} tokens, and the model's context is {self._context}")


def _messages(request: Score | Generate) -> tuple[str, str | None]:
    """The user's message, and the system message."""
    if isinstance(request, Score):
        return whole_characters(request.context), None
    return whole_characters(request.prompt), None if request.system is None else whole_characters(
        request.system
    )


def _plain(request: Request) -> str:
    """The prompt without a chat template."""
    if isinstance(request, Perplexity):
        return whole_characters(request.text)
    prompt, system = _messages(request)
    return f"{system}\n\n{prompt}" if system else prompt
