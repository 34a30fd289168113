"""Copy the hub data that tasks read into a mirror folder, and check it against the hashes that they pin."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.data.load import Pin, Table, load, read_tables, used_columns
from lsm_eval.data.mirror import mirror_path
from lsm_eval.data.options import DataOptions
from lsm_eval.data.parquet import check_columns, read_parquet
from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from lsm_eval.data.schema import Dataset
    from lsm_eval.tasks.registry import LoadedTask
    from lsm_eval.tasks.schema import Task

MANIFEST = "MANIFEST.json"

Progress = Callable[[int, int, str], None]
"""Called with the number of files done, the number of all files, and the next file."""


def splits_of(task: Task) -> list[tuple[str, str, Pin]]:
    """The splits that a task reads: (`evaluation` or `examples`, split, pinned hash)."""
    parts: list[tuple[str, str, Pin]] = [("evaluation", task.dataset.split, task.dataset.sha256)]
    shot = task.fewshot
    if shot.split and shot.split != task.dataset.split and not shot.examples:
        parts.append(("examples", shot.split, shot.sha256))
    return parts


def load_split(loaded: LoadedTask, split: str, pinned: Pin, options: DataOptions) -> Table:
    """One split of a task, with its `where` applied."""
    from lsm_eval.tasks.build import where_filter

    dataset = loaded.task.dataset
    keep = where_filter(loaded)
    return load(dataset, split=split, base=loaded.folder, options=options, pinned=pinned, keep=keep)


def write_mirror(
    tasks: Sequence[LoadedTask], to: Path, options: DataOptions, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Write `<to>/<org>/<name>/<config>/<split>.parquet` for every hub split that the tasks evaluate or draw
    examples from, and `<to>/MANIFEST.json`; returns the records of the files written.

    A file has every row of the split, but only the columns that some task uses: less to copy, and no licence
    to pass on for unused data. Columns that an earlier call put into the folder are kept, and read again.
    All files are read, and checked against the pinned hashes by loading the tasks from them, before the first
    is moved into place; each is moved atomically. Raises `UserError` as `load` does, for two tasks that need
    different revisions of one file, and if no task reads from the hub.
    """
    import pyarrow as pa

    try:
        return _write(tasks, to, options, progress)
    except (OSError, pa.ArrowException, ValueError, RuntimeError) as error:  # of a loop of links, the last
        why = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"the data mirror cannot be written to {to} ({why}): name another folder with --to."
        ) from error


def _write(
    tasks: Sequence[LoadedTask], to: Path, options: DataOptions, progress: Progress | None
) -> list[dict[str, Any]]:
    if options.mirror is not None and options.mirror.resolve() == to.resolve():
        raise UserError(f"the data mirror is read from and written to {to}: name another folder with --to.")
    wants = _wants(tasks)
    if not wants:
        raise UserError("none of these tasks reads from the hub: there is nothing to mirror.")
    for want in wants:
        _check_inside(to, want.path)
    records = _read_manifest(to / MANIFEST)
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=to) as folder:
        staging = Path(folder)
        written = []
        for number, want in enumerate(wants):
            if progress:
                progress(number, len(wants), want.path.as_posix())
            written.append(want.stage(staging, to, options))
        staged = dataclasses.replace(options, mirror=staging)
        for loaded in tasks:
            for _, split, pinned in splits_of(loaded.task) if loaded.task.dataset.hub else ():
                load_split(loaded, split, pinned, staged)
        for want in wants:
            (to / want.path).parent.mkdir(parents=True, exist_ok=True)
            (staging / want.path).replace(to / want.path)
        records.update((record["path"], record) for record in written)
        _write_manifest(to / MANIFEST, staging / MANIFEST, records)
    if progress:
        progress(len(wants), len(wants), "")
    return written


