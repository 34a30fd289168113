"""Options that an answer names by their text instead of a label."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from lsm_eval.reading import statements
from lsm_eval.reading.letters import NOT, Labels
from lsm_eval.reading.unknowable import unknowable

_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_CLAUSE_ENDS = re.compile(r"\s*(?:$|[.,;:!?)\]\n。，；]|[\"'](?!\w)|[-–—(]|(?:because|since|as)\b|因为)")
_JOINED = re.compile(r"\s*(?:,|/|&)?\s*(?:and|or|und|oder|et|ou|y|o|和|或|或者|与)\s*")


class Texts:
    """The texts of options and their further names, made comparable."""

    def __init__(self, texts: Sequence[str], names: Sequence[str], fold: Callable[[str], str]) -> None:
        self.texts = tuple(texts)
        # The first two words of a person's name in `answer_info`, as in BBQ's scripts.
        self.short = {i: " ".join(name.split()[:2]) for i, name in enumerate(names) if len(name.split()) > 1}
        self.fold = fold

    def equal(self, text: str) -> set[int]:
        """Options whose text is the whole text."""
        said = self.fold(text)
        bare = said.strip("\"'“”„«»()[] ")
        found = {index for index, own in enumerate(self.texts) if own and own in (said, bare)}
        return found or {i for i, own in enumerate(self.texts) if own and _without_article(own) == bare}

    def begins(self, text: str, *, alone: bool = False) -> int | None:
        """The option whose text (with or without a leading article) begins a text; the longest, if several.
        `alone`: only if the clause ends there, too."""
        said = _without_article(self.fold(text[:400]).lstrip("\"'“”„«»([:,- "))
        own = [(index, _without_article(self.texts[index])) for index in self._longest_first()]
        for index, words in (*own, *self.short.items()):
            found = pattern(words).match(said)
            if found and (not alone or _CLAUSE_ENDS.match(said, found.end())):
                return index
        return None

    def listed(self, text: str, labels: Labels) -> tuple[set[int], int]:
        """Options that are listed in one line with label and own text, as in a prompt, and the position where the last
        of them ends."""
        found, end = set(), 0
        for place in re.finditer(rf"{labels.standing}\s*[.):\]]\s*", text):
            index = labels.index(re.match(labels.upper, place.group())[0])  # type: ignore[index]
            own = pattern(self.texts[index]) if self.texts[index] else None
            if own and (said := own.match(self.fold(text[place.end() : place.end() + 400]))):
                found.add(index)
                end = place.end() + said.end()
        return found, end

    def joined(self, text: str, first: int) -> set[int]:
        """Further options joined to the one with which a text begins ("X or Y")."""
        said = _without_article(self.fold(text[:400]).lstrip("\"'“”„«»([:,- "))
        rest = said[len(_without_article(self.texts[first])) :]
        if not (joint := _JOINED.match(rest)):
            return set()
        other = self.begins(rest[joint.end() :])
        return {other} if other is not None else set()

    def held(self, text: str) -> set[int]:
        """Options whose whole text occurs in a text and is not denied; if one option's text contains another's, only
        the longer."""
        said, found = self.fold(text), set()
        for index in self._longest_first():
            own = pattern(self.texts[index])
            places = [place for place in own.finditer(said) if not _denied(said, place)]
            if places:
                found.add(index)
            said = own.sub(" … ", said)
        return found

    def by_name(self, text: str) -> set[int]:
        """Options for which a text contains the first two words of a further name."""
        said = self.fold(text)
        return {index for index, name in self.short.items() if pattern(name).search(said)}

    def stands_before(self, text: str, place: int) -> bool:
        """Whether an option's text occurs in a sentence before the one at a place."""
        before = re.split(r"[.!?。！？\n]", text[:place])[:-1]
        return any(self.held(sentence) for sentence in before)

    def has_unknowable(self, indices: set[int]) -> bool:
        """Whether one of these options says that it cannot be known."""
        return any(unknowable(self.texts[index]) for index in indices if index < len(self.texts))

    def _longest_first(self) -> list[int]:
        return sorted((i for i, own in enumerate(self.texts) if own), key=lambda i: -len(self.texts[i]))


@lru_cache(maxsize=4096)
def pattern(words: str) -> re.Pattern[str]:
    """Pattern of the words as whole words, except in scripts without spaces between them."""
    word = rf"[^\W{_UNSPACED}]"
    before = rf"(?<!{word})" if re.match(word, words) else ""
    after = rf"(?!{word})" if re.search(rf"{word}$", words) else ""
    return re.compile(before + re.escape(words) + after)


def _denied(said: str, place: re.Match[str]) -> bool:
    before, after = said[max(0, place.start() - 40) : place.start()], said[place.end() :]
    return bool(NOT.search(before) or statements.DENIED.match(after))


def _without_article(text: str) -> str:
    return re.sub(r"^(?:the|a|an)\s+(?=\S)", "", text)
