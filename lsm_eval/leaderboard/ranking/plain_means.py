"""Scores of metrics that are plain means, read directly from a table's memory. Most columns of a board are such."""

from __future__ import annotations

from typing import Any

import numpy as np

from lsm_eval.results.arrays import floats, lengths
from lsm_eval.statistics.bounded import FloatArray


def _pairs(column: Any) -> FloatArray | None:
    """The column's lists as [n, 2], read directly from memory; None if a list is missing, has not two elements, or is not of
    doubles."""
    import pyarrow as pa

    number = len(column)
    if (
        column.null_count
        or not number
        or not pa.types.is_list(column.type)
        or column.type.value_type != pa.float64()
    ):
        return None
    values = column.values
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + number + 1]
    if values.null_count or (offsets[1:] - offsets[:-1] != 2).any():
        return None
    first = values.offset + int(offsets[0])
    found: FloatArray = np.frombuffer(values.buffers()[1], np.float64)[first : first + 2 * number]
    return found.reshape(-1, 2)


def mean_scores(statistics: Any) -> FloatArray | None:
    """Scores of a metric that is a plain mean, whose statistics (a column, or None) are (value, 1); None if it is another metric, or there are no statistics."""
    if statistics is None:
        return None
    column = statistics.chunk(0) if statistics.num_chunks == 1 else statistics.combine_chunks()
    if (pairs := _pairs(column)) is not None:
        return pairs[:, 0].copy() if (pairs[:, 1] == 1).all() else None
    parts = lengths(column)
    nonempty = parts > 0
    every = bool(nonempty.all())
    own = parts if every else parts[nonempty]
    if not len(own) or (own != 2).any():
        return None
    flat = floats(column.flatten()).reshape(-1, 2)
    if (flat[:, 1] != 1).any():
        return None
    if every:
        return flat[:, 0].copy()
    found = np.full(len(parts), np.nan)
    found[nonempty] = flat[:, 0]
    return found
