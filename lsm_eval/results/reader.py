"""Reads run records from disk: manifest and estimates at once, sample tables only when somebody asks."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lsm_eval.errors import UserError
from lsm_eval.results.schema import SAMPLE_COLUMNS, SCHEMA_VERSION, EstimateRow, Manifest, TaskRow
from lsm_eval.results.writer import SAMPLES, folder_name
from lsm_eval.tasks.schema import NAME

_TASK = re.compile(NAME.pattern.removesuffix("$") + r"(@[a-z0-9_.+-]+)?$")
"""A task's name, or that of a variant of it, `TASK@VARIANT`."""
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

    @property
    def tasks(self) -> dict[str, TaskRow]:
        """How each task was asked, by its name."""
        return {task.task: task for task in self.manifest.tasks}

    def sample_file(self, task: str) -> Path:
        """Where the task's sample table is (or would be, for a record published without its samples)."""
        return self.folder / SAMPLES / f"{folder_name(task)}.parquet"

    def has_samples(self, task: str) -> bool:
        """Whether the record keeps the task's sample table."""
        return self.sample_file(task).is_file()

    def sample_count(self, task: str) -> int:
        """Rows of the task's sample table, from the file's footer. Raises `UserError` as `samples` does."""
        with self._open(task) as file:
            return int(file.metadata.num_rows)

    def samples(self, task: str, columns: Sequence[str] | None = None) -> Any:
        """The task's sample table (`pyarrow.Table`), whole or only the `columns` named.

        Raises `UserError`, naming the file, if it is missing, no Parquet, or lacks columns of the schema.
        """
        from pyarrow import ArrowException

        with self._open(task) as file:
            try:
                return file.read(columns=list(columns) if columns is not None else None)
            except (ArrowException, OSError, ValueError) as error:
                raise _broken(self.sample_file(task), error) from error

    def sample_rows(self, task: str, limit: int) -> list[dict[str, Any]]:
        """The first `limit` rows of the task's sample table as dicts, without its `stats.` columns.

        Reads no more of the file than those rows need. Raises `UserError` as `samples` does.
        """
        from pyarrow import ArrowException

        if limit <= 0:
            return []
        with self._open(task) as file:
            columns = [name for name in file.schema_arrow.names if not name.startswith("stats.")]
            rows: list[dict[str, Any]] = []
            try:
                for batch in file.iter_batches(batch_size=limit, columns=columns):
                    rows += batch.to_pylist()
                    if len(rows) >= limit:
                        break
            except (ArrowException, OSError, ValueError) as error:
                raise _broken(self.sample_file(task), error) from error
            return rows[:limit]

    def _open(self, task: str) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.sample_file(task)
        if not path.is_file():
            raise UserError(f"{path} is missing: run the task again, or restore the record's samples folder.")
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _broken(path, error) from error
        fields = {field.name: _kind(str(field.type)) for field in file.schema_arrow}
        for name, meaning in SAMPLE_COLUMNS.items():
            wanted = meaning.split(":")[0].split(" ")[0]
            if fields.get(name) not in (wanted, "null", "list<null>"):
                found = f"is {fields[name]}" if name in fields else "is missing"
                file.close()
                raise UserError(
                    f"{path} is no sample table of schema {SCHEMA_VERSION}: column {name!r} {found}, "
                    f"not {wanted}; write it again with `lsm-eval run`."
                )
        return file


def read_records(root: Path) -> list[Record]:
    """All records under `root` (or `root` itself, if it is one), oldest first.

    Every `manifest.json` with a `schema_version` is a record; others belong to other tools and are passed
    over, as are hidden folders (a record being written is one). Raises `UserError`, naming the file, if a
    record is broken or newer than this version understands. An empty folder gives an empty list.
    """
    if not root.is_dir():
        raise UserError(f"{root} is no folder: name the folder that `lsm-eval run` writes its records to.")
    records = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if "manifest.json" in files and _is_record(Path(folder) / "manifest.json"):
            records.append(read_record(Path(folder)))
    return sorted(records, key=lambda record: (record.created, record.manifest.run, str(record.folder)))


def read_record(folder: Path) -> Record:
    """The record in `folder`. Raises `UserError`, naming the file, if it is broken or too new."""
    path = folder / "manifest.json"
    content = _json(path)
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema version {version}, and this lsm-eval reads up to {SCHEMA_VERSION}: "
            "upgrade lsm-eval."
        )
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path} is no record: its schema_version is {version!r}, not {SCHEMA_VERSION}; "
            "write it again with `lsm-eval run`."
        )
    try:
        manifest = Manifest.model_validate(content)
        created = _utc(manifest.created)
    except ValidationError as error:
        raise _broken(path, _first(error)) from error
    except ValueError as error:
        raise _broken(path, f"created is {manifest.created!r}, no ISO 8601 time") from error
    path = folder / "estimates.json"
    try:
        estimates = _ESTIMATES.validate_python(_json(path))
    except ValidationError as error:
        raise _broken(path, _first(error)) from error
    record = Record(folder, manifest, estimates, created)
    _check(record)
    return record


def _check(record: Record) -> None:
    # Task names become file names, so a manifest from elsewhere must not be able to point out of its folder.
    for task in record.manifest.tasks:
        if not _TASK.fullmatch(task.task):
            raise _broken(record.folder / "manifest.json", f"{task.task!r} is no task's name")
    seen: set[tuple[str, str]] = set()
    tasks = record.tasks
    for row in record.estimates:
        if row.task not in tasks:
            raise _broken(record.folder / "estimates.json", f"task {row.task!r} is not in manifest.json")
        if (row.task, row.metric) in seen:
            raise _broken(record.folder / "estimates.json", f"{row.task} has {row.metric} twice")
        seen.add((row.task, row.metric))


def _is_record(path: Path) -> bool:
    content = _json(path)
    return isinstance(content, dict) and "schema_version" in content


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: restore the record, or remove its folder.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path, error) from error


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _kind(arrow: str) -> str:
    """An Arrow type's name with its harmless variants folded: large_string, `list<element: int64>`."""
    inner = arrow.removeprefix("large_").removesuffix(">")
    if inner.startswith("list<"):
        return f"list<{_kind(inner[5:].split(': ')[-1].removesuffix(' not null'))}>"
    return inner


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'it'}: {problem['msg']}"


def _broken(path: Path, why: object) -> UserError:
    reason = " ".join(str(why).split())[:300]
    return UserError(f"{path} is broken ({reason}): restore the record, or remove its folder.")
