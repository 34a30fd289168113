"""Samples whose scores differ between two runs, with both answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lsm_eval.comparison.pairs import Pairs
from lsm_eval.comparison.tables import FloatArray, Table
from lsm_eval.results.redaction import MARK, withheld
from lsm_eval.secrets import without_tokens


@dataclass(frozen=True, slots=True)
class Flip:
    """One sample whose score changed from the first run to the second."""

    candidate: int
    """Index of the candidate, from 0."""
    task: str
    metric: str
    sample: str
    first: float
    second: float
    first_answer: str
    second_answer: str
    target: str
    sensitive: bool
    """Whether texts of its task may be harmful, and are to be folded away or withheld."""
    asked: str = ""
    """The end of the prompt."""

    def hidden(self) -> Flip:
        """A copy with hashes in place of its texts, unless the record already has hashes."""
        return replace(
            self,
            first_answer=_hidden(self.first_answer),
            second_answer=_hidden(self.second_answer),
            target=_hidden(self.target),
            asked=_hidden(self.asked),
        )


LONGEST = 50_000
"""Most characters of a text that are shown, to keep files for CI small when a model did not stop."""
_WITHHELD = re.compile(re.escape(MARK) + "[0-9a-f]{64}]")


def _hidden(text: str) -> str:
    return text if _WITHHELD.fullmatch(text) else withheld(text)


def flips(
    candidate: int,
    pairs: Pairs,
    metric: str,
    first: FloatArray,
    second: FloatArray,
    most: int,
    *,
    higher_is_better: bool | None,
) -> list[Flip]:
    """Up to `most` samples in which the scores [n] of the pairs differ: first losses, then gains, in the order of the first run. If neither
    direction is better, a lower score counts as a loss."""
    gain = (first - second) if higher_is_better is False else (second - first)
    return list(_build(candidate, pairs, metric, first, second, _losses_and_gains(gain, most)))


def _losses_and_gains(gain: FloatArray, most: int) -> list[int]:
    """Indices of losses and gains, up to `most`; half of them for each if there are more of both."""
    down, up = np.flatnonzero(gain < 0).tolist(), np.flatnonzero(gain > 0).tolist()
    of_up = min(len(up), max(most // 2, most - len(down)))
    return down[: most - of_up] + up[:of_up]


def _build(
    candidate: int, pairs: Pairs, metric: str, first: FloatArray, second: FloatArray, places: list[int]
) -> Iterator[Flip]:
    # Texts to be hidden are hashed unchanged; texts to be shown may become public.
    said = (lambda text: text) if pairs.sensitive else _shown
    for place in places:
        one, other = (int(row) for row in pairs.rows[place])
        yield Flip(
            candidate,
            pairs.first.task,
            metric,
            without_tokens(pairs.first.ids[one]),
            float(first[place]),
            float(second[place]),
            said(_answer(pairs.first, one)),
            said(_answer(pairs.second, other)),
            said(_target(pairs.first, one)),
            pairs.sensitive,
            said(_asked(pairs.first, one)),
        )


_END = 150
"""Characters that are kept of the end of a prompt, where the question is, after examples and instructions."""


def _asked(table: Table, row: int) -> str:
    prompt = str(table.texts(row)["prompt"] or "")
    if len(prompt) <= _END or _WITHHELD.fullmatch(prompt):
        return prompt
    # A token is recognised by its beginning, so that this must not be cut off first.
    return f"… {without_tokens(prompt[-10 * _END :])[-_END:]}"


def _shown(text: str) -> str:
    """The text without tokens, and without the end if it is very long."""
    shown = without_tokens(text[: 2 * LONGEST])[:LONGEST]
    return shown if len(text) <= LONGEST else f"{shown} … ({len(text):,} characters)"


def _answer(table: Table, row: int) -> str:
    """The model's answer: its text, or the choice with the highest log-probability."""
    found = table.texts(row)
    if found["completion"] is not None:
        return str(found["completion"])
    choices, scores = found["choices"], [score for score in found["logprobs"] or () if score is not None]
    if choices and len(choices) == len(scores):
        return str(choices[int(np.argmax(scores))])
    return f"log-probability {scores[0]:.4g}" if scores else ""


def _target(table: Table, row: int) -> str:
    found = table.texts(row)
    choices, target = found["choices"], [text for text in found["target"] or () if text is not None]
    if choices and all(text.isdecimal() and int(text) < len(choices) for text in target):
        return " | ".join(str(choices[int(text)]) for text in target)
    return " | ".join(target)
