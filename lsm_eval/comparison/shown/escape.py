"""Texts of models and records made harmless where they are shown."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[^0-9A-Za-z \u00a0-\uffff]", re.ASCII)


def visible(text: str, limit: int = 200) -> str:
    """In one line: what cannot be seen is written out as an escape, line breaks as ⏎, and the end of a long text is cut."""
    cut = text[: limit + 1]
    shown = "".join(
        c if c.isprintable() else "⏎" if c == "\n" else c.encode("unicode_escape").decode() for c in cut
    )
    shown = shown.encode("utf-8", "backslashreplace").decode()
    return shown if len(text) <= limit else f"{shown[:limit]} … ({len(text):,} characters)"


def markdown(text: str, limit: int = 200) -> str:
    """The same for a cell of a Markdown table: in `<code>`, every sign that could mean something written as an entity, so that
    it makes no link, no mention, no markup and no further cell."""
    shown = visible(text, limit)
    return f"<code>{_PLAIN.sub(lambda match: f'&#{ord(match[0])};', shown)}</code>" if shown else ""


def plain_markdown(text: str) -> str:
    """Words of our own with names in them, for Markdown: no markup, no mention."""
    return _PLAIN.sub(lambda match: match[0] if match[0] in _HARMLESS else f"&#{ord(match[0])};", text)


_HARMLESS = frozenset(".,:;()[]/%+-=?'")
