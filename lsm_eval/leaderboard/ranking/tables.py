"""Reads sample tables of one task for many models, which differ in little more than scores: a column that equals an earlier table's
byte for byte is not decoded again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.results.reader import Record

ALIKE = ("sample", "asked", "cluster", "failure", "weight")
"""Columns that are the same for most models."""
NEEDED = frozenset({"sample", "cluster", "failure"})
LARGEST = 16 << 20
"""Files up to this many bytes are read whole; of larger ones only the columns."""

Columns = dict[str, Any]
"""By name: `pyarrow.ChunkedArray` of one chunk. Equal columns of two tables are the same object."""


class Tables:
    """Reads the tables of one task, and caches the columns that they share. Thread-safe."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._known: dict[tuple[Any, ...], Any] = {}
        self._layout: tuple[list[list[str]], dict[str, list[int]]] = [], {}
        """The leaf columns' paths of a file, and by column which of them are its own: most files have the same."""

    def read(self, record: Record, columns: Sequence[str]) -> Columns:
        """The columns in `ALIKE` and `columns` that the record's table has. Raises `UserError` as `Record.few_columns` does."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            content = record.sample_bytes(self._task, LARGEST)
            if content is None:
                return _columns(record.few_columns(self._task, [*ALIKE, *columns]))
            # Not `ParquetFile`, which prepares more than is needed here. The content is in memory, so nothing is to be prefetched.
            reader = pq.ParquetReader()
            reader.open(pa.BufferReader(content), pre_buffer=False)
            places = self._places(reader.column_paths)
            keys = _keys(reader.metadata, content, places)
            found = {name: self._known[key] for name, key in keys.items() if key in self._known}
            rest = [*(name for name in ALIKE if name not in found), *columns]
            parts = [at for name in rest for at in places.get(name, ())]
            own = _columns(reader.read_all(column_indices=parts, use_threads=False))
        except (pa.ArrowException, OSError, ValueError):
            # This way of reading raises an error that says what is wrong.
            return _columns(record.few_columns(self._task, [*ALIKE, *columns]))
        for name, column in own.items():
            if name in keys:
                self._known[keys[name]] = column
        found |= own
        if missing := NEEDED.difference(found):
            raise UserError(f"{record.sample_file(self._task)} has no {min(missing)}: run the task again.")
        return found

    def _places(self, paths: list[list[str]]) -> dict[str, list[int]]:
        """By column: the positions of its leaf columns in the file."""
        known, places = self._layout
        if paths != known:
            places = {}
            for at, path in enumerate(paths):
                places.setdefault(path[0], []).append(at)
            self._layout = paths, places
        return places


def _columns(table: Any) -> Columns:
    found = dict(zip(table.column_names, table.columns, strict=True))
    if all(column.num_chunks == 1 for column in found.values()):
        return found
    return dict(zip(table.column_names, table.combine_chunks().columns, strict=True))


def _keys(metadata: Any, content: bytes, places: dict[str, list[int]]) -> dict[str, tuple[Any, ...]]:
    """By column of `ALIKE`: the bytes that encode it, and how they are to be read."""
    parts: dict[str, list[Any]] = {}
    alike = [(name, places[name][0]) for name in ALIKE if len(places.get(name, ())) == 1]
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for name, at in alike:
            if at >= group.num_columns:
                continue
            column = group.column(at)
            first = column.data_page_offset
            if column.has_dictionary_page and column.dictionary_page_offset is not None:
                first = min(first, column.dictionary_page_offset)
            own = content[first : first + column.total_compressed_size]
            kind = (column.physical_type, column.compression, column.num_values)
            parts.setdefault(name, [name]).extend((*kind, own))
    return {name: tuple(own) for name, own in parts.items()}
