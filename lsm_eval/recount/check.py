"""Recounts a record: samples, missing, estimates, phases and signatures are checked against the files on disk.

This package shares no code with the writer of records or with the reader for the pages: it reads files and recomputes numbers with
plain Python, pyarrow and NumPy.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.recount.estimates import check_estimates
from lsm_eval.recount.files import ESTIMATES, MANIFEST, SAMPLES, Problems
from lsm_eval.recount.manifest import read_manifest
from lsm_eval.recount.profile import check_profile
from lsm_eval.recount.result import RecordCheck
from lsm_eval.recount.tables import read_tables


def check_record(
    folder: Path, *, tasks: Collection[str] | None = None, published: bool = False
) -> RecordCheck:
    """Returns the inconsistencies of the record in `folder`, and how much of it was counted.

    `tasks`: the tasks whose samples are counted (default: all); manifest and estimates are always checked completely. `published`: a
    record without its folder of samples is no problem; its numbers can be shown, but not recomputed.
    Raises `UserError` if there is no such folder, or no file of a record in it.
    """
    try:
        there = folder.is_dir()
        parts = [name for name in (MANIFEST, ESTIMATES, SAMPLES) if (folder / name).exists()]
    except (OSError, ValueError):
        there, parts = False, []
    if not there:
        raise UserError(f"{folder} is no folder: name a record, such as reports/MODEL/RUN.")
    if not parts:
        raise UserError(
            f"{folder} is no record: it has no {MANIFEST}; name the folder that a run ended with (`record: …`)."
        )
    problems = Problems()
    manifest = read_manifest(folder, problems)
    if manifest is None:
        return RecordCheck(folder, tuple(problems.sentences), 0, 0, 0, 0)
    tables, without = read_tables(folder, manifest, problems, only=tasks, published=published)
    rows, recomputed = check_estimates(folder, manifest, tables, problems)
    estimates = len(rows)
    recomputed += check_profile(folder, manifest, rows, problems, published=published)
    return RecordCheck(
        folder,
        tuple(problems.sentences),
        tasks=len(manifest["tasks"]),
        samples=sum(table.rows for table in tables.values()),
        estimates=estimates,
        recomputed=recomputed,
        without_samples=without,
    )
