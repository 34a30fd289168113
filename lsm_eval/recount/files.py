"""Reads a record's JSON files as plain values; `table` reads the sample tables."""

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
"""Largest size of a JSON file in bytes; those of a record are far smaller."""


@dataclass
class Problems:
    """Collects the problems of a record, one sentence each."""

    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """Adds a problem unless it is already there."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)


def read_json(path: Path, problems: Problems) -> Any:
    """The content; None, with a problem added, if it cannot be read."""
    try:
        if not path.is_file() and path.exists():
            problems.add(f"{path.name} is not a file.")
            return None
        if path.stat().st_size > _LARGEST:
            problems.add(
                f"{path.name} has more than {_LARGEST // 2**20} MiB, which is too large for a record."
            )
            return None
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        problems.add(f"{path.name} is missing.")
    except (OSError, ValueError, RecursionError) as error:
        problems.add(f"{path.name} cannot be read ({short(error)}).")
    return None


def numbers(value: Any, at: str = "") -> Iterator[tuple[str, float]]:
    """Every number inside a JSON value, with its path."""
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
            continue  # most values of a record; a recursive call would cost time
        name = f"{at}[{key}]" if kind is list else f"{at}.{key}" if at else str(key)
        if inner is int or inner is float:
            yield name, part
        else:
            yield from numbers(part, name)


def finite(value: Any) -> bool:
    """Whether every number inside a JSON value is finite."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    for part in parts:
        kind = type(part)
        if kind is float:
            if not math.isfinite(part):
                return False
        elif (kind is dict or kind is list) and not finite(part):
            return False
    return True


def not_finite(value: Any) -> bool:
    """Whether the value is a number that is not finite."""
    return isinstance(value, float) and not math.isfinite(value)


def short(error: BaseException) -> str:
    """The error's message, shortened."""
    return " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
