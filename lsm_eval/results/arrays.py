"""Columns of sample tables as NumPy arrays. `to_numpy` of pyarrow would import pandas, which takes half a second per process."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def whole(column: Any) -> Any:
    """A column (`pyarrow.Array` or `ChunkedArray`) as one array."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def floats(column: Any) -> NDArray[np.float64]:
    """The column's numbers [n], NaN for nulls."""
    import pyarrow as pa

    array = whole(column)
    if array.type != pa.float64():
        array = array.cast(pa.float64(), safe=False)
    found: NDArray[np.float64] = _memory(array, np.float64)
    return np.where(valid(array), found, np.nan) if array.null_count else found.copy()


def valid(column: Any) -> NDArray[np.bool_]:
    """Whether each row has a value [n]."""
    import pyarrow as pa

    array = whole(column)
    if not array.null_count:
        return np.ones(len(array), bool)
    return np.asarray(_memory(array.is_valid().cast(pa.uint8()), np.uint8) != 0, bool)


def lengths(column: Any) -> NDArray[np.intp]:
    """Lengths of a column's lists [n]; 0 for nulls."""
    import pyarrow as pa

    array = whole(column)
    return np.where(valid(array), _memory(array.value_lengths().cast(pa.int64()), np.int64), 0).astype(
        np.intp
    )


def _memory(array: Any, kind: Any) -> Any:
    """A view of the array's buffer; entries of nulls are undefined."""
    content = array.buffers()[1]
    if not len(array) or content is None:
        return np.zeros(len(array), kind)
    return np.frombuffer(content, kind, len(array), array.offset * np.dtype(kind).itemsize)