def write_mirror_each(
    tasks: Sequence[LoadedTask], to: Path, options: DataOptions, progress: Progress | None = None
) -> tuple[list[dict[str, Any]], dict[str, UserError]]:
    """As `write_mirror`, but a task whose data are unavailable or differ from its hash does not stop the others.

    Returns the records of the files written, and the error of each task that was left out. Raises `UserError` if no
    task is left, and for errors of the call itself.
    """
    reading = [loaded for loaded in tasks if loaded.task.dataset.hub]
    try:
        return write_mirror(tasks, to, options, progress), {}
    except UserError:
        _wants(tasks)  # neither task alone is to blame for a conflict between two
        _read_manifest(to / MANIFEST)
        if len(reading) < 2 or (options.mirror is not None and options.mirror.resolve() == to.resolve()):
            raise
    refused: dict[str, UserError] = {}
    for loaded in reading:
        try:
            write_mirror([loaded], to, options, progress)
        except UserError as error:
            refused[loaded.task.task] = error
    left = [loaded for loaded in reading if loaded.task.task not in refused]
    if not left:
        raise next(iter(refused.values()))
    # Once more together, so that the manifest names all tasks of a file.
    return write_mirror(left, to, options, progress), refused


@dataclass(slots=True)
class _Want:
    """One file of the mirror, with the tasks that need it and their columns."""

    dataset: Dataset
    config: str
    split: str
    columns: dict[str, None] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    licences: dict[str, None] = field(default_factory=dict)

    @property
    def hub(self) -> str:
        return str(self.dataset.hub)

    @property
    def path(self) -> Path:
        return mirror_path(self.hub, self.config, self.split)

    def stage(self, staging: Path, to: Path, options: DataOptions) -> dict[str, Any]:
        """Write the file under `staging`; returns its manifest record."""
        import pyarrow.parquet as pq

        one = self.dataset.model_copy(update={"config": self.config, "configs": ()})
        tables, revision = read_tables(one, self.split, None, options)
        table = tables[self.config]
        check_columns(self.columns, table.column_names, f"{self.hub} ({self.config}, {self.split})")
        kept = {*self.columns, *_columns_of(to / self.path)}
        table = table.select([name for name in table.column_names if name in kept])
        path = staging / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
        return {
            "hub_id": self.hub,
            "config": self.config,
            "split": self.split,
            "path": self.path.as_posix(),
            "revision": revision,
            "converted": self.dataset.converted,
            "rows": table.num_rows,
            "columns": table.column_names,
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "licence": "; ".join(self.licences),
            "tasks": self.tasks,
        }


def _wants(tasks: Sequence[LoadedTask]) -> list[_Want]:
    wants: dict[Path, _Want] = {}
    for task in (loaded.task for loaded in tasks):
        for config, split in _hub_files(task):
            new = _Want(task.dataset, config, split)
            want = wants.setdefault(new.path, new)
            if (want.dataset.revision, want.dataset.converted) != (
                task.dataset.revision,
                task.dataset.converted,
            ):
                raise UserError(
                    f"{want.tasks[0]} and {task.task} read different revisions of {new.path.as_posix()}: mirror them "
                    "into two folders, or give both task files one `revision` and `converted`."
                )
            want.columns.update(dict.fromkeys(used_columns(task.dataset)))
            want.licences[task.licence] = None
            if task.task not in want.tasks:
                want.tasks.append(task.task)
    return list(wants.values())


def _hub_files(task: Task) -> Iterator[tuple[str, str]]:
    dataset = task.dataset
    if dataset.hub:
        for _, split, _ in splits_of(task):
            for config in dataset.configs or (dataset.config or "default",):
                yield from ((config, part) for part in split.split("+"))


def _check_inside(to: Path, path: Path) -> None:
    """Raises `UserError` if a link in the folder leads out of it, which names alone do not show."""
    if not (to / path).resolve().is_relative_to(to.resolve()):
        raise UserError(
            f"{to / path} lies outside of the folder {to}, which has a link: name another with --to."
        )


def _columns_of(path: Path) -> list[str]:
    """The columns of an earlier file; empty if there is none or it is broken."""
    try:
        return list(read_parquet(path).column_names)
    except UserError:
        return []


def _read_manifest(path: Path) -> dict[str, dict[str, Any]]:
    """Path → record."""
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        return {record["path"]: record for record in records}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(
            f"{path} is not the manifest of a data mirror: move it away, or name another folder."
        ) from error


def _write_manifest(path: Path, staged: Path, records: dict[str, dict[str, Any]]) -> None:
    lines = json.dumps([records[name] for name in sorted(records)], ensure_ascii=False, indent=1)
    staged.write_text(lines + "\n", encoding="utf-8")
    staged.replace(path)
