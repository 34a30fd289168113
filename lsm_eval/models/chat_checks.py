"""What came of messages in a chat template: whether all of them is there, and what went wrong."""

from __future__ import annotations

import html
import json

_PART = "'type':'text'"


def shows(text: str, message: str) -> bool:
    """Whether a rendered prompt holds a message, whatever became of its white space or its quotes."""
    if message.strip() in text:
        return True
    bare = "".join(text.split())
    written = (message, json.dumps(message, ensure_ascii=False)[1:-1], json.dumps(message)[1:-1])
    return any("".join(one.split()) in bare for one in (*written, html.escape(message), _as_jinja(message)))


def shows_parts(text: str, prompt: str, system: str | None) -> bool:
    """Whether the list of parts itself is written where its texts should be."""
    bare, own = ("".join(one.split()).replace('"', "'") for one in (text, f"{system}{prompt}"))
    return bare.count(_PART) > own.count(_PART)


def faults() -> tuple[type[Exception], ...]:
    """Whatever a template raises: by itself, by Jinja, or by the Python that Jinja makes of it (a `break` outside of a
    loop is a SyntaxError)."""
    return (Exception,)


def explain(error: BaseException) -> str:
    """What a template raised, in a few words."""
    import jinja2

    words = " ".join(str(error).split())[:200].rstrip(".:")
    own = isinstance(error, jinja2.TemplateError) and type(error) is jinja2.TemplateError
    return words if own and words else f"{type(error).__name__}{': ' if words else ''}{words}"


def _as_jinja(message: str) -> str:
    """As Jinja's own filter escapes it for HTML."""
    import markupsafe

    return str(markupsafe.escape(message))
