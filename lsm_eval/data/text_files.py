"""Rows from text files: JSON Lines, JSON and CSV. Each fault is one sentence that names the line."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

Rows = list[dict[str, Any]]

_LONGEST_CELL = 2**31 - 1
"""Most characters of a CSV cell: the largest C long on every system. Python's own limit would refuse long documents."""


def read_jsonl(path: Path) -> Rows:
    """The rows of a file with one JSON object per line; empty lines are skipped."""
    rows: Rows = []
    # Text mode splits at \n, \r and \r\n only; other line separators may occur inside JSON strings.
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = _DECODER.decode(line)
            except (ValueError, RecursionError) as error:
                raise UserError(f"{path}, line {number}: {_why(error)}: mend or remove the line.") from error
            if not isinstance(row, dict):
                raise UserError(f"{path}, line {number}: a row has to be a JSON object, not {_kind(row)}.")
            rows.append(row)
    return rows


def read_json(path: Path) -> Rows:
    """The rows of a file that is one JSON list of objects."""
    text = path.read_text(encoding="utf-8-sig")
    try:
        rows = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: {_why(error)}: mend it.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: {_why(error)}: mend it.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{path} has to hold a JSON list of objects, one a row (one a line is .jsonl).")
    return rows


def read_csv(path: Path) -> Rows:
    """The rows of a CSV file (RFC 4180) with a header; all values are strings, and columns without a name are
    left out, as no task can name them."""
    with path.open(encoding="utf-8-sig", newline="") as lines, _long_cells():
        reader = csv.reader(_whole_lines(path, lines), strict=True)
        try:
            header = next(filter(None, reader), [])
            _check_header(header, path, reader.line_num)
            rows: Rows = []
            for values in filter(None, reader):
                if len(values) != len(header):
                    raise UserError(
                        f"{path}, line {reader.line_num}: {len(values)} values under {len(header)} columns: mend it."
                    )
                rows.append({name: value for name, value in zip(header, values, strict=True) if name})
        except csv.Error as error:
            raise UserError(f"{path}, line {reader.line_num}: not CSV ({error}): mend it.") from error
    return rows


def _check_header(header: list[str], path: Path, line: int) -> None:
    names = [name for name in header if name]
    if header and not any(name.strip() for name in names):
        raise UserError(
            f"{path}, line {line}: no column has a name: write the columns' names into the first line."
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(
            f"{path}, line {line}: the column {twice!r} stands twice: give each column a name of its own."
        )


def _whole_lines(path: Path, lines: Any) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise UserError(
                f"{path}, line {number}: holds a NUL byte, so it is no CSV in UTF-8: convert it to UTF-8."
            )
        yield line


@contextmanager
def _long_cells() -> Iterator[None]:
    """Allows cells of any length. The limit holds for the whole process, and is restored afterwards."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


class _LossError(ValueError):
    """For content that Python's reader accepts, but loses or changes."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _LossError(f"the key {twice!r} stands twice in one object")
    return found


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _LossError(f"the number {digits[:20]} is larger than a float can be")
    return number


# NaN and Infinity are accepted, since Parquet has them too (`canonical`).
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float)


def _why(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error.msg})"
    if isinstance(error, RecursionError):
        return "brackets are nested too deep to be read"
    if isinstance(error, _LossError):
        return str(error)
    return "a whole number has too many digits to be read"  # the only other ValueError: int's limit


def _kind(value: Any) -> str:
    return {list: "a list", str: "a string", type(None): "null"}.get(type(value), "a number or boolean")
