"""JSON that any parser reads, wherever it is written: to a file, a console of any encoding, the log of a CI machine."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from lsm_eval.well_formed import all_well_formed


def json_text(content: Any, *, one_line: bool = False) -> str:
    """`content` as JSON that any parser reads and any console shows: letters of every script stay readable, invisible
    characters are escaped, numbers that JSON lacks (NaN, infinity) become null, and lone surrogates become U+FFFD."""
    indent = None if one_line else 1
    text = json.dumps(all_well_formed(finite(content)), indent=indent, ensure_ascii=False, allow_nan=False)
    return _RISKY.sub(lambda found: "".join(_escaped(sign) for sign in found[0]), text)


_RISKY = re.compile(r"[^\n\x20-\x7e\u00a1-\u02ff\u3000-\u9fff\uac00-\ud7a3]+|##(?=\w*\[)")
"""Characters that may be invisible, or begin a command to a CI machine that reads a log; in JSON they stand in strings only."""


def printed(text: str, encoding: str) -> str:
    """JSON for a stream of this encoding: in ASCII if the encoding lacks some of its characters."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return re.sub(r"[^\x00-\x7f]", lambda found: _escape(found[0]), text)
    return text


def _escaped(sign: str) -> str:
    return sign if sign.isprintable() and sign != "#" else _escape(sign)


def _escape(sign: str) -> str:
    number = ord(sign)
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"


def finite(thing: Any) -> Any:
    """`thing` with None for NaN and infinity, and Python's numbers for NumPy's."""
    if type(thing).__module__ == "numpy" and hasattr(thing, "item"):
        thing = thing.item()
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, dict):
        return {name: finite(part) for name, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [finite(part) for part in thing]
    return thing
