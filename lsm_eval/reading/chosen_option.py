"""Reads which option a generated answer chooses, in the same way for all tasks.

An answer that names none of the options, or several, chooses none: it is counted as such and never guessed. An answer is
read in this order, and the first step that finds an option decides:

1. the content of the last LaTeX box;
2. the last statement of an answer ("the answer is B", "so it must be B", "I choose B", "B is correct"), in English,
   Chinese, French, German, Spanish and a few more languages, followed by a label or an option's text;
3. a line that is a label alone: the first, or after reasoning the last;
4. the text of an option, and nothing else;
5. a label with which the answer begins (`B.`, `B)`, `(B)`, `B:`);
6. any labels and texts of options in it, except those that are denied ("not B", "B is wrong");
7. a sentence saying that it cannot be known, if one of the options says so.

A label with the text of another option counts as two options. A list that repeats the options is read only if there is
nothing else. The A of "A dog" and the I of "I think" are words, not labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from lsm_eval.reading import statements
from lsm_eval.reading.letters import NOT, Labels, Mention, labels_of
from lsm_eval.reading.markup import boxed, plain
from lsm_eval.reading.option_texts import Texts
from lsm_eval.reading.unknowable import PHRASE, begins_unknowable, unknowable
from lsm_eval.reading.yes_no import read_yes_no

VERSION = 2
"""Increased whenever the same answer would be read differently; part of signatures."""

_CUES = 30
"""Number of statements that are examined, counted from the end."""
_MOST = 4000
"""Most characters of an answer that are read."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """The text in lower case, without a final full stop and outer spaces."""
    return plain(text).casefold().strip().rstrip(".。").strip()


def chosen(
    answer: str,
    options: Sequence[str],
    *,
    labels: Sequence[str] | None = None,
    unknown: int | None = None,
    names: Sequence[str] = (),
) -> int | None:
    """Index of the one option that an answer chooses; None if none or several can be read."""
    found = named(answer, options, labels=labels, unknown=unknown, names=names)
    return found[0] if len(found) == 1 else None


def named(
    answer: str,
    options: Sequence[str],
    *,
    labels: Sequence[str] | None = None,
    unknown: int | None = None,
    names: Sequence[str] = (),
    fold: Callable[[str], str] = folded,
) -> tuple[int, ...]:
    """Indices of the options that an answer names, in ascending order; a single one means that it is decided.

    `labels` are the options' labels in the prompt (A, B, C, … by default; numbers are possible). `unknown` is the index of
    the option that says it cannot be known, so that other words for it count too; by default the only option with such
    words. `names` are further words for the options, parallel to them ("blind woman" for "The woman who is blind"); single
    words are ignored, as too common. `fold` makes texts comparable."""
    reader = _Reader(
        labels_of(tuple(labels) if labels is not None else tuple(LETTERS[: len(options)])),
        Texts([fold(option) for option in options], [fold(name) for name in names], fold),
        _unknown(options) if unknown is None else unknown,
    )
    if len(answer) > _MOST:
        # In a very long text the answer stands at the beginning or at the end.
        answer = f"{answer[: _MOST // 4]}\n{answer[-3 * _MOST // 4 :]}"
    inside = boxed(answer)
    if inside is not None and (found := reader.read(plain(inside))):
        return tuple(sorted(found))
    revised = list(statements.REVISED.finditer(answer))
    if revised and len(found := reader.read(plain(answer[revised[-1].end() :]))) == 1:
        return tuple(found)
    reader.denied.clear()
    read = reader.read(plain(answer))
    if (
        len(read) != 1
        and not reader.labelled(plain(answer))
        and (said := _yes_or_no(answer, options, fold)) is not None
    ):
        return (said,)
    return tuple(sorted(read))


def _yes_or_no(answer: str, options: Sequence[str], fold: Callable[[str], str]) -> int | None:
    """The option yes or no that an answer means, if the words alone do not show it ("no doubt: yes")."""
    own = [fold(option) for option in options]
    said = read_yes_no(answer) if "yes" in own and "no" in own else None
    return None if said is None else own.index("yes" if said else "no")


def _unknown(options: Sequence[str]) -> int | None:
    found = [index for index, option in enumerate(options) if unknowable(plain(option))]
    return found[0] if len(found) == 1 else None


class _Reader:
    def __init__(self, labels: Labels, texts: Texts, unknown: int | None) -> None:
        self.labels = labels
        self.texts = texts
        self.unknown = unknown
        self.denied: set[int] = set()

    def labelled(self, text: str) -> bool:
        """Whether a text names an option by its label, so that words next to it may be those of another option."""
        if self.labels.leading(text.strip()) or self.mentions(text):
            return True
        return any(self.labels.at(text, cue.end()) for cue in statements.CUE.finditer(text))

    def read(self, text: str) -> set[int]:
        """Options that a text names."""
        if begins := text.strip():
            own = statements.ASKED.search(begins)
            text = begins[: own.start()] if own else begins
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            return set()
        ends = {index for line in (lines[0], lines[-1]) if (index := self.labels.alone(line)) is not None}
        if len(lines) == 1 and ends:
            return ends
        stated = self.stated(text)
        if stated:
            return stated
        if ends:
            return ends
        if equal := self.texts.equal(text):
            return equal
        listed = self.labels.lines(text)
        if len({index for index, _ in listed}) > 1:
            right = {index for index, line in listed if statements.VERDICT.match(line)}
            if len(right) == 1:
                return right
            rest = "\n".join(line for line in lines if line not in {line for _, line in listed})
            return self.read(rest) or {index for index, _ in listed}
        inline, end = self.texts.listed(text, self.labels)
        if len(inline) > 1:
            return self.read(text[end:]) or inline
        led = self.labels.leading(text)
        if led and not self.is_denied(text, led):
            return self.with_text(text, led)
        said = self.texts.begins(text, alone=True)
        if said is not None and not statements.TURN.search(text) and not unknowable(text):
            return {said, *self.texts.joined(text, said)}
        return self.anywhere(text) or self.by_place(text)

    def stated(self, text: str) -> set[int]:
        """Options that the last statement of an answer names; empty if there is none."""
        found: list[tuple[int, set[int]]] = []
        for cue in list(statements.CUE.finditer(text))[: -_CUES - 1 : -1]:
            said = self.after(text, cue.end())
            if said and statements.WRONG_ONE.search(text[: cue.start()]):
                self.denied.update(said)
            elif said:
                found.append((cue.start(), said))
                break
        for mention in self.mentions(text):
            if self.is_denied(text, mention):
                self.denied.update(mention.indices)
            elif statements.AFFIRMED.match(text, mention.end):
                found.append((mention.start, set(mention.indices)))
        return max(found, key=lambda one: one[0])[1] if found else set()

    def after(self, text: str, place: int) -> set[int]:
        """Options named after a cue: by labels, by an option's text, or by saying that it cannot be known."""
        if re.match(r"(?i)\s*(?:not|nicht|pas|no(?=\s)|never|不是|不)(?!\w)", text[place:]):
            return set()
        mention = self.labels.at(text, place)
        if mention:
            return set() if self.is_denied(text, mention) else self.with_text(text, mention)
        rest = text[place : place + 400]
        said = self.texts.begins(rest)
        if said is not None:
            others = self.texts.joined(rest, said)
            return {said, *others}
        # It must be said of the answer: "so it's not known" is, "the option was …" may be anything.
        if (
            self.unknown is not None
            and (found := PHRASE.search(rest))
            and not rest[: found.start()].strip(" :,\"'")
        ):
            several = next(self.labels.together(rest), None)
            return set(several.indices) if several else {self.unknown}
        return set()

    def with_text(self, text: str, mention: Mention) -> set[int]:
        """The option of a label, and that of another option's text right after it."""
        found = set(mention.indices)
        rest = text[mention.end :].lstrip(" \t.():]-–—,;\"'")
        said = self.texts.begins(rest, alone=True)
        if said is not None:
            return found | {said}
        if self.unknown is not None and begins_unknowable(rest.split("\n")[0]):
            return found | ({self.unknown} if not self.texts.has_unknowable(found) else set())
        return found

    def mentions(self, text: str) -> list[Mention]:
        """Every place where labels are used as names of options; joined ones are one mention."""
        found = [*self.labels.together(text), *self.labels.enclosed(text)]
        cues = (self.labels.at(text, cue.end()) for cue in statements.NAMED.finditer(text))
        found += [mention for mention in cues if mention]
        joined = {place for one in found for place in range(one.start, one.end)}
        for place in re.finditer(self.labels.standing, text):
            end = place.end()
            if place.start() in joined:
                continue
            if (
                statements.AFFIRMED.match(text, end)
                or statements.DENIED.match(text, end)
                or (
                    NOT.search(text[max(0, place.start() - 40) : place.start()])
                    and not text[end : end + 2].strip().isalpha()
                )
            ):
                found.append(Mention((self.labels.index(place.group()),), place.start(), end))
        return found

    def is_denied(self, text: str, mention: Mention) -> bool:
        """Whether the text says that a label is wrong."""
        return bool(
            statements.DENIED.match(text, mention.end)
            or NOT.search(text[max(0, mention.start - 40) : mention.start])
        )

    def anywhere(self, text: str) -> set[int]:
        """All options that are named and not denied, or the one that says it cannot be known."""
        found: set[int] = set()
        for mention in self.mentions(text):
            if not self.is_denied(text, mention):
                found.update(mention.indices)
        for cue in statements.UNSURE.finditer(text):
            mention = self.labels.at(text, cue.end())  # type: ignore[assignment]
            if mention and not self.is_denied(text, mention):
                found.update(mention.indices)
        for _, line in self.labels.lines(text):
            if (led := self.labels.leading(line)) and not self.is_denied(line, led):
                found.update(self.with_text(line, led))
        found -= self.denied
        if not found:
            found = self.ending_clauses(text) - self.denied
        people = self.texts.held(text)
        if found or self.unknown is None:
            return found | people
        phrase = PHRASE.search(text)
        if not phrase or people == {self.unknown}:
            return people or self.texts.by_name(text)
        others = people - {self.unknown}
        if len(others) == 1 and (
            statements.TURN.search(text) or self.texts.stands_before(text, phrase.start())
        ):
            # "It is not known, but probably …" names both.
            return others | {self.unknown}
        return {self.unknown}

    def ending_clauses(self, text: str) -> set[int]:
        """Labels that are a clause of their own, or end one as its answer ("Sure, B.")."""
        return {
            self.labels.index(place.group())
            for place in re.finditer(rf"{self.labels.standing}(?=\s*(?:$|[.,;!)\"'\n。，；]))", text)
            if statements.ALONE.search(text[max(0, place.start() - 40) : place.start()])
            and not NOT.search(text[max(0, place.start() - 40) : place.start()])
        }

    def by_place(self, text: str) -> set[int]:
        """The option at the place that "2", "option 2" or "the second one" names, if no option has a number of its own."""
        size = len(self.texts.texts)
        if not self.labels.labels[0].isalpha() or any(re.search(r"\d", one) for one in self.texts.texts):
            return set()
        found = re.fullmatch(
            r"(?i)[\W_]*(?:(?:the\s+)?(?:correct |right |best |final )*(?:answer|option|choice|number)\s*(?:is|:)?\s*"
            r"(?:option|number)?)?[\W_]*(\d{1,2})[\W_]*",
            text[:120],
        )
        if found:
            return {int(found[1]) - 1} if 1 <= int(found[1]) <= size else set()
        said = statements.ORDINAL.fullmatch(text[:120])
        if not said:
            return set()
        place = size - 1 if said[1].lower() == "last" else statements.ORDINALS.index(said[1].lower())
        return {place} if place < size else set()
