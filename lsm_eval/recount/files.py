"""Reads a record's JSON files as they lie there, as plain values; `table` has the sample tables."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KNOWN_VERSIONS = (1,)
MANIFEST, ESTIMATES, SAMPLES = "manifest.json", "estimates.json", "samples"
_LARGEST = 512 * 2**20
"""Bytes of a JSON file; a record's own are far below."""


@dataclass
class Found:
    """Sentences that gather while a record is read."""

    problems: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """Note a problem, once."""
        if sentence not in self.problems:
            self.problems.append(sentence)


def read_json(path: Path, found: Found) -> Any:
    """The content; None, and a problem, where it cannot be read."""
    try:
        if not path.is_file() and path.exists():
            found.say(f"{path.name} is no file.")
            return None
        if path.stat().st_size > _LARGEST:
            found.say(f"{path.name} has more than {_LARGEST // 2**20} MiB, which no record has.")
            return None
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        found.say(f"{path.name} is missing.")
    except (OSError, ValueError, RecursionError) as error:
        found.say(f"{path.name} cannot be read ({short(error)}).")
    return None


def numbers(value: Any, at: str = "") -> Iterator[tuple[str, float]]:
    """Every number inside a JSON value, and where it stands."""
    kind = type(value)
    if kind is int or kind is float:
        yield at, value
        return
    if kind is not dict and kind is not list:
        return
    parts = value.items() if kind is dict else enumerate(value)
    for key, part in parts:
        inner = type(part)
        if inner is str or inner is bool or part is None:
            continue  # most of a record, and not worth a generator
        name = f"{at}[{key}]" if kind is list else f"{at}.{key}" if at else str(key)
        if inner is int or inner is float:
            yield name, part
        else:
            yield from numbers(part, name)


def finite(value: Any) -> bool:
    """Whether every number inside a JSON value is: `numbers` says which is not."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    for part in parts:
        kind = type(part)
        if kind is float:
            if not math.isfinite(part):
                return False
        elif (kind is dict or kind is list) and not finite(part):
            return False
    return True


def odd(value: Any) -> bool:
    """Whether it is a number that is not finite."""
    return isinstance(value, float) and not math.isfinite(value)


def short(error: BaseException) -> str:
    """An error in a few words."""
    return " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
