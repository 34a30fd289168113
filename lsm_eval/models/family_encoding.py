"""Encodes requests for encoder-decoder and masked models."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.inference.families.encoder_decoder import ConditionalRow
from lsm_eval.inference.families.masked import MaskedRow, masked_windows
from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.scoring.plain import windows
from lsm_eval.models.base import Cost
from lsm_eval.models.family import Family
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Score

_NO_TEXT = "a masked language model fills in tokens of a given text, and writes none"


class ConditionalEncoder(RequestEncoder):
    """For encoder-decoder models: the encoder reads the context, the decoder the scored or generated text.

    As in lm-evaluation-harness, a text for `Perplexity` goes to the decoder with the tokenizer's special tokens, and the
    encoder reads only BOS (for later windows, the tokens before). The model's context limits encoder and decoder separately.
    """

    def cost(self, request: Request) -> Cost:
        """What the request costs, in tokens."""
        if isinstance(request, Generate):
            tokens = self._prompt_tokens(request)
            longest = max(len(tokens), request.max_tokens)
            total = len(tokens) + request.max_tokens
            return Cost(total, self._leading_bos(tokens), longest, self._excess(longest))
        rows = self._rows(request)
        total = sum(len(row.context) + row.scored for row in rows)
        longest = max((max(len(row.context), row.scored) for row in rows), default=0)
        bos = self._leading_bos(rows[0].context) if rows else 0
        return Cost(total, bos, longest, self._excess(longest))

    def rows(self, request: Score | Perplexity) -> Failure | tuple[list[ConditionalRow], int]:
        """The rows of a request to be scored, and the most context tokens that were cut from one."""
        rows, cut = [], 0
        for row in self._rows(request):
            if not row.continuation:
                return _no_token()
            excess = self._excess(len(row.context))
            left = self._shortened(row.context, excess, request)
            if left is None or self._excess(row.scored):
                return self._too_long(max(len(row.context), row.scored))
            rows.append(ConditionalRow(left, row.continuation))
            cut = max(cut, excess)
        return rows, cut

    def prompt(self, request: Generate) -> Failure | tuple[Prompt, int]:
        """The prompt, for the encoder, and how many of its tokens were cut."""
        tokens = self._prompt_tokens(request)
        cut = self._excess(len(tokens))
        left = self._shortened(tokens, cut, request)
        if left is None or self._excess(request.max_tokens):
            return self._too_long(max(len(tokens), request.max_tokens))
        return self._as_prompt(left, request), cut

    def _shortened(self, context: Sequence[int], cut: int, request: Request) -> tuple[int, ...] | None:
        """The encoder's input without `cut` tokens after BOS; None if it must not be cut, or not so far, as its EOS must also
        stay."""
        kept = 0 if request.lm_eval else self._kept(context)
        suffix = self._encoder.suffix
        end = len(suffix) if suffix and tuple(context[-len(suffix) :]) == suffix else 0
        if cut and (self._overflow != "truncate" or cut > len(context) - kept - end):
            return None
        return (*context[:kept], *context[kept + cut :])

    def _rows(self, request: Score | Perplexity) -> list[ConditionalRow]:
        if isinstance(request, Score):
            pairs = self._encoder.encode_apart(self.text(request), request.continuations)
            return [ConditionalRow(context, continuation) for context, continuation in pairs]
        if not request.text:
            return []
        (tokens,) = self._encoder.encode_whole([request.text])
        ((start,), _) = self._encoder.encode_apart("", [""])[0]
        parts = windows(tokens, start, self._context or len(tokens))
        return [ConditionalRow(part.tokens[: -part.scored], part.tokens[-part.scored :]) for part in parts]

    def _prompt_tokens(self, request: Generate) -> list[int]:
        return self._encoder.encode_whole([self.text(request)])[0]


class MaskedEncoder(RequestEncoder):
    """For masked language models: whole texts, with the tokenizer's special tokens around them."""

    def cost(self, request: Request) -> Cost:
        """What the request costs, in tokens: a text counts once for each of its masked tokens."""
        if isinstance(request, Generate):
            return Cost(0, 0, 0, 0)
        rows = self._rows(request)
        total = sum(len(row.tokens) * row.scored for row in rows)
        longest = max((len(row.tokens) for row in rows), default=0)
        bos = self._leading_bos(rows[0].tokens) if rows else 0
        return Cost(total, bos, longest, self._excess(longest))

    def rows(self, request: Score | Perplexity) -> Failure | tuple[list[MaskedRow], int]:
        """The rows of a request to be scored, and the most context tokens that were cut from one."""
        rows = []
        start = len(self._encoder.prefix)
        whole = self._rows(request)
        cut = max((self._excess(len(row.tokens)) for row in whole), default=0)
        for row in whole:
            if not row.scored:
                return _no_token()
            if cut and (self._overflow != "truncate" or cut > row.first - start):
                return self._too_long(max(len(row.tokens) for row in whole))
            tokens = (*row.tokens[:start], *row.tokens[start + cut :])
            rows.append(MaskedRow(tokens, row.first - cut, row.scored))
        return rows, cut

    def prompt(self, request: Generate) -> Failure | tuple[Prompt, int]:
        """A failure, as these models generate no text."""
        return Failure("unsupported", f"{_NO_TEXT}: leave out tasks that generate, or name another --model.")

    def _keeps_start(self, request: Request) -> bool:
        return True  # lm-evaluation-harness has no such models

    @property
    def _start(self) -> tuple[int, ...]:
        """The tokens that the windows of a text begin with."""
        return self._encoder.prefix

    def _rows(self, request: Score | Perplexity) -> list[MaskedRow]:
        encoder = self._encoder
        if isinstance(request, Score):
            found = encoder.encode_around(self.text(request), request.continuations)
            return [MaskedRow(tokens, first, scored) for tokens, first, scored in found]
        text: Sequence[int] = self._plain_tokens(request)
        return masked_windows(text, encoder.prefix, encoder.suffix, self._context)


ENCODERS: dict[Family, type[RequestEncoder]] = {
    "decoder": RequestEncoder,
    "encoder-decoder": ConditionalEncoder,
    "masked": MaskedEncoder,
}
"""The encoder of requests, by family."""


def _no_token() -> Failure:
    return Failure("unsupported", "a continuation has no token of this tokenizer's")
