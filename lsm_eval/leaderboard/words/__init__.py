"""Texts of the interface: English in the templates and scripts, by `t("English text")`, and a table of each other language."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from importlib import import_module
from typing import Any

from markupsafe import Markup, escape

from lsm_eval.leaderboard.show import shown, visible

LANGUAGES = {"en": "English", "zh": "中文"}
"""Codes and own names."""

_PART = re.compile(r"\{(\w+)\}")


def table(language: str) -> dict[str, str]:
    """English text to its translation; empty for English."""
    if language == "en":
        return {}
    words: dict[str, str] = import_module(f"lsm_eval.leaderboard.words.{language}").WORDS
    return words


class Words:
    """Writes texts in one language, marked so that a page's script can change the language, and keeps which ones a page has."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._table = table(language)
        self._used: dict[str, None] = {}
        self._made: dict[str, Markup] = {}

    def start(self, texts: Collection[str]) -> None:
        """A new page, whose scripts show `texts`."""
        self._used = dict.fromkeys(texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that the page has so far, in English."""
        return tuple(self._used)

    def used(self) -> dict[str, dict[str, str]]:
        """For each language but English: the translation of every text that the page has."""
        return {
            code: {text: words[text] for text in sorted(self._used) if text in words}
            for code in LANGUAGES
            if (words := table(code))
        }

    def plain(self, text: str, **parts: Any) -> str:
        """A text with its `{parts}` filled in, not marked: for a page's title and for files."""
        return _fill(visible(self._table.get(text, text)), _texts(parts))

    def t(self, text: str, **parts: Any) -> Markup:
        """A text of the interface, marked, in a `<span>`; `parts` stand in place of `{name}` and are texts of anybody."""
        if not parts and text in self._made:  # pages have thousands
            self._used.setdefault(text)
            return self._made[text]
        mark = self._mark("t", text, parts)
        # A page has thousands: what stands in it itself is not said twice.
        if self.language == "en" and not parts and visible(text) == text:
            mark = Markup(" data-t")
        # No `Markup.format`, which takes many times as long.
        made = Markup(f"<span{mark}>{escape(self.plain(text, **parts))}</span>")
        if not parts:
            self._made[text] = made
        return made

    def ta(self, attribute: str, text: str, **parts: Any) -> Markup:
        """` attribute="text"`, marked: `<table{{ ta("aria-label", "Numbers") }}>`."""
        mark = self._mark(f"t-{attribute}", text, parts)
        return Markup(f' {escape(attribute)}="{escape(self.plain(text, **parts))}"{mark}')

    def tn(self, n: int, one: str, many: str, **parts: Any) -> Markup:
        """`t` of a text about `{n}` things: `one` where there is one, else `many`."""
        return self.t(one if n == 1 else many, n=f"{n:,}", **parts)

    def _mark(self, name: str, text: str, parts: dict[str, Any]) -> Markup:
        self._used.setdefault(text)
        text = visible(text)
        mark = f' data-{escape(name)}="{escape(text)}"'
        if parts:
            mark += f' data-{escape(name)}-parts="{escape(json.dumps(_texts(parts), ensure_ascii=False))}"'
        return Markup(mark)


def _texts(parts: dict[str, Any]) -> dict[str, str]:
    return {name: shown(str(value)) for name, value in parts.items()}


def _fill(text: str, parts: dict[str, str]) -> str:
    # In one pass: a hostile text that looks like a part stays as it is.
    return _PART.sub(lambda match: parts.get(match[1], match[0]), text) if parts else text


def word(text: str) -> str:
    """A text of the interface in a module, which a page shows by `t`: named so, it is known to need a translation."""
    return text
