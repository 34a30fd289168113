"""Texts of models and records made harmless where they are shown."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"##(?=\w*\[)")
"""What begins a command that CI machines read anywhere in a line of a log: `##[error]`, `##vso[task.setvariable …]`."""

_MEANING = re.compile(r"[^0-9A-Za-z \u00a1-\ufffd.,:;()/%+\-=?'_]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""Signs that may mean something to Markdown: all but letters, digits and those that mean nothing within a line. An underscore
inside a word is one of those."""

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
"""Signs of which GitHub and GitLab make links, mentions and emoji after the Markdown is rendered, so that an entity is no help:
each gets an element of its own, which cuts the text in two."""

_OPENING = re.compile(r"[-+=]|\d{1,9}[.)]")
"""What makes a list, a heading or a rule of a line that begins so."""


def visible(text: str, limit: int = 200) -> str:
    """In one line: what cannot be seen is written out as an escape, line breaks as ⏎, and the end of a long text is cut.
    Nothing in it is a command to a terminal, or to a machine that reads a log for commands."""
    shown = "".join(_seen(character) for character in text[:limit])
    shown = _COMMAND.sub(r"#\\x23", shown)
    return shown if len(text) <= limit else f"{shown} … ({len(text):,} characters)"


def _seen(character: str) -> str:
    # The wide space of Chinese and Japanese is no printable character to Python, and is seen all the same.
    if character.isprintable() or character == "\u3000":
        return character
    return "⏎" if character == "\n" else character.encode("unicode_escape").decode()


def markdown(text: str, limit: int = 200) -> str:
    """The same for Markdown, as `<code>`: it makes no link, no mention, no markup and no further cell of a table."""
    shown = visible(text, limit)
    return f"<code>{_meaningless(shown)}</code>" if shown else ""


def cell_markdown(text: str, limit: int = 1_000) -> str:
    """Words of our own with names in them, for a cell of a table or the middle of a line: no markup, no link, no mention."""
    return _meaningless(visible(text, limit).strip(" "))


def plain_markdown(text: str, limit: int = 1_000) -> str:
    """The same for a line of its own."""
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
