"""Identifies equal samples of several models: the same id and, as far as records say it, the same question."""

from __future__ import annotations

from collections.abc import Iterable

SampleKey = tuple[str, str | None]
"""A sample's id, and the hash of what was asked; None in early records, which do not have it."""


class SampleIndex:
    """Numbers samples in the order in which they come. A sample without a hash is taken as the first sample of its id."""

    def __init__(self, samples: Iterable[SampleKey] = ()) -> None:
        self.samples: list[SampleKey] = []
        self._first: dict[str, int] = {}
        self._exact: dict[SampleKey, int] = {}
        for one in samples:
            self._add(*one)

    def find(self, name: str, question: str | None) -> int | None:
        """The position of a sample; None if it is not in the index."""
        if question is not None and (found := self._exact.get((name, question))) is not None:
            return found
        first = self._first.get(name)
        unsure = first is not None and (question is None or self.samples[first][1] is None)
        return first if unsure else None

    def at(self, name: str, question: str | None) -> int:
        """The position of a sample, which is added if it is not in the index."""
        found = self.find(name, question)
        if found is None:
            return self._add(name, question)
        if question is not None and self.samples[found][1] is None:
            self.samples[found] = name, question
            self._exact[name, question] = found
        return found

    def _add(self, name: str, question: str | None) -> int:
        place = len(self.samples)
        self.samples.append((name, question))
        self._first.setdefault(name, place)
        if question is not None:
            self._exact[name, question] = place
        return place
