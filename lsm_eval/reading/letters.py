"""Labels of options in a text: letters or numbers that are used as names of options and not as words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Scripts whose words may touch a letter."""
_WORD = rf"[^\W{_UNSPACED}]"
_REASON = (
    r"because|since|as|for|given|due|which|based|not|rather|instead|but|is|was|are|seems|would|and|or|with|"
    r"weil|denn|da|ist|car|parce|puisque|est|porque|ya|es|perché|poiché|è|pois|é|so|therefore"
)
_WHY = r"because|since|as|due|given|for|weil|denn|da|car|parce|puisque|porque|ya que|perché|poiché|rather than|instead of|因为|由于"
_FILLER = re.compile(
    r"(?i)(?:[\s:=\"'“”„«»(\[{<>→,\-–—]+|\\|(?:the|la|le|el|il|die|das|der|a|à|option|options|choice|letter|number|"
    r"answer|alternative|opción|opcion|letra|lettre|buchstabe|möglichkeit|opzione|opção|lettera|either|both|between|"
    r"clearly|definitely|probably|likely|actually|therefore|thus|still|simply|just|only|indeed|most likely|in fact|"
    r"donc|also|daher|então|that|it's|it is|number)\b|l'|选项|选择|字母|应该|应|是|为)"
)
_AND = re.compile(
    r"(?i)\s*[)\].\"']?\s*(?:,?\s*(?:and|or|und|oder|et|ou|y|o|e|and/or|as well as|和|或者|或|与|及|跟|以及)|then|[,;/|&+、])\s*"
    r"(?:(?:also|either|maybe|perhaps|possibly|even)\s+)?(?:(?:option|choice|letter|选项)\s*)?[(\[\"']?\s*"
)
_MOST_FILLERS = 8
_LONGEST_LINE = 120
"""Most characters of a line that may be a label alone; degenerate texts have endless lines."""
NOT = re.compile(
    r"(?i)(?:\bnot|n't|\b(?:wrong|incorrect|false):|\bnever|\banything but|\beverything but|\ball but|\bnor|\bneither|\brather than|\binstead of|\bother than|\bexcept|\bexclud\w+|\belimina\w+|"
    r"\brule[sd]? out|\bruling out|\bnicht|\bpas|\bno es|\bnon è|\bnão é|不是|不选|不能选|不应选|排除|并非|而非)"
    r"[\s:,]*(?:the |be |option |choice |letter |选项)*[(\[\"']?\s*$"
)
"""Matches up to what is denied."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One or more labels at one place in a text (several if they are joined: A or B)."""

    indices: tuple[int, ...]
    start: int
    end: int


class Labels:
    """The labels of options, in their order: single letters, or numbers."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(label.upper() for label in labels)
        one = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        small = "|".join(re.escape(label.lower()) for label in self.labels if label.isalpha())
        self._numbers = any(label.isdigit() for label in self.labels)
        after = rf"(?!{_WORD}|['’]{_WORD}|[+#%]|-{_WORD}|\.[A-Z]\.|[.,]\d)"
        self.upper = rf"(?:{one}){after}"
        self.standing = rf"(?<!{_WORD}){self.upper}"
        """A capital label that does not touch a word of a spaced script."""
        end = r"(?=\s*(?:$|[.,;:!?)\]}\"'、。，；：！？\n]))"
        self.any = rf"(?:{self.upper}|(?:{small}){after}{end})" if small else self.upper
        self._at = re.compile(rf"(?P<label>{self.any})")
        self._upper = re.compile(rf"(?P<label>{self.upper})")
        self.bare = re.compile(
            rf"(?i)[\W_]*(?:(?:the\s+)?(?:option|choice|letter|answer|选项|选)\s*)?[\W_]*(?P<label>{one})(?![+#%])[\W_]*(?:项|选项)?[\W_]*"
        )
        self._enclosed = re.compile(rf"[(\[\"“](?P<label>(?:{one}|{small or one}){after})\s*[)\]\"”]")

        self._leading = re.compile(
            rf"(?P<label>{self.any})\s*(?:[.):\]、,;\-–—\"'。(]|(?:{_WHY})(?!{_WORD}))"
        )

    def index(self, label: str) -> int:
        """Index of the option with this label."""
        return self.labels.index(label.upper())

    def alone(self, line: str) -> int | None:
        """Index of the option whose label is the whole line."""
        found = self.bare.fullmatch(line) if len(line) <= _LONGEST_LINE else None
        return self.index(found["label"]) if found else None

    def at(self, text: str, place: int) -> Mention | None:
        """The label or labels at a place, after any fillers; None if another word comes first."""
        for _ in range(_MOST_FILLERS):
            filler = _FILLER.match(text, place)
            if not filler or filler.end() == place:
                break
            # "A" is a label rather than an article, and so is "a" if nothing follows.
            if filler.group().lower() == "a" and self._labelled(text, place):
                break
            place = filler.end()
        return self._joined(text, place)

    def _labelled(self, text: str, place: int) -> re.Match[str] | None:
        found = self._at.match(text, place)
        return found if found and not self.is_word(text, found) else None

    def _joined(self, text: str, place: int) -> Mention | None:
        found = self._labelled(text, place)
        if not found:
            return None
        indices, end = [self.index(found["label"])], found.end()
        while len(indices) <= len(self.labels) and (joint := _AND.match(text, end)):
            more = self._upper.match(text, joint.end())
            if not more or self.is_word(text, more):
                break
            indices.append(self.index(more["label"]))
            end = more.end()
        return Mention(tuple(dict.fromkeys(indices)), place, end)

    def is_word(self, text: str, found: re.Match[str]) -> bool:
        """Whether an apparent label is the article A or the pronoun I: a word follows that does not introduce a
        reason."""
        label = found["label"]
        if label not in ("A", "I", "O", "E", "Y", "a", "i", "o", "e", "y"):
            return False
        follows = re.match(r"\s+([^\W\d_]+)", text[found.end() :])
        if not follows:
            return False
        reason = re.fullmatch(rf"(?i){_REASON}", follows[1]) is not None
        return not reason if label not in ("I", "i") else True

    def enclosed(self, text: str) -> Iterator[Mention]:
        """Labels in brackets or quotes, anywhere in a text."""
        for found in self._enclosed.finditer(text):
            yield Mention((self.index(found["label"]),), found.start(), found.end())

    def together(self, text: str) -> Iterator[Mention]:
        """Joined capital labels (A or B), anywhere in a text."""
        for found in re.finditer(self.standing, text):
            joined = self._joined(text, found.start())
            if joined and len(joined.indices) > 1:
                yield joined

    def leading(self, text: str) -> Mention | None:
        """The label with which a text begins, if a sign or a reason follows: `B.`, `B)`, `B:`, `B -`, `(B)`,
        `B because`."""
        found = re.match(r"[\W_]*", text)
        place = found.end() if found else 0
        label = self._leading.match(text, place)
        if not label or (label["label"] in "Ii" and text[label.end() - 1] not in ".):]"):
            return None
        return self._joined(text, place)

    def lines(self, text: str) -> list[tuple[int, str]]:
        """Options listed as in a prompt, with a label and a sign at the start of a line: index and line."""
        found = []
        for line in text.splitlines():
            label = re.match(rf"[\W_]*(?P<label>{self.upper})\s*[.):\]、]\s*\S", line)
            if label:
                found.append((self.index(label["label"]), line))
        return found


@lru_cache(maxsize=32)
def labels_of(labels: tuple[str, ...]) -> Labels:
    """The cached `Labels` of these labels, since its expressions take time to compile."""
    return Labels(labels)
