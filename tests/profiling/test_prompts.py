"""Made-up prompts: of the very length, and unlike each other from the start."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.profiling.prompts import counted_by, made_up


def test_prompts_have_the_length_in_the_models_own_tokens(tiny_llama: Path) -> None:
    count = counted_by(create(str(tiny_llama), ModelOptions(device="cpu")))
    for length in (5, 16, 40):
        texts = made_up(count, 6, length, random.Random(0))
        assert count(texts) == [length] * 6
        assert len({text[:4] for text in texts}) == 6


def test_what_no_tokenizer_reaches_is_come_near_to_from_below() -> None:
    def threes(texts: Sequence[str]) -> list[int]:
        return [3 * len(text.split()) for text in texts]

    assert threes(made_up(threes, 2, 10, random.Random(0))) == [9, 9]


def test_the_same_seed_gives_the_same_prompts() -> None:
    def words(texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    one, other = (made_up(words, 3, 12, random.Random(seed)) for seed in (1, 1))
    assert one == other
    assert one != made_up(words, 3, 12, random.Random(2))
