"""Whether a route's numbers are log-probabilities of the tokens that were sent, each at its own place.

Three times the server writes one token after a part of a text, and says how likely that one is. Scored as a part of a
prompt, the same token after the same tokens must have the same number, be the likeliest, and more likely than the one that
the text has there. Numbers that belong to the token before or after, that come from text tokenised anew, that are the same
for everything, or that are not there, do not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.endpoints.scoring.patiently import patiently
from lsm_eval.endpoints.scoring.route import Route
from lsm_eval.inference.scoring.plain import TokenRow

TOLERANCE = 0.25
"""Nats between a token's number when it is written and when it is read: servers in 16 bits compute the two in batches of
other shapes. Float32 servers are within 0.001."""
_CLEAR = 3 * TOLERANCE
"""By how much the numbers of neighbours must differ from it, somewhere, to be told apart."""
_SECONDS = 120.0
TEXT = "The quick brown fox jumps over the lazy dog, and 7 of 12 cats sat on a mat in Paris"
LETTERS = "theory"
"""Tokenised letter by letter: who turns tokens to text and back gets others."""


class NotProved(Exception):
    """Why a route's numbers cannot be used, in a part of a sentence."""


def probe_tokens(start: Sequence[int], encode: Callable[[str], Sequence[int]], most: int | None) -> list[int]:
    """What is asked: a text, then the letters of a word one by one. `start`: what texts begin with. `encode`: tokens of
    a text, without those that are put around one. `most`: tokens that fit."""
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
    """The largest difference that was seen, in nats. `once`: one of the three tokens will do, of a server that wrote all
    before. Raises `NotProved`, and `Unanswered` where the server cannot be asked now."""
    worst = 0.0
    told_apart = [False, False]
    asked = greedy = 0
    size = len(probe)
    for cut in (size // 2, size // 3, size - 3):
        if once and asked:
            return worst
        token, value = await patiently(lambda cut=cut: route.likeliest(caller, probe[:cut], _SECONDS))  # type: ignore[misc]
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
        found = await patiently(lambda rows=rows: route.numbers(caller, rows, _SECONDS))  # type: ignore[misc]
        _check_counts(rows, found)
        numbers, ((alone,), (other,)) = found[0], found[1:]
        before, own, after, _ = numbers
        difference = max(abs(own.logprob - value), abs(alone.logprob - value))
        beside = {"before": after, "after": before}
        if difference > TOLERANCE:
            for where, one in beside.items():
                if abs(one.logprob - value) <= TOLERANCE < abs(own.logprob - value):
                    raise NotProved(f"its numbers are those of the token {where} each (off by one)")
        if written != probe[cut]:
            _check_pair(alone, other)
        if difference > TOLERANCE:
            raise NotProved(
                f"what it says of a token in a prompt is {difference:.2f} nats from what it says when it writes that token"
            )
        worst = max(worst, difference)
        for at, one in enumerate(beside.values()):
            told_apart[at] |= abs(one.logprob - value) > _CLEAR
        greedy += own.greedy and alone.greedy
    if not asked:
        raise NotProved("the tokens that it writes cannot be told from their texts")
    if once:
        return worst
    if not all(told_apart):
        raise NotProved("its numbers differ too little from token to token to tell whose they are")
    if greedy < 1:
        raise NotProved("of no token that it writes itself does it say that it is the likeliest")
    return worst


def _as_id(token: int | str, encode: Callable[[str], Sequence[int]]) -> int | None:
    if isinstance(token, int):
        return token
    tokens = encode(token) if token else ()
    return tokens[0] if len(tokens) == 1 else None


def _check_counts(rows: Sequence[TokenRow], found: Sequence[Sequence[TokenNumber]]) -> None:
    if [len(numbers) for numbers in found] != [row.scored for row in rows]:
        raise NotProved("it does not tell of each token that was sent")


def _check_pair(likely: TokenNumber, other: TokenNumber) -> None:
    """The token that the server writes, and the one that the text has in its place."""
    if likely.logprob == other.logprob:
        raise NotProved("it gives the same number to a likely token and to an unlikely one")
    if other.logprob > likely.logprob + TOLERANCE:
        raise NotProved("a token that it does not write is likelier than the one that it writes")
    if other.greedy and not likely.greedy:
        raise NotProved("it says of the wrong token that it is the likeliest")
