"""Parquet and Arrow: reading the columns that a task uses, and turning them into rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The named columns (None: all) of one Parquet file, in the order given.

    Raises `UserError` for a file that is missing or broken, for a column that it lacks, and for one that occurs in
    it twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # An open file, because a path such as `s3:x` would be taken for an address. Arrow's own, because its threads
        # would need Python to read one of Python's, and may still be reading when Python ends.
        with pa.OSFile(str(path)) as content, pq.ParquetFile(content) as file:
            there = file.schema_arrow.names
            if columns is not None:
                check_columns(columns, there, str(path))
            twice = next((name for name in columns or there if there.count(name) > 1), None)
            if twice is not None:
                raise UserError(
                    f"{path}: the column {twice!r} stands twice: give each column a name of its own."
                )
            # One thread: small files gain nothing from more, and a run has better uses for the cores.
            table = file.read(columns=None if columns is None else list(columns), use_threads=False)
            return table if columns is None else table.select(list(columns))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: check the path.") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"{path} is not a whole Parquet file ({reason}): fetch it again, "
            "with `lsm-eval data mirror` where it is part of a data mirror."
        ) from error


def read_parts(paths: Sequence[Path], columns: Sequence[str] | None = None) -> pa.Table:
    """Reads several Parquet files of one split as one table, in the order given. Raises `UserError` as `read_parquet`
    and `join_tables` do."""
    return join_tables(
        [read_parquet(path, columns) for path in paths], ", ".join(path.name for path in paths)
    )


def join_tables(tables: Sequence[pa.Table], where: str) -> pa.Table:
    """The rows of the tables, one table after the other.

    Types may differ in width or encoding (string and large_string or a dictionary of strings, int32 and int64). A
    column that a table lacks is null there. Raises `UserError`, which starts with `where`, for columns of
    incompatible types.
    """
    import pyarrow as pa

    if len(tables) == 1:
        return tables[0]
    try:
        return pa.concat_tables([_plain(table) for table in tables], promote_options="permissive")
    except (pa.ArrowException, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(
            f"{where}: the parts cannot be joined, as their columns differ in type ({reason}): read one of them, or "
            "convert them to one type."
        ) from error


def rows_of(table: pa.Table, where: str = "the table") -> list[dict[str, Any]]:
    """The table's rows as dicts of plain Python values; class labels are their integer codes, columns that
    hold JSON text (the hub's `Json` feature) are parsed.

    Raises `UserError`, which starts with `where`, for values that Python cannot hold (a date after the year 9999,
    text that is not UTF-8).
    """
    import pyarrow as pa

    json_type: type | None = getattr(pa, "JsonType", None)
    columns: dict[str, list[Any]] = {}
    for field in table.schema:
        try:
            values = table.column(field.name).to_pylist()
            if json_type is not None and _holds(field.type, json_type):
                values = [_parsed(value, field.type, json_type) for value in values]
        except (
            pa.ArrowException,
            ValueError,
            OverflowError,
            LookupError,
            ImportError,
            RecursionError,
        ) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise UserError(
                f"{where}: the column {field.name!r} ({field.type}) cannot be read ({reason}): convert it, or leave "
                "it out."
            ) from error
        columns[field.name] = values
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def check_columns(wanted: Iterable[str], there: Sequence[str], where: str) -> None:
    """Raises `UserError` for the first wanted column that is missing, naming the most similar one."""
    import difflib

    for column in wanted:
        if column not in there:
            near = difflib.get_close_matches(column, there, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(there) or 'none'}."
            raise UserError(f"{where} has no column {column!r}, which the task file names: {hint}")


def _holds(kind: pa.DataType, json_type: type) -> bool:
    return isinstance(kind, json_type) or any(
        _holds(kind.field(i).type, json_type) for i in range(kind.num_fields)
    )


def _parsed(value: Any, kind: pa.DataType, json_type: type) -> Any:
    """`value` of an Arrow type, with any JSON text inside it parsed."""
    import json

    if value is None or not _holds(kind, json_type):
        return value
    if isinstance(kind, json_type):
        return json.loads(value)
    if isinstance(value, dict):
        return {name: _parsed(inner, kind.field(name).type, json_type) for name, inner in value.items()}
    return [_parsed(inner, kind.field(0).type, json_type) for inner in value]


def _plain(table: pa.Table) -> pa.Table:
    """The table with its dictionaries decoded, and its texts and bytes in types that can be joined."""
    import pyarrow as pa

    schema = pa.schema([field.with_type(_plain_type(field.type)) for field in table.schema])
    return table if schema.equals(table.schema) else table.cast(schema)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain_type(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_plain_type(kind.value_type)))
    if pa.types.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return pa.struct([field.with_type(_plain_type(field.type)) for field in fields])
    return kind
