"""Reads run records from disk: manifest and estimates at once, sample tables only when they are needed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lsm_eval.errors import UserError
from lsm_eval.names import NAME
from lsm_eval.paths import is_folder
from lsm_eval.results.names import folder_name
from lsm_eval.results.record_files import broken_file, check_columns, first_problem, is_record, read_json, utc
from lsm_eval.results.schema import SCHEMA_VERSION, EstimateRow, Manifest, TaskRow
from lsm_eval.results.writer import ESTIMATES, MANIFEST, PROFILE, PROFILE_TABLES, SAMPLES

_TASK = re.compile(NAME.pattern + r"(@[a-z0-9_.+-]+)?")
"""A task's name, or that of a variant of it, `TASK@VARIANT`."""
_FEW = 20_000
"""Up to this many rows a table is read in one thread, since starting others would take longer."""
_ESTIMATES = TypeAdapter(tuple[EstimateRow, ...])


@dataclass(frozen=True, slots=True)
class Record:
    """One run's record. Its sample tables stay on disk until a method reads them."""

    folder: Path
    manifest: Manifest
    estimates: tuple[EstimateRow, ...]
    """In the record's own order: the first row of a task is its primary metric."""
    created: datetime
    """`manifest.created`, in UTC."""
    tasks: dict[str, TaskRow] = field(init=False, repr=False, compare=False)
    """How each task was asked, by its name."""
    by_task: dict[str, tuple[EstimateRow, ...]] = field(init=False, repr=False, compare=False)
    """The estimates of each task that has one, in the record's order."""

    def __post_init__(self) -> None:
        rows: dict[str, list[EstimateRow]] = {}
        for row in self.estimates:
            rows.setdefault(row.task, []).append(row)
        object.__setattr__(self, "tasks", {task.task: task for task in self.manifest.tasks})
        object.__setattr__(self, "by_task", {task: tuple(own) for task, own in rows.items()})

    def sample_file(self, task: str) -> Path:
        """The path of the task's sample table, even if the record was published without its samples."""
        return self.folder / SAMPLES / f"{folder_name(task)}.parquet"

    def has_samples(self, task: str) -> bool:
        """Whether the record has the task's sample table."""
        return os.path.isfile(self._sample_path(task))  # noqa: PTH113

    def _sample_path(self, task: str) -> str:
        # Called several times for every table of a large board, where making a `Path` would take longer than the rest.
        return f"{self.folder}/{SAMPLES}/{folder_name(task)}.parquet"

    def sample_bytes(self, task: str, most: int) -> bytes | None:
        """The content of the task's sample table file; None if it has more than `most` bytes. Raises `OSError`."""
        with open(self._sample_path(task), "rb", buffering=0) as file:  # noqa: PTH123
            return None if os.fstat(file.fileno()).st_size > most else file.read()

    def sample_count(self, task: str) -> int:
        """Rows of the task's sample table, from the file's footer. Raises `UserError` as `samples` does."""
        with self._open(task) as file:
            return int(file.metadata.num_rows)

    def samples(self, task: str, columns: Sequence[str] | None = None) -> Any:
        """The task's sample table (`pyarrow.Table`), whole or only the `columns` named.

        Raises `UserError`, naming the file, if it is missing, not Parquet, or lacks columns of the schema.
        """
        from pyarrow import ArrowException

        with self._open(task) as file:
            threads = file.metadata.num_rows > _FEW
            try:
                return file.read(columns=list(columns) if columns is not None else None, use_threads=threads)
            except (ArrowException, OSError, ValueError) as error:
                raise broken_file(self.sample_file(task), error) from error

    def few_columns(self, task: str, columns: Sequence[str]) -> Any:
        """Those of the `columns` that the task's sample table has, in one chunk each. Faster than `samples` for reading a few columns of many
        tables. Raises `UserError`, naming the file, if it is missing, not Parquet, or has no samples."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.sample_file(task)
        if not path.is_file():
            raise UserError(f"{path} is missing: run the task again, or restore the record's samples folder.")
        try:
            # In one thread, since starting others takes longer than reading such a table.
            with pa.OSFile(str(path)) as file:
                table = pq.ParquetFile(file).read(columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise broken_file(path, error) from error
        if missing := {"sample", "cluster", "failure"} & set(columns) - set(table.column_names):
            raise broken_file(path, f"it has no {sorted(missing)[0]}")
        return table.combine_chunks()

    def sample_rows(self, task: str, limit: int) -> list[dict[str, Any]]:
        """The first `limit` rows of the task's sample table as dicts, without its `stats.` columns.

        Reads no more of the file than those rows need. Raises `UserError` as `samples` does.
        """
        return [row for batch in self.sample_batches(task, limit) for row in batch]

    def sample_batches(self, task: str, limit: int, size: int = 1000) -> Iterator[list[dict[str, Any]]]:
        """`sample_rows`, at most `size` at a time, so that a table of any length fits into memory."""
        from pyarrow import ArrowException

        if limit <= 0:
            return
        with self._open(task) as file:
            columns = [name for name in file.schema_arrow.names if not name.startswith("stats.")]
            try:
                for batch in file.iter_batches(
                    batch_size=min(limit, size), columns=columns, use_threads=file.metadata.num_rows > _FEW
                ):
                    yield batch.to_pylist()[:limit]
                    limit -= batch.num_rows
                    if limit <= 0:
                        return
            except (ArrowException, OSError, ValueError) as error:
                raise broken_file(self.sample_file(task), error) from error

    def profile_file(self, table: str) -> Path:
        """The path of a profile's raw measurements: `requests` or `repeats`."""
        return self.folder / PROFILE / f"{table}.parquet"

    def has_measurements(self, table: str) -> bool:
        """Whether the record has this table of its profile."""
        return self.profile_file(table).is_file()

    def measurements(self, table: str) -> Any:
        """A profile's raw measurements (`pyarrow.Table`, `results.profile_rows`): `requests` or `repeats`.

        Raises `UserError`, naming the file, if it is missing, not Parquet, or lacks columns of the schema.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.profile_file(table)
        try:
            with pa.OSFile(str(path)) as file:
                found = pq.read_table(file)
        except FileNotFoundError as error:
            raise UserError(
                f"{path} is missing: profile the model again, or restore the record's profile folder."
            ) from error
        except (pa.ArrowException, OSError, ValueError) as error:
            raise broken_file(path, error) from error
        lacking = [name for name in PROFILE_TABLES[table] if name not in found.schema.names]
        if lacking:
            raise broken_file(path, f"column {lacking[0]!r} is missing")
        return found

    @contextmanager
    def _open(self, task: str) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.sample_file(task)
        if not path.is_file():
            raise UserError(f"{path} is missing: run the task again, or restore the record's samples folder.")
        with ExitStack() as stack:
            try:
                # An open file: a path such as `s3:x` would be taken for an address.
                file = stack.enter_context(pq.ParquetFile(stack.enter_context(pa.OSFile(str(path)))))
            except (pa.ArrowException, OSError, ValueError) as error:
                raise broken_file(path, error) from error
            check_columns(path, file.schema_arrow)
            yield file


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record that cannot be read or shown."""

    folder: Path
    why: str
    """One sentence."""


