"""Verifies that a route returns the log-probabilities of the tokens that were sent, each at its own place.

Three times the server generates one token after a part of a text, and reports its log-probability. Scored as part of a prompt,
the same token after the same tokens must have the same log-probability, be the likeliest, and be more likely than the token
that the text has there. Values that belong to the token before or after, that come from retokenized text, that are constant,
or that are missing, do not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.endpoints.scoring.retries import with_retries
from lsm_eval.endpoints.scoring.route import Route
from lsm_eval.inference.scoring.plain import TokenRow

TOLERANCE = 0.25
"""Nats by which a token's log-probability when generated and when read may differ: 16-bit servers compute the two in batches
of different shapes. Float32 servers are within 0.001."""
_CLEAR = 3 * TOLERANCE
"""Nats by which the values of the neighbours must differ from it, somewhere, to be told apart."""
_SECONDS = 120.0
TEXT = "The quick brown fox jumps over the lazy dog, and 7 of 12 cats sat on a mat in Paris"
LETTERS = "theory"
"""Tokenized letter by letter: a server that turns tokens to text and back gets other tokens."""


class NotProved(Exception):
    """Why a route's values cannot be used, as part of a sentence."""


def probe_tokens(start: Sequence[int], encode: Callable[[str], Sequence[int]], most: int | None) -> list[int]:
    """The tokens to verify with: a text, then the letters of a word one by one. `start`: what texts begin with. `encode`:
    tokens of a text, without special tokens around it. `most`: the most tokens that fit."""
    letters = [token for letter in LETTERS for token in encode(letter)]
    text = list(encode(TEXT))
    if most is not None:
        text = text[: max(most - len(letters) - len(start) - 8, 1)]
    return [*start, *text, *letters]


async def prove(
    route: Route,
    caller: Caller,
    probe: Sequence[int],
    encode: Callable[[str], Sequence[int]],
    *,
    once: bool = False,
) -> float:
    """The largest difference that was seen, in nats. `once`: with one of the three tokens only, for a server that passed
    before. Raises `NotProved`, and `Unanswered` if the server cannot be asked now."""
    worst = 0.0
    separated = [False, False]
    asked = greedy = 0
    size = len(probe)
    for cut in (size // 2, size // 3, size - 3):
        if once and asked:
            return worst
        token, value = await with_retries(lambda cut=cut: route.likeliest(caller, probe[:cut], _SECONDS))  # type: ignore[misc]
        written = _as_id(token, encode)
        if written is None:
            continue
        asked += 1
        row = [*probe[:cut], written, *probe[cut : cut + 2]]
        rows = [
            TokenRow(tuple(row), 4),
            TokenRow((*probe[:cut], written), 1),
            TokenRow(tuple(probe[: cut + 1]), 1),
        ]
        found = await with_retries(lambda rows=rows: route.numbers(caller, rows, _SECONDS))  # type: ignore[misc]
        _check_counts(rows, found)
        numbers, ((alone,), (other,)) = found[0], found[1:]
        before, own, after, _ = numbers
        difference = max(abs(own.logprob - value), abs(alone.logprob - value))
        beside = {"before": after, "after": before}
        if difference > TOLERANCE:
            for where, one in beside.items():
                if abs(one.logprob - value) <= TOLERANCE < abs(own.logprob - value):
                    raise NotProved(f"its numbers are those of the token {where} (off by one)")
        if written != probe[cut]:
            _check_pair(alone, other)
        if difference > TOLERANCE:
            raise NotProved(
                f"a token's log-probability in a prompt is {difference:.2f} nats from the one when it generates that token"
            )
        worst = max(worst, difference)
        for at, one in enumerate(beside.values()):
            separated[at] |= abs(one.logprob - value) > _CLEAR
        greedy += own.greedy and alone.greedy
    if not asked:
        raise NotProved("the tokens that it generates cannot be told from their texts")
    if once:
        return worst
    if not all(separated):
        raise NotProved("its numbers differ too little from token to token to tell whose they are")
    if greedy < 1:
        raise NotProved("it reports none of the tokens that it generates as the likeliest")
    return worst


def _as_id(token: int | str, encode: Callable[[str], Sequence[int]]) -> int | None:
    if isinstance(token, int):
        return token
    tokens = encode(token) if token else ()
    return tokens[0] if len(tokens) == 1 else None


def _check_counts(rows: Sequence[TokenRow], found: Sequence[Sequence[TokenNumber]]) -> None:
    if [len(numbers) for numbers in found] != [row.scored for row in rows]:
        raise NotProved("it does not report each token that was sent")


def _check_pair(likely: TokenNumber, other: TokenNumber) -> None:
    """Compares the token that the server generates with the one that the text has in its place."""
    if likely.logprob == other.logprob:
        raise NotProved("it gives the same number to a likely token and to an unlikely one")
    if other.logprob > likely.logprob + TOLERANCE:
        raise NotProved("a token that it does not generate is likelier than the one that it generates")
    if other.greedy and not likely.greedy:
        raise NotProved("it reports the wrong token as the likeliest")
