"""Checks that a prompt rendered by a chat template shows all messages, and explains errors of templates."""

from __future__ import annotations

import html
import json

_PART = "'type':'text'"


def shows(text: str, message: str) -> bool:
    """Whether a rendered prompt contains a message, regardless of changes to white space or quotes."""
    if message.strip() in text:
        return True
    bare = "".join(text.split())
    written = (message, json.dumps(message, ensure_ascii=False)[1:-1], json.dumps(message)[1:-1])
    return any("".join(one.split()) in bare for one in (*written, html.escape(message), _as_jinja(message)))


def shows_parts(text: str, prompt: str, system: str | None) -> bool:
    """Whether the template printed the list of parts itself instead of its texts."""
    bare, own = ("".join(one.split()).replace('"', "'") for one in (text, f"{system}{prompt}"))
    return bare.count(_PART) > own.count(_PART)


def faults() -> tuple[type[Exception], ...]:
    """The exceptions that a template may raise: its own, Jinja's, or those of the Python code that Jinja generates (a `break`
    outside of a loop is a SyntaxError)."""
    return (Exception,)


def explain(error: BaseException) -> str:
    """What a template raised, in a few words."""
    import jinja2

    words = " ".join(str(error).split())[:200].rstrip(".:")
    own = isinstance(error, jinja2.TemplateError) and type(error) is jinja2.TemplateError
    return words if own and words else f"{type(error).__name__}{': ' if words else ''}{words}"


def _as_jinja(message: str) -> str:
    """The message as Jinja's own filter escapes it for HTML."""
    import markupsafe

    return str(markupsafe.escape(message))
