"""Chooses the next token: the likeliest one, or one sampled with a sequence's own random stream."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsm_eval.inference.generating.prompts import Prompt

if TYPE_CHECKING:
    import torch

_NUCLEUS = 1024  # tokens that nearly always contain the nucleus: finding them is cheaper than sorting all


class Stream:
    """Uniform random numbers of one sequence, which depend only on its prompt, its seed and the place.

    They depend on the prompt so that texts of different prompts with equal seeds are independent.
    """

    def __init__(self, prompt: Prompt) -> None:
        self._key = hashlib.blake2b(repr((prompt.tokens, prompt.seed)).encode(), digest_size=16).digest()

    def uniform(self, place: int) -> float:
        """The number for the new token at `place` (0 for the first), in [0, 1)."""
        digest = hashlib.blake2b(place.to_bytes(8, "big"), key=self._key, digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2.0**53


def choose(logits: torch.Tensor, prompts: Sequence[Prompt], uniforms: Sequence[float]) -> list[int]:
    """The next token of each row of `logits` [rows, vocabulary]; `prompts` and `uniforms` are parallel to the rows.

    Of equally likely tokens the greedy choice is the first. Uniform numbers are used only for rows with a temperature.
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
    """Inverts the cumulative distribution over the tokens in the vocabulary's order.

    In that order, rounding moves a border by no more than itself; in the order of probabilities, two tokens of nearly the
    same probability could swap.
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
    # Rounding at the end of the sums could point past the last token with a probability.
    last = (sums < sums[:, -1:]).sum(dim=-1)
    tokens: list[int] = torch.minimum(found, last).tolist()
    return tokens


def _nucleus(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """The least probability in each row's nucleus, shape [rows, 1]. Tokens that tie with it belong to it."""
    size = probabilities.shape[-1]
    for count in (min(_NUCLEUS, size), size):
        best = probabilities.topk(count, dim=-1).values
        sums = best.cumsum(dim=-1)
        if count == size or bool((sums[:, -1:] >= top_p).all()):
            break
    inside = ((sums - best) < top_p).sum(dim=-1, keepdim=True)
    return best.gather(-1, inside.clamp(min=1) - 1)
