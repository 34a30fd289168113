"""Answers to SafetyBench's Chinese subset, which the hub's data set lacks.

Each line of `answers.txt` has a question's id and the number of its right option (from 0), from the file
`opensource_data/test_answers_zh_subset.json` of thu-coai/SafetyBench at 960833692a1ec82b191ff3e902daca7993c35cc1 (MIT).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from lsm_eval.templates.functions import shuffled

FUNCTIONS = ("safetybench_options", "safetybench_right")

ANSWERS = Path(__file__).parent / "answers.txt"


def safetybench_options(number: int, options: Sequence[str]) -> str:
    """The options as lines with letters, in an order that depends only on the question's id."""
    lines = (f"{letter}. {options[at]}" for letter, at in zip("ABCD", _order(number, options), strict=False))
    return "\n".join(lines)


def safetybench_right(number: int, options: Sequence[str]) -> int:
    """Index of the right option in the order of `safetybench_options`, from 0."""
    return _order(number, options).index(safetybench_answer(number))


def safetybench_answer(number: int) -> int:
    """Number of the right option of the question with this id. Raises ValueError if it has no answer."""
    known = _answers()
    if int(number) not in known:
        raise ValueError(f"question {number} of SafetyBench has no answer in the Chinese subset")
    return known[int(number)]


def _order(number: int, options: Sequence[str]) -> list[int]:
    return shuffled(range(len(options)), number)


@lru_cache(maxsize=1)
def _answers() -> dict[int, int]:
    pairs = (line.split() for line in ANSWERS.read_text(encoding="utf-8").splitlines())
    return {int(number): int(answer) for number, answer in pairs}
