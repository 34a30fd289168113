"""Models in a few lines, as people write them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lsm_eval import Answer, Prompt


class Echo:
    """Writes the end of its prompt; keeps what it was asked."""

    name = "echo"

    def __init__(self) -> None:
        self.asked: list[list[Prompt]] = []

    def generate(self, prompts: Sequence[Prompt]) -> Sequence[str | Answer | None]:
        self.asked.append(list(prompts))
        return [f" {prompt.text[-5:]}" for prompt in prompts]


class Lengths(Echo):
    """Likes short texts: each character halves their probability."""

    name = "lengths"
    fingerprint = "v1"

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[list[tuple[str, str]]] = []

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, bool]]:
        self.pairs.append(list(pairs))
        return [(-math.log(2) * len(text), False) for _, text in pairs]


class Says(Echo):
    """Answers each prompt with the same."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def generate(self, prompts: Sequence[Prompt]) -> Any:
        return [self.answer for _ in super().generate(prompts)]


class Tells(Lengths):
    """Tells the same of each pair."""

    def __init__(self, told: Any) -> None:
        super().__init__()
        self.told = told

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> Any:
        return [self.told for _ in super().loglikelihood(pairs)]
