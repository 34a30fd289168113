"""`load`: the rows of a task, checked against the hash that its file pins."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lsm_eval.data.canonical import combined_hash, content_hash
from lsm_eval.data.options import DataOptions
from lsm_eval.data.selection import Keep, Row, Selection
from lsm_eval.errors import UserError
from lsm_eval.well_formed import all_well_formed

if TYPE_CHECKING:
    from lsm_eval.data.schema import Dataset

_LOG = logging.getLogger(__name__)
Source = Literal["hub", "mirror", "file", "files", "python"]
Pin = str | Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one split, as the task sees them. They are shared and must not be changed."""

    rows: list[Row]
    """The used columns; with several configs, also `config`."""
    ids: list[str]
    """Parallel to `rows`, unique: the id column's value or the row's number, from 0, in the split as read (in the
    selection if the task names `ids`), with the prefix `<config>/` if there are several configs. A value that
    several rows share gets the suffix `#<row number>`."""
    source: Source
    name: str
    """Hub id, file or `module:function`."""
    configs: tuple[str, ...]
    split: str
    revision: str | None
    """Commit of the hub repository; for a mirror, the task file's, and only if the hash is the pinned one."""
    sha256: str
    """Hash of the content of all rows (see `canonical`)."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """Config → hash; empty if the source has no configs."""
    pinned: bool = False
    """Whether the hash equals the one in the task file."""
    mended: int = 0
    """Number of rows in which half a surrogate pair was replaced by U+FFFD; the hash is of what was read."""


def load(
    dataset: Dataset,
    *,
    split: str | None = None,
    base: Path,
    options: DataOptions,
    pinned: Pin,
    keep: Keep | None = None,
) -> Table:
    """Read the rows of `dataset`.

    `split` reads another split (few-shot examples), to which `where` applies but `ids` does not. `base` is the
    task file's folder. `keep` is the dataset's `where` as a function over a row, with the column `config` if
    there are several. `pinned` is the hash that the content must have: one over all, or a mapping
    config → hash; None checks nothing.

    Raises `UserError` for data that is missing, broken or empty, lacks a used column or one of `ids`, or differs
    from `pinned` without `options.allow_drift`.
    """
    if dataset.where and keep is None:
        raise ValueError("a dataset with `where` is loaded with `keep`")
    wanted = split or dataset.split
    wanted_ids = _read_ids(base / dataset.ids) if dataset.ids and wanted == dataset.split else None
    parts = _read(dataset, wanted, base, options)

    selection = Selection(dataset, keep, wanted_ids, several=len(parts.rows) > 1)
    for config, rows in parts.rows.items():
        if not rows:
            raise UserError(f"{parts.place(config)} has no rows: check the split, or fetch the data again.")
        selection.add(config, rows[: dataset.first] if wanted == dataset.split else rows)
    if missing := selection.missing():
        raise UserError(
            f"{parts.where} has no row whose {dataset.id_column} is {missing!r}, which {dataset.ids} asks for: "
            "correct that file, or read data that has the row."
        )
    if not selection.rows:
        raise UserError(
            f"`where: {dataset.where}` leaves no row of {parts.where}: correct it in the task file."
        )

    hashes = {config: _hashed(rows, parts.place(config)) for config, rows in selection.by_config.items()}
    sha256 = combined_hash(hashes)
    _LOG.info("%s: %d rows, sha256 %s", parts.where, len(selection.rows), sha256)
    agrees = _check_pin(pinned, sha256, hashes, parts, options.allow_drift)
    rows = [all_well_formed(row) for row in selection.rows]
    return Table(
        rows=rows,
        ids=selection.unique_ids(),
        source=parts.source,
        name=parts.name,
        configs=tuple(config for config in hashes if config),
        split=wanted,
        revision=parts.revision if parts.source == "hub" or agrees else None,
        sha256=sha256,
        hashes={config: value for config, value in hashes.items() if config},
        pinned=agrees,
        mended=sum(old is not new for old, new in zip(selection.rows, rows, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """The rows as read, before any selection."""

    source: Source
    name: str
    where: str
    """For messages: the data and the place they were read from."""
    rows: Mapping[str, list[Row]]
    """Config → rows; a source without configs has the key ""."""
    revision: str | None = None

    def place(self, config: str) -> str:
        return f"{self.where}, config {config}," if len(self.rows) > 1 else self.where


def _read(dataset: Dataset, split: str, base: Path, options: DataOptions) -> _Parts:
    columns = used_columns(dataset)
    if dataset.hub:
        configs = dataset.configs or (dataset.config or "default",)
        source: Source = "hub" if options.mirror is None else "mirror"
        shown = configs[0] if len(configs) == 1 else f"{len(configs)} configs"
        where = f"{dataset.hub} ({shown}, {split}), read from "
        where += "the hub" if options.mirror is None else f"the data mirror {options.mirror}"
        tables, revision = read_tables(dataset, split, columns, options)
        from lsm_eval.data.parquet import rows_of

        rows = {config: _reshaped(dataset, rows_of(table, where), base) for config, table in tables.items()}
        return _Parts(source, dataset.hub, where, rows, revision)

    from lsm_eval.data.local import call_python, call_reader, read_file

    if dataset.files:
        from lsm_eval.data.source_files import locate

        _one_split_only(dataset, split)
        paths = locate(dataset.files, options)
        name = dataset.files[0].name + (
            f" and {len(dataset.files) - 1} more" if len(dataset.files) > 1 else ""
        )
        if dataset.reader:
            where = f"the list that {dataset.reader} returns for {name}"
            plain = call_reader(dataset.reader, paths, dataset.arguments, base=base)
        else:
            where = name
            plain = [
                {**row, "source_file": file.name}
                for file, path in zip(dataset.files, paths, strict=True)
                for row in read_file(path)
            ]
        return _Parts("files", name, where, {"": _with_columns(plain, columns, where)})
    if dataset.python:
        other = split if split != dataset.split else None
        plain = call_python(dataset.python, dataset.arguments, other, base=base)
        name, where = dataset.python, f"the list that {dataset.python} returns"
        return _Parts("python", name, where, {"": _with_columns(plain, columns, where)})
    assert dataset.file is not None
    if "{split}" not in dataset.file and split != dataset.split:
        raise UserError(
            f"{dataset.file} is one file: few-shot examples from the split {split} need `{{split}}` in its name, "
            "or `fewshot.examples`."
        )
    name = dataset.file.replace("{split}", split)
    path = base / name
    return _Parts("file", name, str(path), {"": _with_columns(read_file(path), columns, str(path))})


def _reshaped(dataset: Dataset, rows: list[Row], base: Path) -> list[Row]:
    if not dataset.reshape:
        return rows
    from lsm_eval.data.local import call_reshape
    from lsm_eval.data.parquet import check_columns

    made = call_reshape(dataset.reshape, rows, dataset.arguments, base=base)
    if dataset.id_column and made:
        check_columns([dataset.id_column], list(made[0]), f"the list that {dataset.reshape} returns")
    return made


def _one_split_only(dataset: Dataset, split: str) -> None:
    if split != dataset.split:
        raise UserError(
            f"{dataset.files[0].name} has no splits, and few-shot examples from {split} are asked for: write them "
            "out in `fewshot.examples`."
        )


def used_columns(dataset: Dataset) -> tuple[str, ...]:
    """The columns that have to be read: those that the task uses, and the id column."""
    extra = None if dataset.reshape else dataset.id_column
    return dataset.columns if extra is None or extra in dataset.columns else (*dataset.columns, extra)


def read_tables(
    dataset: Dataset, split: str, columns: Sequence[str] | None, options: DataOptions
) -> tuple[Mapping[str, Any], str | None]:
    """Returns config → Arrow table of one split of a hub data set (`columns` None: all), and its commit. Splits joined
    by `+` are read one after the other."""
    if "+" in split:
        from lsm_eval.data.parquet import join_tables

        read = [read_tables(dataset, part, columns, options) for part in split.split("+")]
        names = list(read[0][0])
        where = f"{dataset.hub} ({split})"
        return {name: join_tables([tables[name] for tables, _ in read], where) for name in names}, read[0][1]
    assert dataset.hub is not None
    configs = dataset.configs or (dataset.config or "default",)
    if options.mirror is not None:
        from lsm_eval.data.mirror import find_in_mirror
        from lsm_eval.data.parquet import read_parquet

        paths = {config: find_in_mirror(options.mirror, dataset.hub, config, split) for config in configs}
        return {config: read_parquet(path, columns) for config, path in paths.items()}, dataset.revision
    from lsm_eval.data.hub import read_hub

    found = read_hub(
        dataset.hub,
        configs,
        split,
        columns,
        revision=dataset.revision,
        converted=dataset.converted,
        offline=options.offline,
    )
    return found.tables, found.revision


def _with_columns(rows: Sequence[Row], columns: Sequence[str], where: str) -> list[Row]:
    """The rows with only these columns: null if a row lacks one, an error if every row lacks it."""
    from lsm_eval.data.parquet import check_columns

    there = list(dict.fromkeys(name for row in rows for name in row))
    if rows:
        check_columns(columns, there, where)
    return [{column: row.get(column) for column in columns} for row in rows]


def _read_ids(path: Path) -> dict[str, int]:
    """The wanted ids and their positions."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(
            f"the list of ids {path} cannot be read ({error.strerror}): check `dataset.ids`."
        ) from error
    except ValueError as error:
        raise UserError(f"the list of ids {path} is not UTF-8 text: convert it to UTF-8.") from error
    return {name: order for order, name in enumerate(dict.fromkeys(line.strip() for line in lines)) if name}


