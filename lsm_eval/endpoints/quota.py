"""Reads a server's quotas from the headers of its answers: `x-ratelimit-*`, as hosted APIs write them, or Anthropic's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

_PARTS = re.compile(r"([0-9.]+)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SCARCE = 0.1  # share of a quota that is left when its rate is first used


def stated_rate(headers: Mapping[str, str], now: float) -> float | None:
    """The quota's rate in requests per second, once little of the quota is left; None if the headers do not state it, or
    much is left. `now`: seconds since 1970.

    A quota that fills evenly is full again after `reset`, so its rate is what is missing divided by that time, whatever
    its period.
    """
    left = _number(headers, "remaining")
    if left is None:
        return None
    limit = _number(headers, "limit")
    if limit is None or not 0 <= left < limit or left > _SCARCE * limit:
        return None
    reset = _reset(headers, now)
    if reset is None or reset <= 0:
        return None
    return (limit - left) / reset


def _named(headers: Mapping[str, str], what: str) -> str | None:
    return headers.get(f"x-ratelimit-{what}-requests") or headers.get(f"anthropic-ratelimit-requests-{what}")


def _number(headers: Mapping[str, str], what: str) -> float | None:
    text = _named(headers, what)
    try:
        found = float("nan" if text is None else text)
    except ValueError:
        return None
    return found if 0 <= found < 1e12 else None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the quota is full: `6m0s`, `120ms`, `2.5` or a date."""
    text = (_named(headers, "reset") or "").strip()
    if not text:
        return None
    parts = _PARTS.findall(text)
    try:
        if parts and _PARTS.sub("", text) == "":
            return sum(float(number) * _SECONDS[unit] for number, unit in parts)
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
