"""Columns of sample tables as NumPy arrays, held against pyarrow's own way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lsm_eval.results.arrays import floats, lengths, valid, whole

NUMBERS = [
    pa.array([1.5, None, float("nan"), -0.0]),
    pa.array([1, None, 3], pa.int64()),
    pa.array([1, 2, 3], pa.int8()),
    pa.array([1.5, 2.5], pa.float32()),
    pa.array([None, None]),
    pa.array([], pa.float64()),
    pa.array([0.0, 1.0, None, 3.0, None, 5.0, 6.0, 7.0, 8.0, None])[1:9],
    pa.array([9.0, 1.0, 2.0])[1:],
    pa.chunked_array([[1.0, None], [3.0]]),
    pa.chunked_array([], pa.float64()),
    pa.chunked_array([[1.0, None, 2.0]])[1:],
]
LISTS = [
    pa.array([[1.0, 1.0], None, [], [2.0, None, 3.0]]),
    pa.array([[1, 2], None, [3]], pa.large_list(pa.int64()))[1:],
    pa.chunked_array([[[1.0]], [None, [2.0, 3.0]]]),
    pa.array([None, None], pa.list_(pa.float64())),
    pa.array([], pa.list_(pa.float64())),
]


@pytest.mark.parametrize("column", NUMBERS)
def test_numbers_are_those_of_the_column(column: Any) -> None:
    wanted = np.array([np.nan if one is None else one for one in column.to_pylist()], float)
    found = floats(column)
    np.testing.assert_array_equal(found, wanted)
    assert found.flags.writeable
    np.testing.assert_array_equal(valid(column), [one is not None for one in column.to_pylist()])


@pytest.mark.parametrize("column", LISTS)
def test_lists_have_their_lengths(column: Any) -> None:
    rows = column.to_pylist()
    np.testing.assert_array_equal(lengths(column), [len(row or ()) for row in rows])
    parts = [np.nan if one is None else one for row in rows for one in row or ()]
    np.testing.assert_array_equal(floats(whole(column).flatten()), parts)


def test_pandas_stays_away(tmp_path: Path) -> None:
    """It takes half a second of each process that reads tables."""
    path = tmp_path / "table.parquet"
    row = {"sample": "a", "failure": None, "cluster": None, "score.acc": 1.0, "stats.acc": [1.0, 1.0]}
    pq.write_table(pa.Table.from_pylist([row, {**row, "score.acc": None, "stats.acc": None}]), path)
    code = (
        "import sys, pyarrow.parquet as pq\n"
        "from lsm_eval.comparison.tables import table_of\n"
        "from lsm_eval.recount.table import Table\n"
        f"columns = pq.ParquetFile({str(path)!r}).read()\n"
        "from lsm_eval.results.arrays import floats\n"
        "print(floats(columns['score.acc']))\n"
        "columns = columns.slice(0, 1)\n"
        "own = table_of(None, 'task', columns)\n"
        "print(own.statistics('acc'), own.unscored('acc'), own.weights, own.failed)\n"
        "counted = Table(1, columns)\n"
        "print(counted.scores('acc'), counted.statistics('acc'), counted.failed, counted.weights)\n"
        "print('pandas' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
