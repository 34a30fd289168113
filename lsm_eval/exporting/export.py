"""Exports records on disk to files of another tool's format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.exporting.every_eval_ever import export_every_eval_ever
from lsm_eval.exporting.files import check_file, write_text
from lsm_eval.exporting.hub import export_hub
from lsm_eval.exporting.lm_eval import export_lm_eval
from lsm_eval.exporting.naming import component, model_id
from lsm_eval.exporting.openmetrics import openmetrics_parts
from lsm_eval.exporting.options import ExportOptions, Format
from lsm_eval.exporting.table import csv_parts
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import Record, read_records

_Folder = Callable[[Record, Path, ExportOptions], tuple[list[Path], list[str]]]
_FOLDERS: dict[Format, _Folder] = {
    "every-eval-ever": export_every_eval_ever,
    "hf-eval-results": export_hub,
    "lm-eval": export_lm_eval,
}
_FILES: dict[Format, Callable[[Sequence[Record]], Iterable[str]]] = {
    "csv": csv_parts,
    "openmetrics": openmetrics_parts,
}


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    """Notes on what the format cannot express."""


def whole_records(folders: Sequence[Path]) -> list[Record]:
    """All records under the `folders`, each once, the oldest first.

    Raises `UserError` if there is none, or one fails its check.
    """
    found: dict[tuple[str, ...], Record] = {}
    for folder in folders:
        own = read_records(folder)
        if not own:
            raise UserError(f"{folder} holds no record: name one, such as reports/MODEL/RUN.")
        for record in own:
            # A copy in another folder is the same run, which must not count twice.
            found.setdefault(
                (record.manifest.run, record.manifest.model.fingerprint, record.manifest.model.name), record
            )
    records = sorted(found.values(), key=lambda record: (record.created, record.manifest.run))
    for record in records:
        if problems := check_record(record.folder, published=True).problems:
            raise UserError(
                f"{record.folder} is not what it says ({problems[0]}): see `lsm-eval records check`; restore it, or remove it."
            )
    return records


def export_text(folders: Sequence[Path], form: Format) -> Iterable[str]:
    """The text, in parts, for a format with all records in one file. Raises `UserError` for other formats."""
    if (parts := _FILES.get(form)) is None:
        raise UserError(
            f"--format {form} writes several files, which cannot be printed: name a folder with --out."
        )
    return parts(whole_records(folders))


def export(folders: Sequence[Path], form: Format, out: Path, options: ExportOptions) -> Exported:
    """Write all records under the `folders` to `out`: a folder, or a file for formats with all records in one file.

    Raises `UserError` if a record is broken, `out` cannot be written, or an option does not fit.
    """
    records = whole_records(folders)
    if (parts := _FILES.get(form)) is not None:
        check_file(out)
        write_text(out, parts(records))
        return Exported((out,), ())
    if len(records) > 1 and (options.model_id is not None or form == "hf-eval-results"):
        models = {record.manifest.model.fingerprint for record in records}
        if len(models) > 1:
            why = "--model-id names one" if options.model_id is not None else "a repository is of one"
            raise UserError(
                f"the records are of {len(models)} models, and {why}: export one model at a time."
            )
    if form == "lm-eval":
        _check_moments(records, options)
    files: dict[Path, Record] = {}
    notes: list[str] = []
    for record in records:
        written, said = _FOLDERS[form](record, out, options)
        notes += [
            f"{path.name} of {files[path].manifest.run} gave way to that of {record.manifest.run}, which is newer: name the record whose "
            "numbers are meant."
            for path in written
            if path in files
        ]
        files |= dict.fromkeys(written, record)
        notes += said
    return Exported(tuple(files), tuple(notes))


def _check_moments(records: Sequence[Record], options: ExportOptions) -> None:
    """Raise `UserError` if two records would get the same files, which are named by model and time."""
    known: dict[tuple[str, datetime], Record] = {}
    for record in records:
        key = component(model_id(record.manifest.model, options.model_id)), record.created
        if (other := known.setdefault(key, record)) is not record:
            raise UserError(
                f"{other.folder} and {record.folder} are of one model and one moment, and this format tells records apart by those: "
                "export each to a folder of its own."
            )
