"""Writes records: whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.results.names import folder_name as folder_name
from lsm_eval.results.names import model_folder
from lsm_eval.results.schema import OPTIONAL_COLUMNS, SAMPLE_COLUMNS, EstimateRow, Manifest

MANIFEST = "manifest.json"
ESTIMATES = "estimates.json"
SAMPLES = "samples"


def check_out(out: Path) -> None:
    """Raise `UserError` if records cannot be written to the folder `out`, before anything is computed."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise _unwritable(out, error) from error


def write_record(
    out: Path,
    manifest: Manifest,
    estimates: Sequence[EstimateRow],
    samples: Mapping[str, Mapping[str, list[Any]]],
    *,
    amend: Callable[[Manifest], Manifest] = lambda manifest: manifest,
) -> Path:
    """Write `<out>/<model>/<run>/` and return it.

    `samples` are the per-sample tables by task, column by column. The manifest is written last, as `amend`
    gives it back, which by then can know how long writing took. The record is made under another name and
    renamed when whole. Raises `UserError` where it cannot be written, leaving nothing behind.
    """
    parent = out / model_folder(manifest.model)
    place = parent / manifest.run
    try:
        parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=parent, prefix=".unfinished-"))
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        rows = [row.model_dump() for row in estimates]
        (made / ESTIMATES).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (made / SAMPLES).mkdir()
        for task, columns in samples.items():
            _write_samples(made / SAMPLES / f"{folder_name(task)}.parquet", columns)
        text = amend(manifest).model_dump_json(indent=1) + "\n"
        (made / MANIFEST).write_text(text, encoding="utf-8")
        made.chmod(0o755)  # mkdtemp makes it private, and records are there to be published
        made.rename(place)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def _write_samples(path: Path, columns: Mapping[str, list[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    known = {**SAMPLE_COLUMNS, **OPTIONAL_COLUMNS}
    fields = []
    for name in columns:
        if name in known:
            fields.append(pa.field(name, _arrow_type(known[name])))
        else:
            fields.append(
                pa.field(name, pa.list_(pa.float64()) if name.startswith("stats.") else pa.float64())
            )
    table = pa.Table.from_pydict(dict(columns), schema=pa.schema(fields))
    pq.write_table(table, path, compression="zstd")


def _arrow_type(description: str) -> Any:
    import pyarrow as pa

    kind = description.partition(":")[0].removesuffix(" or null").strip()
    plain = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}
    if kind.startswith("list<"):
        return pa.list_(plain[kind[5:-1]])
    return plain[kind]


def _unwritable(out: Path, error: OSError) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(
            f"no room on the disk for a record in {out}: free some and run the same command again; the answers "
            "are kept in the response store."
        )
    # Not the error's own words: pyarrow adds some of its own to them.
    why = os.strerror(error.errno) if error.errno else str(error)
    return UserError(f"records cannot be written to {out} ({why}): name another folder with --out DIR.")
