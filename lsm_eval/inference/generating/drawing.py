"""The next token: the likeliest one, or one drawn from a sequence's own random stream."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsm_eval.inference.generating.prompts import Prompt

if TYPE_CHECKING:
    import torch

_NUCLEUS = 1024  # tokens among which the nucleus nearly always lies: finding them is cheaper than sorting all


class Stream:
    """Uniform numbers of one sequence: they hang on its prompt, its seed and the place, on nothing else.

    The prompt has a part in it so that texts of equal seeds are not tied together across prompts.
    """

    def __init__(self, prompt: Prompt) -> None:
        self._key = hashlib.blake2b(repr((prompt.tokens, prompt.seed)).encode(), digest_size=16).digest()

    def uniform(self, place: int) -> float:
        """The number for the new token at `place` (0 for the first), in [0, 1)."""
        digest = hashlib.blake2b(place.to_bytes(8, "big"), key=self._key, digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2.0**53


def choose(logits: torch.Tensor, prompts: Sequence[Prompt], uniforms: Sequence[float]) -> list[int]:
    """The next token of each row of `logits` [rows, vocabulary]; `prompts` and `uniforms` run parallel.

    Of equally likely tokens the greedy choice is the first. A uniform number counts for rows with a temperature
    only.
    """
    tokens: list[int] = logits.argmax(dim=-1).tolist()
    drawn = [row for row, prompt in enumerate(prompts) if prompt.temperature > 0]
    if drawn:
        found = _draw(
            logits[drawn],
            [prompts[row].temperature for row in drawn],
            [prompts[row].top_p for row in drawn],
            [uniforms[row] for row in drawn],
        )
        for row, token in zip(drawn, found, strict=True):
            tokens[row] = token
    return tokens


def _draw(
    logits: torch.Tensor, temperatures: Sequence[float], top_p: Sequence[float], uniforms: Sequence[float]
) -> list[int]:
    """Inverse of the cumulative distribution over the tokens in the vocabulary's order.

    In that order, and not in that of probabilities, rounding moves a border by no more than itself: two tokens
    of nearly the same probability do not change places.
    """
    import torch

    def column(values: Sequence[float]) -> torch.Tensor:
        return torch.tensor(list(values), dtype=torch.float64).to(logits.device)[:, None]

    wide = logits.double() / column(temperatures)
    probabilities = torch.softmax(wide, dim=-1)
    if min(top_p) < 1.0:
        least = _nucleus(probabilities, column(top_p))
        probabilities = probabilities.where(probabilities >= least, 0.0)
    sums = probabilities.cumsum(dim=-1)
    found = torch.searchsorted(sums, column(uniforms) * sums[:, -1:], right=True)[:, 0]
    # Rounding at the end of the sums could point behind the last token that has a probability.
    last = (sums < sums[:, -1:]).sum(dim=-1)
    tokens: list[int] = torch.minimum(found, last).tolist()
    return tokens


def _nucleus(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """The least probability in each row's nucleus, shape [rows, 1]. Tokens that tie with it are in it."""
    size = probabilities.shape[-1]
    for count in (min(_NUCLEUS, size), size):
        best = probabilities.topk(count, dim=-1).values
        sums = best.cumsum(dim=-1)
        if count == size or bool((sums[:, -1:] >= top_p).all()):
            break
    inside = ((sums - best) < top_p).sum(dim=-1, keepdim=True)
    return best.gather(-1, inside.clamp(min=1) - 1)
