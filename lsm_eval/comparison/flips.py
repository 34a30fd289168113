"""Samples whose score two runs do not agree on, with both answers."""

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
    """One sample, whose score is another one in the second run."""

    candidate: int
    """Which of the candidates, from 0."""
    task: str
    metric: str
    sample: str
    first: float
    second: float
    first_answer: str
    second_answer: str
    target: str
    sensitive: bool
    """Texts of its task may be harmful: to be folded away, or withheld."""

    def hidden(self) -> Flip:
        """The same with hashes in place of its texts; those of a record that withholds them are hashes already."""
        return replace(
            self,
            first_answer=_hidden(self.first_answer),
            second_answer=_hidden(self.second_answer),
            target=_hidden(self.target),
        )


LONGEST = 50_000
"""Characters of a text that is shown: a file for CI is no place for a model that did not stop."""
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
    """At most `most` samples in which the scores [n] of the pairs differ: those that lost first, then those that gained, in
    the order of the first run. Where neither direction is better, less counts as lost."""
    gain = (first - second) if higher_is_better is False else (second - first)
    return list(_made(candidate, pairs, metric, first, second, _mixed(gain, most)))


def _mixed(gain: FloatArray, most: int) -> list[int]:
    """Places of losses and gains: as many of either as there are, or half of `most`."""
    down, up = np.flatnonzero(gain < 0).tolist(), np.flatnonzero(gain > 0).tolist()
    of_up = min(len(up), max(most // 2, most - len(down)))
    return down[: most - of_up] + up[:of_up]


def _made(
    candidate: int, pairs: Pairs, metric: str, first: FloatArray, second: FloatArray, places: list[int]
) -> Iterator[Flip]:
    # What is to be hidden is hashed as it stands; what is shown goes where everybody may read it.
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
        )


def _shown(text: str) -> str:
    """Without tokens, and the end of a very long text cut."""
    shown = without_tokens(text[: 2 * LONGEST])[:LONGEST]
    return shown if len(text) <= LONGEST else f"{shown} … ({len(text):,} characters)"


def _answer(table: Table, row: int) -> str:
    """What the model answered: its text, or the choice that it finds likeliest."""
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
