"""Where a text ends: stop strings are found as tokens come, and the text is cut by one rule."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.runtime import Written
from lsm_eval.reasoning.split import answer_start

_PENDING = 12  # tokens that may wait for the rest of a character before they are taken as they are
_CONTEXT = 4  # tokens that later ones are decoded with, or a few more, to begin at a complete character
_CHARACTER = 4  # the most tokens of one character: UTF-8's bytes

Decode = Callable[[Sequence[int]], str]


class StopWatch:
    """Detects at which new token a stop string is complete, decoding only the last few tokens.

    A token is decoded together with a few before it, since a tokenizer may decode it differently at a text's start
    (SentencePiece drops a space there), and counts as text only once its last character is complete (byte-level tokens may
    end inside one). A missed or premature detection costs only time, as the text itself is always cut by `finish`.

    If special tokens are among the last ones, the text is also searched with them written out.
    """

    def __init__(self, stops: Sequence[str], decode: Decode, written: Written | None = None) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._written = written
        # A token is at least one byte, so a stop string lies within as many tokens as it has bytes.
        longest = max((len(stop.encode("utf-8", "replace")) for stop in self._stops), default=0)
        self._recent: deque[int] = deque(maxlen=longest + _CONTEXT)
        self._keep = max((len(stop) for stop in self._stops), default=1) - 1
        self._decode = decode
        self._tokens: list[int] = []
        self._settled = 0
        """How many of `_tokens`, from the left, have been searched."""
        self._before = ""
        """The text of the settled tokens."""
        self._tail = ""
        """The end of the settled text, in which a stop string could begin."""

    def push(self, token: int) -> bool:
        """Take the next token. Returns whether a stop string ends in its text, or in that of tokens that waited."""
        if not self._stops:
            return False
        self._tokens.append(token)
        text = self._decode(self._tokens)
        reach = self._tail + text[len(self._before) :]
        found = any(stop in reach for stop in self._stops)
        if not text.endswith("\ufffd") or len(self._tokens) - self._settled > _PENDING:
            self._tail = reach[-self._keep :] if self._keep else ""
            self._forget()
        return self._found_written(token) or found

    def _found_written(self, token: int) -> bool:
        if self._written is None:
            return False
        self._recent.append(token)
        if self._written.special.isdisjoint(self._recent):
            return False
        return _in(self._written.decode(list(self._recent)), self._stops)

    def _forget(self) -> None:
        """Keep the shortest context that begins at a complete character.

        If single bytes are tokens (SentencePiece's byte fallback), a run of them that begins inside a character cannot be
        decoded.
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


def stands(
    stops: Sequence[str], tokens: Sequence[int], decode: Decode, written: Written | None = None
) -> bool:
    """Whether one of `stops` occurs in the text of `tokens`, with special tokens left out or written out."""
    if _in(decode(tokens), stops):
        return True
    return written is not None and _has_special(tokens, written) and _in(written.decode(tokens), stops)


def holds(prompt: Prompt, tokens: Sequence[int], decode: Decode, written: Written | None = None) -> bool:
    """Whether a stop string ends the text of all new `tokens`, with special tokens left out or written out."""
    if first_stop(prompt, decode(tokens)) is not None:
        return True
    if written is None or not _has_special(tokens, written):
        return False
    return first_stop(prompt, written.decode(tokens)) is not None


def first_stop(prompt: Prompt, text: str) -> int | None:
    """Where the first stop string begins in a new text; None if there is none.

    If a text begins with thoughts, or continues those that its prompt opened, a stop string counts only if it ends inside
    the answer, so white space before the answer does not count.
    """
    stops = [stop for stop in prompt.stop if stop]
    if not _in(text, stops):
        return None
    begins = (0, 0) if prompt.stop_in_thoughts else answer_start(text, opened=prompt.opened)
    if begins is None:
        return None
    first, shown = begins
    places = (text.find(stop, max(first, shown - len(stop) + 1)) for stop in stops)
    return min((at for at in places if at >= 0), default=None)


def finish(
    prompt: Prompt,
    new: Sequence[int],
    nan: bool,
    ends: frozenset[int],
    decode: Decode,
    written: Written | None = None,
) -> Continuation:
    """The text of one sequence, cut at its end of text, its token limit, and its first stop string.

    The first stop string is the one that is complete first; of several completed by the same token, the one that begins
    first. It may contain special tokens (`written`), which are otherwise not part of the text. With `Prompt.lm_eval`, and if
    stop strings apply inside thoughts, the part of a stop string before a special token stays in the text, and stop strings cut
    the text one after the other: lm-evaluation-harness ends the text at the same token, and then searches the rest for them.
    """
    new = new[: prompt.max_tokens]
    end = next((i for i, token in enumerate(new) if token in ends), None)
    own = new if end is None else new[:end]
    text = decode(own)
    # The end-of-text token may be part of a stop string, but never of the text.
    whole = new if end is None else new[: end + 1]
    if not holds(prompt, whole, decode, written):
        return Continuation(text, len(own), end is not None, nan, _thought(prompt, own, text, decode))
    count = _tokens_until_stop(prompt, whole, decode, written)
    if prompt.lm_eval and prompt.stop_in_thoughts:
        cut = decode(own[:count])
        for stop in filter(None, prompt.stop):
            cut = cut.partition(stop)[0]
    else:
        cut = min(_cut(prompt, whole[:count], decode, written), text, key=len)
    own = own[:count]
    return Continuation(cut, len(own), True, nan, _thought(prompt, own, cut, decode))


def _thought(prompt: Prompt, tokens: Sequence[int], text: str, decode: Decode) -> int | None:
    """How many of the tokens come before the answer, including white space before it; None without thoughts."""
    begins = answer_start(text, opened=prompt.opened)
    if begins == (0, 0):
        return None
    if begins is None:
        return len(tokens)
    few, enough = 0, len(tokens)
    while few < enough:
        middle = (few + enough) // 2
        if len(decode(tokens[:middle])) < begins[1]:
            few = middle + 1
        else:
            enough = middle
    return enough


def _tokens_until_stop(prompt: Prompt, new: Sequence[int], decode: Decode, written: Written | None) -> int:
    """After how many new tokens a stop string was complete.

    In a padded batch a row can have tokens after the stop, so that otherwise the count would depend on its neighbours. Found
    token by token, as later bytes can make a character undecodable again.
    """
    if not holds(prompt, new[:-1], decode, written) and "\ufffd" not in decode(new[:-1]):
        return len(new)
    watch = StopWatch(prompt.stop, decode, written)
    found = (at for at, token in enumerate(new, 1) if watch.push(token))
    return next((at for at in found if holds(prompt, new[:at], decode, written)), len(new))


def _cut(prompt: Prompt, tokens: Sequence[int], decode: Decode, written: Written | None) -> str:
    """The text of `tokens`, without special ones, before its first stop string."""
    text = decode(tokens)
    first = text[: first_stop(prompt, text)]
    if written is None or not _has_special(tokens, written):
        return first
    whole = written.decode(tokens)
    at = first_stop(prompt, whole)
    if at is None:
        return first
    for count in range(len(tokens) - 1, -1, -1):  # the stop string's end is the text's
        before = written.decode(tokens[:count])
        if len(before) <= at and whole.startswith(before):
            # The string begins after these tokens, or within the next one.
            rest = "" if tokens[count] in written.special else whole[len(before) : at]
            return min(first, decode(tokens[:count]) + rest, key=len)
    return ""


def _in(text: str, stops: Sequence[str]) -> bool:
    return any(stop in text for stop in stops)


def _has_special(tokens: Sequence[int], written: Written) -> bool:
    return not written.special.isdisjoint(tokens)
