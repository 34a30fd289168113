"""JSON that any parser reads, wherever it is written: a file, a console of any encoding, the log of a CI machine."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from lsm_eval.well_formed import all_well_formed


def json_text(content: Any, *, one_line: bool = False) -> str:
    """`content` as JSON that any parser reads, also where it is printed: readable in every script, with what cannot be seen
    escaped, null for numbers that JSON does not have, and U+FFFD for halves of characters."""
    indent = None if one_line else 1
    text = json.dumps(all_well_formed(finite(content)), indent=indent, ensure_ascii=False, allow_nan=False)
    return _RISKY.sub(lambda found: "".join(_escaped(sign) for sign in found[0]), text)


_RISKY = re.compile(r"[^\n\x20-\x7e\u00a1-\u02ff\u3000-\u9fff\uac00-\ud7a3]+|##(?=\w*\[)")
"""What may be unseen, or begin a command to a CI machine that reads a log; JSON has such signs in strings only."""


def printed(text: str, encoding: str) -> str:
    """The same JSON for a stream of this encoding: where it cannot write all of it, in ASCII."""
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
    """The same with null for numbers that JSON does not have, and plain numbers for those of NumPy."""
    if type(thing).__module__ == "numpy" and hasattr(thing, "item"):
        thing = thing.item()
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, dict):
        return {name: finite(part) for name, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [finite(part) for part in thing]
    return thing
