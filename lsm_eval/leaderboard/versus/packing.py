"""Encodes an array of scores as short JSON."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval.leaderboard.frame.safe import PART, in_parts
from lsm_eval.statistics.bounded import FloatArray

LEVELS = 256
"""Up to this many distinct values are encoded by their index."""


def packed(values: FloatArray) -> list[Any]:
    """Scores [n], NaN for missing: `[n, levels, bits, text]`, where text is base64 of indices into the levels, `bits` (1, 2, 4 or 8) each, the
    first in the lowest bits of a byte; or `[n, text]` with little-endian doubles. The values are exact."""
    if bool(((values == 0) | (values == 1)).all()) and len(values):
        # The most frequent case; gives the same as the code below, except for arrays of a single value.
        return [len(values), [0, 1], 1, _text(np.packbits(values == 1, bitorder="little").tobytes())]
    levels = np.unique(values)  # one NaN, last
    if len(levels) > LEVELS:
        return [len(values), _text(values.astype("<f8").tobytes())]
    bits = next(width for width in (1, 2, 4, 8) if len(levels) <= 1 << width)
    places = np.searchsorted(levels, values)
    if np.isnan(levels[-1:]).any():
        places = np.where(np.isnan(values), len(levels) - 1, places)
    return [
        len(values),
        [None if np.isnan(one) else _short(float(one)) for one in levels],
        bits,
        _text(_bytes(places.astype(np.uint8), bits)),
    ]


def unpacked(content: list[Any]) -> FloatArray:
    """The scores of `packed`, as the page's script reads them."""
    if len(content) == 2:
        return np.frombuffer(_raw(content[1]), "<f8")[: content[0]].astype(float)
    number, levels, bits, text = content
    raw = np.frombuffer(_raw(text), np.uint8)
    shifts = np.arange(8 // bits, dtype=np.uint8) * bits
    places = ((raw[:, None] >> shifts) & ((1 << bits) - 1)).ravel()[:number]
    known: FloatArray = np.array([np.nan if one is None else one for one in levels], float)
    return np.asarray(known[places], float)


def _bytes(places: NDArray[np.uint8], bits: int) -> bytes:
    each = 8 // bits
    rows = np.zeros((-(-len(places) // each), each), np.uint8)
    rows.ravel()[: len(places)] = places
    shifts = np.arange(each, dtype=np.uint8) * bits
    made: bytes = np.bitwise_or.reduce(rows << shifts, axis=1).astype(np.uint8).tobytes()
    return made


def _short(number: float) -> float | int:
    return int(number) if number.is_integer() and abs(number) < 1 << 53 else number


def _text(content: bytes) -> str | list[str]:
    """Base64 text, in several parts if it is long."""
    text = base64.b64encode(content).decode()
    return text if len(text) <= PART else in_parts(text)


def _raw(text: str | list[str]) -> bytes:
    return base64.b64decode("".join(text))
