"""The canonical form of rows, so that the same content has the same hash wherever it was read from.

Every row is one line of JSON (RFC 8259) in UTF-8, ended by a line feed:

- keys sorted by code point, no space after `,` and `:`, nothing escaped unless JSON requires it;
- integers (class labels are their codes) in digits; floats in Python's `repr`, the shortest digits that read
  back as the same double (`1.0`, `1e-07`, `NaN`, `Infinity`); null, `true` and `false` as in JSON;
- dates and times in ISO 8601, decimals in their digits, as strings;
- within a column, an object's null members are left out, because Parquet's structs must name every member in
  every row while JSON files need not; a column that is null is written as null.

The hash is SHA-256 over these lines: `sha256sum` of the JSON Lines file gives the same. The hash of several
configs is SHA-256 over the lines `<config> <hash>`, in the task's order.
"""

from __future__ import annotations

import datetime
import decimal
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

_SCALARS = frozenset({str, int, float, bool, type(None)})


def content_hash(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 in hex over the canonical form of `rows`.

    Raises `TypeError` for a value that has no canonical form, such as bytes.
    """
    digest = hashlib.sha256()
    encode = json.JSONEncoder(
        ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False, default=_other
    ).encode
    for row in rows:
        line = encode({name: v if type(v) in _SCALARS else _nested(v) for name, v in row.items()})
        # A JSON file may hold half a surrogate pair, which strict UTF-8 refuses.
        digest.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def combined_hash(hashes: Mapping[str, str]) -> str:
    """One hash over the hashes of several configs, in their order; for a single config, its own hash."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    lines = "".join(f"{config} {value}\n" for config, value in hashes.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: v if type(v) in _SCALARS else _nested(v) for key, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [v if type(v) in _SCALARS else _nested(v) for v in value]
    return value


def _other(value: Any) -> str:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
