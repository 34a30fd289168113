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


_WITHHELD = re.compile(re.escape(MARK) + "[0-9a-f]{64}]")


def _hidden(text: str) -> str:
    return text if _WITHHELD.fullmatch(text) else withheld(text)


def flips(
    candidate: int, pairs: Pairs, metric: str, first: FloatArray, second: FloatArray, most: int
) -> list[Flip]:
    """At most `most` samples in which the scores [n] of the pairs differ: those that lost first, then those that gained, in
    the order of the first run."""
    change = second - first
    places = [*np.flatnonzero(change < 0), *np.flatnonzero(change > 0)]
    return list(_made(candidate, pairs, metric, first, second, _mixed(places, change, most)))


def _mixed(places: list[np.intp], change: FloatArray, most: int) -> list[int]:
    """As many of either direction as there are, or half of `most`."""
    down = [int(place) for place in places if change[place] < 0]
    up = [int(place) for place in places if change[place] > 0]
    of_up = min(len(up), max(most // 2, most - len(down)))
    return down[: most - of_up] + up[:of_up]


def _made(
    candidate: int, pairs: Pairs, metric: str, first: FloatArray, second: FloatArray, places: list[int]
) -> Iterator[Flip]:
    task = pairs.first.record.tasks[pairs.first.task]
    sensitive = task.sensitive or task.area == "safety"
    # What is to be hidden is hashed as it stands; what is shown goes where everybody may read it.
    said = (lambda text: text) if sensitive else without_tokens
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
            sensitive,
        )


def _answer(table: Table, row: int) -> str:
    """What the model answered: its text, or the choice that it finds likeliest."""
    found = table.texts(row)
    if found["completion"] is not None:
        return str(found["completion"])
    choices, scores = found["choices"], found["logprobs"]
    if choices and scores and len(choices) == len(scores):
        return str(choices[int(np.argmax(scores))])
    return f"log-probability {scores[0]:.4g}" if scores else ""


def _target(table: Table, row: int) -> str:
    found = table.texts(row)
    choices, target = found["choices"], found["target"] or []
    if choices and all(text.isdecimal() and int(text) < len(choices) for text in target):
        return " | ".join(str(choices[int(text)]) for text in target)
    return " | ".join(target)
