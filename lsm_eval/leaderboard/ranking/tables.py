"""Sample tables of one task of many models, which differ in little more than scores: a column that is byte for byte that of an earlier table
is not decoded again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.results.reader import Record

ALIKE = ("sample", "asked", "cluster", "failure", "weight")
"""Columns that most models have alike."""
LARGEST = 16 << 20
"""Bytes of a file that is read whole; of a larger one only the columns are."""


class Tables:
    """Reads them; what it keeps of a task is gone with it. Several threads may use one."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._known: dict[tuple[Any, ...], Any] = {}
        self._places: dict[str, int] = {}

    def read(self, record: Record, columns: Sequence[str]) -> Any:
        """Those of `ALIKE` and of `columns` that the record's table has (`pyarrow.Table`), in one chunk each. Raises `UserError` as
        `Record.few_columns` does."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = record.sample_file(self._task)
        try:
            if path.stat().st_size > LARGEST:
                return record.few_columns(self._task, [*ALIKE, *columns])
            content = path.read_bytes()
            file = pq.ParquetFile(pa.BufferReader(content))
            metadata = file.metadata
            if not self._places and metadata.num_row_groups:
                self._places = _places(metadata)
            keys = _keys(metadata, content, self._places)
            known = {name: self._known[key] for name, key in keys.items() if key in self._known}
            rest = [name for name in ALIKE if name not in known]
            table = file.read(columns=[*rest, *columns], use_threads=False).combine_chunks()
        except (pa.ArrowException, OSError, ValueError):
            # Its error names what is wrong.
            return record.few_columns(self._task, [*ALIKE, *columns])
        for name in rest:
            if name in keys and name in table.column_names:
                self._known[keys[name]] = table[name]
        found = {**known, **{name: table[name] for name in table.column_names}}
        if missing := {"sample", "cluster", "failure"} - set(found):
            raise UserError(f"{path} has no {min(missing)}: run the task again.")
        return pa.table(found)


def _places(metadata: Any) -> dict[str, int]:
    """By column of `ALIKE`: where it stands in the file."""
    group = metadata.row_group(0)
    names = [group.column(at).path_in_schema for at in range(group.num_columns)]
    return {name: names.index(name) for name in ALIKE if name in names}


def _keys(metadata: Any, content: bytes, places: dict[str, int]) -> dict[str, tuple[Any, ...]]:
    """By column of `ALIKE`: the bytes that it is made from, and how they are to be read. Only of those that stand where they are looked for."""
    parts: dict[str, list[Any]] = {}
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for name, at in places.items():
            column = group.column(at) if at < group.num_columns else None
            if column is None or column.path_in_schema != name:
                continue
            first = column.data_page_offset
            if column.has_dictionary_page and column.dictionary_page_offset is not None:
                first = min(first, column.dictionary_page_offset)
            own = content[first : first + column.total_compressed_size]
            kind = (column.physical_type, column.compression, column.num_values)
            parts.setdefault(name, [name]).extend((*kind, own))
    return {name: tuple(own) for name, own in parts.items()}
