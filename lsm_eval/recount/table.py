"""Reads a task's sample table from its file, and gives its columns as arrays."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.recount.files import SAMPLES, Problems, short

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Wholes = NDArray[np.int64]

_TEXTS = ("task", "sample", "cluster", "request", "finish", "failure", "thoughts", "further")
_WHOLES = ("index", "truncated")
_LISTS = ("tokens",)
WEIGHT, SECONDS = "weight", "seconds"
_AT_ONCE = 16 << 20
"""Largest size in bytes of a file that is read at once."""
NEEDED = ("task", "sample", "index", "cluster", "request", "tokens", "finish", "truncated", "failure")


@dataclass(frozen=True)
class Statistics:
    """A list of numbers for each sample [n]; null within a list is NaN."""

    known: Flags
    lengths: Wholes
    """Length of each list; 0 if there is none."""
    _starts: Wholes
    _flat: Floats

    def at(self, place: int) -> Floats:
        """The number at an index of each list [n]; NaN if the list is shorter."""
        import numpy as np

        found = np.full(len(self.lengths), np.nan)
        long = self.lengths > place
        found[long] = self._flat[self._starts[long] + place]
        return found


@dataclass(frozen=True)
class Table:
    """A task's samples, `rows` of them, without their texts."""

    rows: int
    columns: Any
    """A `pyarrow.Table` with the column types that `read_table` checks."""

    def has(self, name: str) -> bool:
        """Whether there is a column of this name."""
        return name in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.columns.column_names)

    def values(self, name: str) -> list[Any]:
        """A column as plain values."""
        found: list[Any] = self.columns[name].to_pylist()
        return found

    def counts(self, name: str) -> dict[Any, int]:
        """How often each value occurs in a column, including None."""
        import pyarrow.compute as pc

        found = pc.value_counts(self.columns[name])
        return dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True))

    def first_duplicate(self, name: str) -> tuple[Any, int] | None:
        """The first value that occurs more than once in a column, and how often; None if there is none."""
        if len(set(self.values(name))) == self.rows:
            return None
        return next(((value, count) for value, count in self.counts(name).items() if count > 1), None)

    def metrics(self) -> list[str]:
        """Metrics with scores of samples."""
        return [
            name.removeprefix("score.") for name in self.columns.column_names if name.startswith("score.")
        ]

    def scores(self, metric: str) -> tuple[Floats, Flags]:
        """Scores [n], NaN if missing, and a mask of those that are there [n]."""
        column = self.columns[f"score.{metric}"]
        return _floats(column), _valid(column)

    def statistics(self, metric: str) -> Statistics:
        """The samples' statistics for a metric."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.types as types

        column = self.columns[f"stats.{metric}"]
        if types.is_null(column.type):
            nothing = np.zeros(self.rows, np.int64)
            return Statistics(np.zeros(self.rows, bool), nothing, nothing, np.zeros(0))
        whole = _whole(column)
        known = _valid(whole)
        lengths = np.where(known, _memory(whole.value_lengths().cast(pa.int64()), np.int64), 0)
        # Flattening drops lists that are null.
        return Statistics(known, lengths, np.cumsum(lengths) - lengths, _floats(whole.flatten()))

    @cached_property
    def weights(self) -> Floats:
        """Each sample's weight [n]: how many samples of its cluster it represents; 1 if the table has no weights, NaN if it is missing."""
        import numpy as np

        return _floats(self.columns[WEIGHT]) if self.has(WEIGHT) else np.ones(self.rows)

    @cached_property
    def seconds(self) -> Floats:
        """Durations of the samples for which they are known; empty if the table has none."""
        import numpy as np

        if not self.has(SECONDS):
            return np.zeros(0)
        column = self.columns[SECONDS]
        return _floats(column)[_valid(column)]

    @cached_property
    def failed(self) -> Flags:
        """Mask of the samples that failed [n]."""
        return _valid(self.columns["failure"])

    @cached_property
    def clusters(self) -> Wholes:
        """Each sample's cluster as an integer from 0 [n]; -1 if it has none."""
        import numpy as np

        column = self.columns["cluster"]
        if column.null_count == self.rows:
            return np.full(self.rows, -1, np.int64)
        numbers: dict[str, int] = {}
        named = self.values("cluster")
        return np.array(
            [-1 if name is None else numbers.setdefault(name, len(numbers)) for name in named], np.int64
        )


