"""Splits a task's samples into portions: the first is in the page itself, the others load on demand; an index of one letter per sample
filters all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lsm_eval.leaderboard.frame.safe import safe_json
from lsm_eval.leaderboard.outcomes.flags import Flag
from lsm_eval.leaderboard.samples import SampleView, weight

FIRST = 120_000
"""About the most bytes of samples in the page itself."""

PIECE = 150_000
"""About the most bytes of samples in one piece."""

INDEX_INLINE = 20_000
"""The index is in the page itself up to this many samples; a longer index is a piece, too."""


@dataclass(frozen=True)
class Shown:
    """A sample, and the data for filtering it."""

    view: SampleView
    flags: int
    right: int
    """Number of other models that got it right."""
    answered: int
    """Number of other models that have an outcome for it."""
    seconds: float | None

    @cached_property
    def json(self) -> str:
        """The sample as JSON for a piece."""
        return safe_json(packed(self))

    @property
    def wrong(self) -> bool:
        """Whether the model got it wrong."""
        return bool(self.flags & Flag.WRONG.value)

    @property
    def disagrees(self) -> bool:
        """Whether most other models have the other outcome."""
        return bool(self.flags & Flag.DISAGREES.value)

    @property
    def slow(self) -> bool:
        """Whether it took longer than nearly all others."""
        return bool(self.flags & Flag.SLOW.value)


def portions(samples: Iterable[Shown], first: int = FIRST, piece: int = PIECE) -> Iterator[list[Shown]]:
    """The samples in order, in portions of at most `piece` bytes (or one sample), the first of at most `first` bytes. There is always a
    first portion, which may be empty."""
    portion: list[Shown] = []
    size, most, bytes_of = 0, first, _on_page
    for sample in samples:
        own = bytes_of(sample)
        if portion and size + own > most:
            yield portion
            portion, size, most, bytes_of = [], 0, piece, _packed
            own = bytes_of(sample)
        portion.append(sample)
        size += own
    yield portion


def _on_page(sample: Shown) -> int:
    return weight(sample.view)


def _packed(sample: Shown) -> int:
    return len(sample.json)


def packed(sample: Shown) -> dict[str, Any]:
    """The sample in the form of a piece (`assets/samples.js` unpacks it): short names, and no empty values."""
    view = sample.view
    content: dict[str, Any] = {
        "n": view.index,
        "id": view.id,
        "c": view.cluster,
        "p": view.prompt,
        "ch": [
            [
                choice.text,
                choice.right + 2 * choice.picked + 4 * choice.greedy,
                choice.logprob,
                choice.per_token,
                choice.share,
                choice.tokens,
            ]
            for choice in view.choices
        ],
        "more": view.more,
        "a": view.completion,
        "th": view.thoughts,
        "f": view.finish,
        "l": view.likelihood,
        "r": view.references,
        "cut": view.truncated,
        "s": view.scores,
        "j": view.judgements,
        "m": view.metadata,
        "x": view.failure,
        "xd": view.failure_detail,
        "q": view.further,
        "sh": view.shortened,
        "o": [sample.right, sample.answered] if sample.answered else None,
        "t": None if sample.seconds is None else f"{sample.seconds:.3f}",
        "fl": sample.flags,
    }
    return {name: thing for name, thing in content.items() if thing or (thing == "" and name != "l")}


def starts(portions: Sequence[int]) -> list[int]:
    """Where each portion begins, from their lengths."""
    found, at = [], 0
    for length in portions:
        found.append(at)
        at += length
    return found
