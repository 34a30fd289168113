"""Which samples of several models are the same: those of one id that asked the same, as far as records say what was asked."""

from __future__ import annotations

from collections.abc import Iterable

Asked = tuple[str, str | None]
"""A sample's id, and the hash of what was asked; None in records before it was kept."""


class Places:
    """Numbers samples in the order in which they come. A sample of which it is not known what was asked is the first of its id."""

    def __init__(self, samples: Iterable[Asked] = ()) -> None:
        self.samples: list[Asked] = []
        self._first: dict[str, int] = {}
        self._exact: dict[Asked, int] = {}
        for one in samples:
            self._add(*one)

    def find(self, name: str, asked: str | None) -> int | None:
        """The place of a sample; None where it has none."""
        if asked is not None and (found := self._exact.get((name, asked))) is not None:
            return found
        first = self._first.get(name)
        unsure = first is not None and (asked is None or self.samples[first][1] is None)
        return first if unsure else None

    def at(self, name: str, asked: str | None) -> int:
        """The place of a sample, which gets one here if it has none."""
        found = self.find(name, asked)
        if found is None:
            return self._add(name, asked)
        if asked is not None and self.samples[found][1] is None:
            self.samples[found] = name, asked
            self._exact[name, asked] = found
        return found

    def _add(self, name: str, asked: str | None) -> int:
        place = len(self.samples)
        self.samples.append((name, asked))
        self._first.setdefault(name, place)
        if asked is not None:
            self._exact[name, asked] = place
        return place
