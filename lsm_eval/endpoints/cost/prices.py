"""Prices of tokens by kind and by the length of the prompt, and the most that an answer can cost."""

from __future__ import annotations

from dataclasses import dataclass

from lsm_eval.endpoints.cost.usage import Usage

Steps = tuple[tuple[int, int], ...]
"""Pairs (prompts with more tokens than this, picodollars per token) in ascending order; the first begins at -1. The last pair that
applies is the price of all tokens."""


def flat(price: int) -> Steps:
    """One price, whatever the prompt's length."""
    return ((-1, price),)


def price_at(steps: Steps, prompt: int) -> int:
    """Picodollars per token for a prompt of `prompt` tokens."""
    if len(steps) == 1:
        return steps[0][1]
    return next(price for start, price in reversed(steps) if prompt > start)


def dearest(steps: Steps, prompt: int) -> int:
    """The highest price per token for any prompt of at most `prompt` tokens."""
    if len(steps) == 1:
        return steps[0][1]
    return max(price for start, price in steps if prompt > start)


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of a model, in picodollars."""

    input: Steps
    output: Steps
    cached: Steps
    written: Steps
    """Tokens of the prompt that are written to a cache."""
    reasoning: Steps
    request: int = 0
    """Per request, whatever its tokens."""

    def cost(self, used: Usage) -> int:
        """Picodollars of one answer."""
        fresh = used.input - used.cached - used.written
        return (
            self.request
            + fresh * price_at(self.input, used.input)
            + used.cached * price_at(self.cached, used.input)
            + used.written * price_at(self.written, used.input)
            + (used.output - used.reasoning) * price_at(self.output, used.input)
            + used.reasoning * price_at(self.reasoning, used.input)
        )

    def most(self, prompt: int, new: int) -> int:
        """The most picodollars for an answer of at most `new` tokens to a prompt of at most `prompt` tokens."""
        read = max(dearest(self.input, prompt), dearest(self.cached, prompt), dearest(self.written, prompt))
        made = max(dearest(self.output, prompt), dearest(self.reasoning, prompt))
        return self.request + prompt * read + new * made


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices and their source. If they depend on the time of day, the highest is used."""

    rates: tuple[Rates, ...]
    source: str

    def cost(self, used: Usage) -> int:
        """Picodollars of one answer."""
        return max([rates.cost(used) for rates in self.rates])

    def most(self, prompt: int, new: int) -> int:
        """As `Rates.most`."""
        return max([rates.most(prompt, new) for rates in self.rates])
