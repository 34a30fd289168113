"""A record counted again: samples, missing, estimates, phases and signatures from what lies on disk.

Nothing here is of the code that writes records, or of the one that reads them for the pages: files are read and numbers
counted by plain Python, pyarrow and NumPy.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.recount.estimates import check_estimates
from lsm_eval.recount.files import ESTIMATES, MANIFEST, SAMPLES, Found
from lsm_eval.recount.manifest import read_manifest
from lsm_eval.recount.profile import check_profile
from lsm_eval.recount.result import RecordCheck
from lsm_eval.recount.tables import read_tables


def check_record(
    folder: Path, *, tasks: Collection[str] | None = None, published: bool = False
) -> RecordCheck:
    """What the record in `folder` says and does not add up, and how much of it was counted.

    `tasks`: those whose samples are counted, in place of all; manifest and estimates are checked whole. `published`: a record
    without its folder of samples is what it says, too: its numbers can be shown, and none of them counted again.
    Raises `UserError` where there is no such folder, or nothing of a record in it.
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
    found = Found()
    manifest = read_manifest(folder, found)
    if manifest is None:
        return RecordCheck(folder, tuple(found.problems), 0, 0, 0, 0)
    tables, without = read_tables(folder, manifest, found, only=tasks, published=published)
    rows, recomputed = check_estimates(folder, manifest, tables, found)
    estimates = len(rows)
    recomputed += check_profile(folder, manifest, rows, found, published=published)
    return RecordCheck(
        folder,
        tuple(found.problems),
        tasks=len(manifest["tasks"]),
        samples=sum(table.rows for table in tables.values()),
        estimates=estimates,
        recomputed=recomputed,
        without_samples=without,
    )