def read_records(root: Path) -> list[Record]:
    """All records under `root` (or `root` itself, if it is one), oldest first.

    As `find_records`, but raises `UserError`, naming the file, if a record is broken or newer than this version
    understands.
    """
    records, broken = find_records(root)
    if broken:
        raise UserError(broken[0].why)
    return records


def find_records(root: Path) -> tuple[list[Record], list[UnreadableRecord]]:
    """All records under `root` (or `root` itself, if it is one), oldest first, and those that are broken or too new.

    Folders that are symbolic links are read too, each folder once. A `manifest.json` that is not a
    record's belongs to another tool and is skipped, as are hidden folders (a record being written is one). An
    empty folder gives empty lists. Raises `UserError` if `root` is no folder.
    """
    if not is_folder(root):
        raise UserError(f"{root} is no folder: name the folder that `lsm-eval run` writes its records to.")
    records: list[Record] = []
    broken: list[UnreadableRecord] = []
    for folder in _folders(root, broken):
        path = folder / MANIFEST
        try:
            if path.is_file() and is_record(path):
                records.append(read_record(folder))
        except UserError as error:
            broken.append(UnreadableRecord(folder, str(error)))
    key = lambda record: (record.created, record.manifest.run, str(record.folder))  # noqa: E731
    return sorted(records, key=key), broken


def _folders(root: Path, unreadable: list[UnreadableRecord]) -> Iterator[Path]:
    """`root` and every folder below it that is not hidden. Links are followed, but each folder is visited once."""

    def note(error: OSError) -> None:
        unreadable.append(
            UnreadableRecord(Path(error.filename), f"{error.filename} cannot be read ({error.strerror}).")
        )

    seen: set[str] = set()
    for folder, folders, _ in os.walk(root, onerror=note, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(folder)


def read_record(folder: Path) -> Record:
    """The record in `folder`. Raises `UserError`, naming the file, if it is broken or too new."""
    path = folder / MANIFEST
    content = read_json(path)
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema version {version}, and this lsm-eval reads up to {SCHEMA_VERSION}: "
            "upgrade lsm-eval."
        )
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path} is not a record: its schema_version is {version!r}, not {SCHEMA_VERSION}; "
            "write it again with `lsm-eval run`."
        )
    try:
        manifest = Manifest.model_validate(content)
        created = utc(manifest.created)
    except ValidationError as error:
        raise broken_file(path, first_problem(error)) from error
    except (ValueError, OverflowError) as error:
        raise broken_file(path, f"created is {manifest.created!r}, not an ISO 8601 time") from error
    path = folder / ESTIMATES
    try:
        estimates = _ESTIMATES.validate_python(read_json(path))
    except ValidationError as error:
        raise broken_file(path, first_problem(error)) from error
    record = Record(folder, manifest, estimates, created)
    _check(record)
    return record


def _check(record: Record) -> None:
    # Task names become file names, so a manifest from elsewhere must not be able to name files outside its folder.
    for task in record.manifest.tasks:
        if not _TASK.fullmatch(task.task):
            raise broken_file(record.folder / MANIFEST, f"{task.task!r} is no task's name")
    seen: set[tuple[str, str]] = set()
    tasks = record.tasks
    for row in record.estimates:
        if row.task not in tasks:
            raise broken_file(record.folder / ESTIMATES, f"task {row.task!r} is not in manifest.json")
        if (row.task, row.metric) in seen:
            raise broken_file(record.folder / ESTIMATES, f"{row.task} has {row.metric} twice")
        seen.add((row.task, row.metric))