def table_file(task: str) -> str:
    """File name of a task's table: letters, digits, `.`, `_` and `-` are kept, anything else becomes `--`."""
    return (re.sub(r"[^A-Za-z0-9._-]+", "--", task).strip(".-") or "unnamed") + ".parquet"


def read_table(path: Path, problems: Problems) -> Table | None:
    """The table without its texts (except ids and the record's own terms); None, with a problem added, if it cannot be read or
    counted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = f"{SAMPLES}/{path.name}"
    try:
        # Opened here, since pyarrow would take a path such as `s3:x` for an address.
        with path.open("rb") as file:
            # Reading a file on disk takes one access for each part of each column; a small file is read at once.
            whole = os.fstat(file.fileno()).st_size <= _AT_ONCE
            reader = pq.ParquetFile(pa.BufferReader(file.read()) if whole else file)
            schema = reader.schema_arrow
            own = schema.names
            twice = {name for name in own if own.count(name) > 1} if len(set(own)) < len(own) else set()
            if twice:
                problems.add(f"{where} has the column {min(twice)!r} twice.")
                return None
            names = [field.name for field in schema if _counted(field.name)]
            for name in names:
                kind = schema.field(name).type
                if not _fits(name, kind):
                    problems.add(f"{where}: the column {name!r} holds {kind}, which cannot be counted.")
                    return None
            return Table(reader.metadata.num_rows, reader.read(columns=names, use_threads=False))
    except FileNotFoundError:
        problems.add(f"{where} is missing.")
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        problems.add(f"{where} cannot be read ({short(error)}).")
    return None


def _counted(name: str) -> bool:
    return name in (*_TEXTS, *_WHOLES, *_LISTS, WEIGHT, SECONDS) or name.startswith(("score.", "stats."))


def _fits(name: str, kind: Any) -> bool:
    """Whether a column has the expected type; true for a column of nulls."""
    import pyarrow.types as types

    if types.is_null(kind):
        return True
    if name in _TEXTS:
        return bool(types.is_string(kind) or types.is_large_string(kind))
    if name in _WHOLES:
        return bool(types.is_integer(kind))
    if name.startswith("score.") or name in (WEIGHT, SECONDS):
        return _number(kind)
    if not (types.is_list(kind) or types.is_large_list(kind)):
        return False
    inner = kind.value_type
    return bool(types.is_null(inner) or (types.is_integer(inner) if name in _LISTS else _number(inner)))


def _number(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(kind) or types.is_floating(kind))


def _whole(column: Any) -> Any:
    """A column as one array."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def _valid(column: Any) -> Flags:
    import numpy as np
    import pyarrow as pa

    whole = _whole(column)
    if not whole.null_count:
        return np.ones(len(whole), bool)
    return np.asarray(_memory(whole.is_valid().cast(pa.uint8()), np.uint8) != 0, bool)


def _floats(column: Any) -> Floats:
    import numpy as np
    import pyarrow as pa

    whole = _whole(column)
    if whole.type != pa.float64():
        whole = whole.cast(pa.float64(), safe=False)
    found = _memory(whole, np.float64)
    return np.where(_valid(whole), found, np.nan) if whole.null_count else found


def _memory(array: Any, kind: Any) -> Any:
    """The numbers in an array's buffer, undefined where they are null; `to_numpy` would import pandas, which takes half a second."""
    import numpy as np

    content = array.buffers()[1]
    if not len(array) or content is None:
        return np.zeros(len(array), kind)
    return np.frombuffer(content, kind, len(array), array.offset * np.dtype(kind).itemsize)
