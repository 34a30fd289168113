"""Escapes texts of models and records for display."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"##(?=\w*\[)")
"""The beginning of a command that CI systems read anywhere in a line of a log: `##[error]`, `##vso[task.setvariable …]`."""

_MEANING = re.compile(r"[^0-9A-Za-z \u00a1-\ufffd.,:;()/%+\-=?'_]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""Characters that may be markup in Markdown: all but letters, digits and those without meaning inside a line, such as an underscore
inside a word."""

_REFERENCE = re.compile(
    r"""
    @                                   # a mention, or an address of mail
    | (?<=www)\. | (?<=\w)\.(?=[^\W\d])  # www.example.org, example.org
    | :(?=//) | /(?=/)                  # https://example.org, //example.org
    | :(?=[\w+-]+:)                     # :smile:
    | (?<=\bGH)-(?=\d)                  # GH-1
    | \[(?=[\sxX]\])                     # [x]
    | [#!$&~^%*\[](?=[\w"'{:])          # #1; of GitLab !1, $1, &1, ~label, ^alert, %milestone, *iteration, [vulnerability:1]
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Characters from which GitHub and GitLab make links, mentions and emoji after the Markdown is rendered, so that an entity does not help:
each gets its own element, which splits the text."""

_OPENING = re.compile(r"[-+=]|\d{1,9}[.)]")
"""Beginnings of a line that make it a list, a heading or a rule."""


def visible(text: str, limit: int = 200) -> str:
    """The text in one line: invisible characters are escaped, line breaks become ⏎, and the end of a long text is cut.
    The result contains no command to a terminal or to a CI system that reads logs for commands."""
    shown = "".join(_seen(character) for character in text[:limit])
    shown = _COMMAND.sub(r"#\\x23", shown)
    return shown if len(text) <= limit else f"{shown} … ({len(text):,} characters)"


def _seen(character: str) -> str:
    # Python does not count the wide space of Chinese and Japanese as printable.
    if character.isprintable() or character == "\u3000":
        return character
    return "⏎" if character == "\n" else character.encode("unicode_escape").decode()


def markdown(text: str, limit: int = 200) -> str:
    """The same for Markdown, as `<code>`: it makes no link, mention, markup or new cell of a table."""
    shown = visible(text, limit)
    return f"<code>{_meaningless(shown)}</code>" if shown else ""


def cell_markdown(text: str, limit: int = 1_000) -> str:
    """A text with names in it, for a cell of a table or the middle of a line: without markup, links or mentions."""
    return _meaningless(visible(text, limit).strip(" "))


def plain_markdown(text: str, limit: int = 1_000) -> str:
    """The same for a complete line."""
    shown = visible(text, limit).strip(" ")
    opening = _OPENING.match(shown)
    if opening is None:
        return _meaningless(shown)
    end = opening.end()
    return shown[: end - 1] + _own_element(shown[end - 1]) + _meaningless(shown[end:])


def _meaningless(text: str) -> str:
    parts, at = [], 0
    for found in _REFERENCE.finditer(text):
        parts += [_entities(text[at : found.start()]), _own_element(found[0])]
        at = found.end()
    return "".join([*parts, _entities(text[at:])])


def _entities(text: str) -> str:
    return _MEANING.sub(lambda found: f"&#{ord(found[0])};", text)


def _own_element(sign: str) -> str:
    return f"<span>&#{ord(sign)};</span>"
