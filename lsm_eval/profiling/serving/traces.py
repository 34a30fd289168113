"""Traces of real services for replay: arrival times, lengths of prompts and answers, and shared prefixes.

Azure's (`TIMESTAMP,ContextTokens,GeneratedTokens`, CSV; Patel et al. 2024, "Splitwise") and Mooncake's (JSON lines with
`timestamp` in milliseconds, `input_length`, `output_length`, `hash_ids`, each for a block of 512 tokens; Qin et al., FAST 2025). Both
may be compressed with gzip.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from lsm_eval.errors import UserError

Format = Literal["azure", "mooncake"]
BLOCK_TOKENS = 512
"""Tokens of one hash in Mooncake's traces."""
_MOST_BYTES = 2**30  # unpacked
_MOST_SECONDS = 1e12
_MOST_TOKENS = 10_000_000  # of one request


@dataclass(frozen=True, slots=True)
class TracedRequest:
    """One line of a trace."""

    at: float
    """Seconds since the first request."""
    prompt_tokens: int
    output_tokens: int
    blocks: tuple[int, ...] = ()
    """Hashes of the prompt's blocks: prompts with the same first hashes share a prefix. Empty if the trace has none."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace for replay."""

    name: str
    """Name of the file."""
    format: Format
    sha256: str
    """Hash of the file as it is stored."""
    speed: float
    requests: tuple[TracedRequest, ...]
    """In chronological order."""

    @property
    def schedule(self) -> list[int]:
        """Nanoseconds from the first request, accelerated by the factor `speed`."""
        return [round(1e9 * one.at / self.speed) for one in self.requests]


def read_trace(
    path: Path, form: Format, *, speed: float = 1.0, requests: int | None = None, seconds: float | None = None
) -> Trace:
    """The first `requests` of a trace, or those of its first `seconds` as replayed, whichever are fewer. Raises `UserError`
    if the file is missing or not such a trace."""
    if not 1e-6 <= speed <= 1e6:
        raise UserError(
            f"--speed {speed:g}: a trace is replayed at a speed above 0, from 1e-6 to 1e6; 2 is twice as fast."
        )
    try:
        content = path.read_bytes()
        text = _unpacked(content, path)
    except (OSError, EOFError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        raise UserError(f"--trace {path}: it cannot be read ({why}): name a trace's file.") from error
    found: list[TracedRequest] = []
    first: float | None = None
    lines = _azure(text, path) if form == "azure" else _mooncake(text, path)
    for at, prompt, output, blocks in lines:
        first = at if first is None else first
        if found and at - first < found[-1].at:
            raise UserError(f"--trace {path}: its requests are not in the order of their times.")
        if (requests is not None and len(found) >= requests) or (
            seconds is not None and (at - first) / speed > seconds
        ):
            break
        found.append(TracedRequest(at - first, prompt, output, blocks))
    if not found:
        raise UserError(f"--trace {path}: it holds no request.")
    return Trace(path.name, form, hashlib.sha256(content).hexdigest(), speed, tuple(found))


def _unpacked(content: bytes, path: Path) -> str:
    if content[:2] == b"\x1f\x8b":
        with gzip.open(io.BytesIO(content)) as opened:
            content = opened.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise UserError(f"--trace {path}: it has more than {_MOST_BYTES:,} bytes unpacked.")
    return content.decode("utf-8-sig")


Line = tuple[float, int, int, tuple[int, ...]]


def _azure(text: str, path: Path) -> Iterator[Line]:
    rows = csv.reader(io.StringIO(text))
    head = next(rows, [])
    columns = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"]
    if not set(columns) <= set(head):
        raise UserError(
            f"--trace {path}: its first line is not {','.join(columns)}: this is no trace of Azure's; see --trace-format."
        )
    places = [head.index(name) for name in columns]
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        try:
            when, prompt, output = (row[place] for place in places)
            yield _clock(when), _tokens(prompt), _tokens(output), ()
        except (ValueError, IndexError):
            raise UserError(
                f"--trace {path}, line {number}: it is no time and two numbers of tokens."
            ) from None


def _clock(text: str) -> float:
    """Seconds since a fixed time; the traces have seven decimals, of which Python parses six."""
    whole, _, fraction = text.strip().partition(".")
    zone = ""
    for sign in "+-Z":
        if sign in fraction:
            at = fraction.index(sign)
            fraction, zone = fraction[:at], fraction[at:]
    when = datetime.fromisoformat(whole + zone)
    start = datetime(2020, 1, 1, tzinfo=when.tzinfo)
    return (when - start).total_seconds() + (float(f"0.{fraction}") if fraction else 0.0)


def _mooncake(text: str, path: Path) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            when = float(row["timestamp"]) / 1000
            if not abs(when) < _MOST_SECONDS:
                raise ValueError
            yield when, _tokens(row["input_length"]), _tokens(row["output_length"]), _blocks(row)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise UserError(
                f"--trace {path}, line {number}: it is no object with timestamp, input_length and output_length: this is no trace of "
                "Mooncake's; see --trace-format."
            ) from None


def _blocks(row: dict[str, Any]) -> tuple[int, ...]:
    blocks = row.get("hash_ids") or ()
    if not all(type(one) is int for one in blocks):
        raise ValueError
    return tuple(blocks)


def _tokens(value: Any) -> int:
    number = int(value)
    if number < 0 or isinstance(value, bool | float):
        raise ValueError
    if number > _MOST_TOKENS:
        raise UserError(
            f"--trace: it has a request of {number:.3g} tokens, and {_MOST_TOKENS:,} are the most that are asked for at once."
        )
    return max(number, 1)  # traces have 0 for an abandoned answer; a request needs at least one token
