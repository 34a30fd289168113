"""Writes records, completely or not at all."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.results.names import folder_name, model_folder
from lsm_eval.results.profile_rows import REPEAT_COLUMNS, REQUEST_COLUMNS
from lsm_eval.results.schema import OPTIONAL_COLUMNS, SAMPLE_COLUMNS, EstimateRow, Manifest
from lsm_eval.results.staging import abandoned, clear, staging_folder, unlock
from lsm_eval.well_formed import all_well_formed, well_formed

MANIFEST = "manifest.json"
ESTIMATES = "estimates.json"
SAMPLES = "samples"
PROFILE = "profile"
PROFILE_TABLES = {"requests": REQUEST_COLUMNS, "repeats": REPEAT_COLUMNS}
"""The columns of a profile's tables, by the name of the table."""
_LONGEST = 3000
"""The most bytes of a folder's path: below Linux's limit of 4096, with room for what a record adds."""
UNFINISHED = ".unfinished-"
_JSON: dict[str, Any] = {"indent": 1, "ensure_ascii": False}


def check_out(out: Path) -> None:
    """Raise `UserError` if records cannot be written to the folder `out`, before anything is computed."""
    if len(os.fsencode(out)) > _LONGEST:
        # The folder itself could be made, but not the longer paths of a record in it.
        raise _unwritable(out, OSError(errno.ENAMETOOLONG, ""))
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except (OSError, ValueError) as error:
        raise _unwritable(out, error) from error


def clear_leftovers(out: Path) -> list[Path]:
    """Remove what killed runs left half-written in `out`, and return it; what a running process writes stays."""
    try:
        models = [path for path in out.iterdir() if path.is_dir()]
    except OSError:
        return []
    return clear([path for model in sorted(models) for path in abandoned(model, UNFINISHED)])


def write_record(
    out: Path,
    manifest: Manifest,
    estimates: Sequence[EstimateRow],
    samples: Mapping[str, Mapping[str, list[Any]]],
    *,
    amend: Callable[[Manifest], Manifest] = lambda manifest: manifest,
    kept: bool = False,
    profile: Mapping[str, Mapping[str, list[Any]]] | None = None,
) -> Path:
    """Write `<out>/<model>/<run>/` and return it.

    `samples` are the per-sample tables by task, column by column; `profile` those of a profile, by name (`PROFILE_TABLES`). The manifest is written last,
    as `amend` returns it, so that it can include how long writing took. The record is made under another name and
    renamed when complete. `kept`: whether the answers are in a response store, for the error message. Raises `UserError`
    if it cannot be written, and leaves nothing behind.
    """
    parent = out / model_folder(manifest.model)
    place = parent / manifest.run
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with staging_folder(parent, UNFINISHED) as made:
            _write_text(made / ESTIMATES, json.dumps([row.model_dump() for row in estimates], **_JSON))
            (made / SAMPLES).mkdir()
            for task, columns in samples.items():
                _write_table(made / SAMPLES / f"{folder_name(task)}.parquet", sample_table(columns))
            for name, columns in (profile or {}).items():
                (made / PROFILE).mkdir(exist_ok=True)
                _write_table(made / PROFILE / f"{name}.parquet", profile_table(name, columns))
            _write_text(made / MANIFEST, _manifest_json(amend(manifest)))
            made.chmod(0o755)  # it was made private, but records are meant to be published
            unlock(made)
            made.rename(place)
    except OSError as error:
        raise _unwritable(out, error, kept=kept) from error
    return place


def sample_table(columns: Mapping[str, list[Any]]) -> Any:
    """A sample table (`pyarrow.Table`) as it is written, column by column."""
    import pyarrow as pa

    known = {**SAMPLE_COLUMNS, **OPTIONAL_COLUMNS}
    fields = []
    for name in columns:
        if name in known:
            fields.append(pa.field(name, _arrow_type(known[name])))
        else:
            fields.append(
                pa.field(name, pa.list_(pa.float64()) if name.startswith("stats.") else pa.float64())
            )
    whole = {name: all_well_formed(list(values)) for name, values in columns.items()}
    return pa.Table.from_pydict(whole, schema=pa.schema(fields))


def profile_table(name: str, columns: Mapping[str, list[Any]]) -> Any:
    """A table of a profile (`pyarrow.Table`) as it is written: the columns that `PROFILE_TABLES` has of it, in its order."""
    import pyarrow as pa

    known = PROFILE_TABLES[name]
    schema = pa.schema([pa.field(column, _arrow_type(kind)) for column, kind in known.items()])
    whole = {column: all_well_formed(list(columns[column])) for column in known}
    return pa.Table.from_pydict(whole, schema=schema)


def _write_table(path: Path, table: Any) -> None:
    import pyarrow.parquet as pq

    # An open file, since a path such as `s3:x` would be taken for an address.
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")


def _write_text(path: Path, text: str) -> None:
    path.write_text(well_formed(text) + "\n", encoding="utf-8")


def _manifest_json(manifest: Manifest) -> str:
    try:
        return manifest.model_dump_json(indent=1)
    except ValueError:  # lone surrogates, such as from a file name that is not UTF-8
        return Manifest.model_validate(all_well_formed(manifest.model_dump())).model_dump_json(indent=1)


def _arrow_type(description: str) -> Any:
    import pyarrow as pa

    kind = description.partition(":")[0].removesuffix(" or null").strip()
    plain = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}
    if kind.startswith("list<"):
        return pa.list_(plain[kind[5:-1]])
    return plain[kind]


def _unwritable(out: Path, error: OSError | ValueError, *, kept: bool = False) -> UserError:
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        answers = "the answers are kept in the response store" if kept else "no answers are kept"
        return UserError(
            f"no room on the disk for a record in {out}: free some and run the same command again; {answers}."
        )
    # Not the error's own message, to which pyarrow adds words.
    why = os.strerror(number) if number else str(error)
    return UserError(f"records cannot be written to {out} ({why}): name another folder with --out DIR.")
