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

    Raises `UserError` for a file that is missing or broken, and for a column that it lacks.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if columns is not None:
                check_columns(columns, file.schema_arrow.names, str(path))
            # One thread: small files gain nothing, and a run has better use for the cores.
            table = file.read(columns=None if columns is None else list(columns), use_threads=False)
            return table if columns is None else table.select(list(columns))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: check the path.") from error
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path} is not a whole Parquet file ({reason}): fetch it again, "
            "with `lsm-eval data mirror` where it is part of a data mirror."
        ) from error


def read_parts(paths: Sequence[Path], columns: Sequence[str] | None = None) -> pa.Table:
    """Several Parquet files of one split as one table, in the order given."""
    import pyarrow as pa

    tables = [read_parquet(path, columns) for path in paths]
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """The table's rows as dicts of plain Python values; class labels are their integer codes, columns that
    hold JSON text (the hub's `Json` feature) are parsed."""
    import pyarrow as pa

    json_type: type | None = getattr(pa, "JsonType", None)
    columns: dict[str, list[Any]] = {}
    for field in table.schema:
        values = table.column(field.name).to_pylist()
        if json_type is not None and _holds(field.type, json_type):
            values = [_parsed(value, field.type, json_type) for value in values]
        columns[field.name] = values
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def check_columns(wanted: Iterable[str], there: Sequence[str], where: str) -> None:
    """Raises `UserError` for the first wanted column that is not there, naming the nearest."""
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
    """`value` of an Arrow type, with the JSON text anywhere inside it parsed."""
    import json

    if value is None or not _holds(kind, json_type):
        return value
    if isinstance(kind, json_type):
        return json.loads(value)
    if isinstance(value, dict):
        return {name: _parsed(inner, kind.field(name).type, json_type) for name, inner in value.items()}
    return [_parsed(inner, kind.field(0).type, json_type) for inner in value]
