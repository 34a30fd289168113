"""Texts that can be encoded. A lone surrogate, which JSON and YAML can write, has no form in UTF-8: no tokenizer
reads it and no file holds it. It is replaced by U+FFFD, the replacement character (Unicode 15, section 3.9)."""

from __future__ import annotations

import re
from typing import Any

_LONE = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate; the same object if it has none."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE.sub("\ufffd", text)
    return text


def all_well_formed(thing: Any) -> Any:
    """`thing` with `well_formed` applied to every text in it (in lists, tuples and dicts, keys too); the same object if
    nothing had to be changed."""
    if isinstance(thing, str):
        return well_formed(thing)
    if isinstance(thing, dict):
        changed = {all_well_formed(name): all_well_formed(value) for name, value in thing.items()}
        same = len(changed) == len(thing) and all(
            a is c and b is d for (a, b), (c, d) in zip(thing.items(), changed.items(), strict=True)
        )
        return thing if same else changed
    if isinstance(thing, (list, tuple)) and type(thing) in (list, tuple):
        parts = [all_well_formed(part) for part in thing]
        if all(a is b for a, b in zip(thing, parts, strict=True)):
            return thing
        return parts if isinstance(thing, list) else tuple(parts)
    return thing
