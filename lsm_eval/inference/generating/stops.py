"""Where a text ends: stop strings found as tokens come, and the rule for what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.reasoning.split import answer_start

_PENDING = 12  # tokens that may wait for the rest of a character before they are taken as they are
_CONTEXT = 4  # tokens that later ones are decoded with, or a few more: it begins at a whole character
_CHARACTER = 4  # tokens that one character may take, at most: UTF-8's bytes

Decode = Callable[[Sequence[int]], str]


class StopWatch:
    """Tells at which new token a stop string stands in the text, decoding the last few tokens only.

    A token is decoded together with the few before it, since a tokenizer may write it differently at a text's
    start (SentencePiece drops a space there), and counts as text only once its last character is whole
    (byte-level tokens may end inside one). What this misses or finds too soon costs time, not truth: the text
    itself is always cut by `finish`.
    """

    def __init__(self, stops: Sequence[str], decode: Decode) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._keep = max((len(stop) for stop in self._stops), default=1) - 1
        self._decode = decode
        self._tokens: list[int] = []
        self._settled = 0
        """How many of `_tokens`, from the left, are text that was seen."""
        self._before = ""
        """The text of the settled tokens."""
        self._tail = ""
        """End of the settled text, as much as a stop string could begin in."""

    def push(self, token: int) -> bool:
        """Take the next token; whether a stop string ends in its text, or in what waited before it."""
        if not self._stops:
            return False
        self._tokens.append(token)
        text = self._decode(self._tokens)
        reach = self._tail + text[len(self._before) :]
        found = any(stop in reach for stop in self._stops)
        if not text.endswith("\ufffd") or len(self._tokens) - self._settled > _PENDING:
            self._tail = reach[-self._keep :] if self._keep else ""
            self._forget()
        return found

    def _forget(self) -> None:
        """Keep the shortest context that begins at a whole character.

        Where single bytes are tokens (SentencePiece's byte fallback) a run of them that begins inside a
        character is unreadable to its end.
        """
        tokens = self._tokens
        for size in range(_CONTEXT, _CONTEXT + _CHARACTER):
            self._tokens = tokens[-size:]
            self._before = self._decode(self._tokens)
            if "\ufffd" not in self._before:
                break
        else:
            self._tokens = tokens[-_CONTEXT:]
            self._before = self._decode(self._tokens)
        self._settled = len(self._tokens)


def first_stop(prompt: Prompt, text: str) -> int | None:
    """Where the first stop string begins in a new text; None where there is none.

    A text that begins with thoughts, or goes on with those that its prompt opened, has none before its answer: a
    stop string counts if it ends inside the answer, so that white space before it is none.
    """
    if not any(stop in text for stop in prompt.stop):
        return None
    begins = (0, 0) if prompt.stop_in_thoughts else answer_start(text, opened=prompt.opened)
    if begins is None:
        return None
    first, shown = begins
    places = (text.find(stop, max(first, shown - len(stop) + 1)) for stop in prompt.stop)
    return min((at for at in places if at >= 0), default=None)


def finish(
    prompt: Prompt, new: Sequence[int], nan: bool, ends: frozenset[int], decode: Decode
) -> Continuation:
    """The text of one sequence, cut at its end of text, its token limit, and its first stop string."""
    new = new[: prompt.max_tokens]
    end = next((i for i, token in enumerate(new) if token in ends), None)
    if end is not None:
        new = new[:end]
    text = decode(new)
    cut = first_stop(prompt, text)
    if cut is None:
        return Continuation(text, len(new), end is not None, nan)
    return Continuation(text[:cut], _tokens_until_stop(prompt, new, decode), True, nan)


def _tokens_until_stop(prompt: Prompt, new: Sequence[int], decode: Decode) -> int:
    """How many new tokens it took for a stop string to stand in the text.

    In a padded batch a row can hold tokens after the stop: without this the count would depend on its
    neighbours. Bisection: a text that holds the string holds it ever after.
    """
    low, high = 1, len(new)
    while low < high:
        middle = (low + high) // 2
        text = decode(new[:middle])
        if first_stop(prompt, text) is not None:
            high = middle
        else:
            low = middle + 1
    return low