def _hashed(rows: Sequence[Row], where: str) -> str:
    try:
        return content_hash(rows)
    except TypeError as error:
        raise UserError(
            f"{where} holds a value that cannot be hashed ({error}): leave out that column."
        ) from error
    except RecursionError as error:
        raise UserError(f"{where} holds a value that is nested too deep: leave out that column.") from error


def _check_pin(pinned: Pin, sha256: str, hashes: Mapping[str, str], parts: _Parts, allow: bool) -> bool:
    """Whether the content matches the pinned hash; False without one. Raises `UserError` if it differs and may not."""
    if pinned is None:
        return False
    if isinstance(pinned, str):
        differ = [] if pinned == sha256 else [(parts.where, pinned, sha256)]
    else:
        lacking = [config for config in hashes if config not in pinned]
        if lacking and not allow:
            raise UserError(f"the task file pins no sha256 for the config {lacking[0]!r}: add it.")
        differ = [
            (parts.place(config), pinned.get(config, ""), found)
            for config, found in hashes.items()
            if pinned.get(config) != found
        ]
    if not differ or allow:
        return not differ
    where, expected, found = differ[0]
    more = f" (and {len(differ) - 1} more configs)" if len(differ) > 1 else ""
    raise UserError(
        f"{where} has other content than the task file pins{more}: sha256 {found} instead of {expected}; read the "
        "pinned revision, or go on with other data by --allow-drift (its numbers will not be comparable)."
    )
