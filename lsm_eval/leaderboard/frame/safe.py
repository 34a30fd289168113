"""JSON that is safe inside a page's `<script>`, whatever its content."""

from __future__ import annotations

import json
import math
from typing import Any

from lsm_eval.leaderboard.show import clip, visible

_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def safe_json(thing: Any) -> str:
    """`thing` as JSON in ASCII without `<` and `&`, so that nothing in it can end the surrounding script or begin a comment.

    Invisible characters are written out in every text (`show.visible`). Numbers that are not finite become null. Raises TypeError for
    dataclasses and other objects.
    """
    return _ENCODER.encode(_plain(thing)).replace("&", "\\u0026").replace("<", "\\u003c")


MOST = 20_000
"""The most characters of a text in data; longer texts of records are cut. Long texts of our own are split with `in_parts`."""

PART = 15_000
"""The most characters of one text in a piece."""


def in_parts(text: str) -> list[str]:
    """A long text of our own in several parts, which a script joins again."""
    return [text[at : at + PART] for at in range(0, len(text), PART)]


def _plain(thing: Any) -> Any:
    kind = type(thing)
    if kind is int or thing is None:
        return thing
    if kind is str and len(thing) <= MOST and thing.isascii() and thing.isprintable():
        return thing  # as most texts are
    if isinstance(thing, str):
        return visible(clip(str(thing), MOST))
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, dict):
        return {visible(str(name)): _plain(value) for name, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_plain(value) for value in thing]
    return thing
