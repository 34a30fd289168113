"""Imports another tool's result file as a record on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.importing.every_eval_ever import is_every_eval_ever, read_every_eval_ever
from lsm_eval.importing.found import FoundRun
from lsm_eval.importing.inspect import is_inspect, read_inspect, read_inspect_archive
from lsm_eval.importing.lm_eval import is_lm_eval, read_lm_eval
from lsm_eval.importing.read import read_json
from lsm_eval.importing.record import record_of
from lsm_eval.importing.shape import wrong
from lsm_eval.results.names import model_folder
from lsm_eval.results.schema import EstimateRow, Manifest
from lsm_eval.results.writer import check_out, write_record


@dataclass(frozen=True)
class Imported:
    """A record made from another tool's file."""

    record: Path
    manifest: Manifest
    estimates: list[EstimateRow]


def read_foreign(path: Path) -> FoundRun:
    """The content of a file of lm-evaluation-harness, Inspect or Every Eval Ever. Raises `UserError`."""
    if path.suffix == ".eval":
        return read_inspect_archive(path)
    if path.suffix == ".jsonl":
        raise wrong(path, "it holds samples alone; name the results file (.json) that belongs to it")
    content = read_json(path)
    for known, read in (
        (is_lm_eval, read_lm_eval),
        (is_inspect, read_inspect),
        (is_every_eval_ever, read_every_eval_ever),
    ):
        if known(content):
            return read(path, content)
    raise wrong(
        path, "it is no result of lm-eval (results_*.json), Inspect (.eval, .json) or Every Eval Ever"
    )


def import_file(path: Path, out: Path) -> Imported:
    """Make a record under `out` from another tool's result file. Raises `UserError`."""
    try:
        run = read_foreign(path)
    except RecursionError as error:
        raise wrong(path, "it is nested too deep") from error
    manifest, estimates, tables = record_of(run)
    check_out(out)
    place = out / model_folder(manifest.model) / manifest.run
    if place.exists():
        raise UserError(
            f"{path} was imported before, as {place}: remove that, or name another folder with --out."
        )
    return Imported(write_record(out, manifest, estimates, tables), manifest, estimates)
