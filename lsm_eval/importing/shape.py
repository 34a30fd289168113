"""Checks the types of values in JSON of other tools."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError


def wrong(path: Path, why: str) -> UserError:
    """The error for a file with unexpected content."""
    return UserError(f"{path} cannot be imported: {why}.")


def mapping(value: Any, path: Path, what: str) -> dict[str, Any]:
    """A JSON object. Raises `UserError`."""
    if not isinstance(value, dict):
        raise wrong(path, f"{what} is {_kind(value)}, and should be an object")
    return value


def sequence(value: Any, path: Path, what: str) -> list[Any]:
    """A JSON list. Raises `UserError`."""
    if not isinstance(value, list):
        raise wrong(path, f"{what} is {_kind(value)}, and should be a list")
    return value


def some(value: Any) -> dict[str, Any]:
    """An optional JSON object; empty if the value is not an object."""
    return value if isinstance(value, dict) else {}


def number(value: Any) -> float | None:
    """A finite number, or a boolean as 1 or 0; None for all else."""
    if isinstance(value, (bool, int, float)):
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None
    return None


def whole(value: Any) -> int | None:
    """An integer that fits into an int64; None for all else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or number(value) is None:
        return None
    return int(value) if int(value) == value and abs(value) < 2**63 else None


def text(value: Any) -> str | None:
    """A text that is not empty; None for all else."""
    return value if isinstance(value, str) and value.strip() else None


def moment(value: Any, path: Path, what: str) -> datetime:
    """A time, of ISO 8601 or in seconds since 1970, in UTC. Raises `UserError`."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise wrong(path, f"{what} is {str(value)[:80]!r}, no time") from error


def _kind(value: Any) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
