"""Builds the site from records: a folder of pages, put in place only once it is complete."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.checking import Checked, check
from lsm_eval.leaderboard.options import SAMPLES, Options
from lsm_eval.leaderboard.table.suites import check_included
from lsm_eval.leaderboard.write import FIRST_LINE, MARKER, FoundRecord, write_site
from lsm_eval.progress import Progress, Silent
from lsm_eval.results.reader import UnreadableRecord, find_records
from lsm_eval.results.staging import abandoned, clear, staging_folder

_OLD = "old"
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}


def build(
    reports: Sequence[Path] | Path,
    out: Path,
    *,
    samples: int = SAMPLES,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build the site of all records under `reports` in the folder `out`, and return its `index.html`.

    The same records give byte-identical files. The site is written to a folder beside `out` and renamed when
    complete, so a build that fails leaves the old site as it was. `samples` is the number of samples that a task's page
    shows; `options` has this and the other settings. A record that is broken or fails its recount (`recount`) is left out; a note of
    `progress` and the front page say so. Raises
    `UserError` if there are no records, if all are broken, or if `out` contains anything that an earlier build did
    not write.
    """
    roots = [reports] if isinstance(reports, Path) else list(reports)
    progress = progress or Silent()
    options = options or Options(samples)
    check_included(options.include, progress)
    where = ", ".join(str(root) for root in roots)
    try:
        out = out.resolve()
        _check_out(out, roots)
    except (OSError, RuntimeError, ValueError) as error:
        raise _unwritable(out, error) from error
    try:
        records, left_out, checked = _whole(*_read(roots), options, progress)
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"the records under {where} cannot be read ({why}): name another folder.") from error
    if not records and not left_out:
        raise UserError(
            f"no records under {where}: make one with "
            "`lsm-eval run --tasks TASKS --model MODEL`, and name the folder it writes to."
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(out, progress)
        with staging_folder(out.parent, _building(out)) as place:
            site, left_out = _whole_site(records, left_out, roots, place, options, checked, progress)
            _put_in_place(site, out, place / _OLD)
    except OSError as error:
        raise _unwritable(out, error) from error
    for one in left_out:
        progress.note(f"left out the record {one.folder}: {one.why}")
    return out / "index.html"


def _whole_site(
    records: Sequence[FoundRecord],
    left_out: Sequence[UnreadableRecord],
    roots: Sequence[Path],
    place: Path,
    options: Options,
    checked: Checked,
    progress: Progress,
) -> tuple[Path, list[UnreadableRecord]]:
    """Builds the site of all records that can be shown in a folder in `place`; returns it and the records that cannot be shown."""
    attempt = 0
    while records:
        site = place / f"site{attempt}"
        site.mkdir()
        broken = write_site(
            records, [_placed(one, roots) for one in left_out], site, options, checked, progress
        )
        if not broken:
            return site, list(left_out)
        # A broken record affects many pages, so all pages are built again without it.
        left_out = [*left_out, *broken]
        folders = {one.folder for one in broken}
        records = [read for read in records if read.record.folder not in folders]
        attempt += 1
    raise UserError(
        f"none of the records under {', '.join(str(root) for root in roots)} can be read; the first of "
        f"{len(left_out)}: {left_out[0].why}"
    )


def _placed(one: UnreadableRecord, roots: Sequence[Path]) -> tuple[str, str]:
    """The record's path, from its folder of records as readers of the site see it, and why it is left out."""
    root = next((root for root in roots if one.folder.is_relative_to(root)), None)
    if root is None:
        return str(one.folder), one.why
    return one.folder.relative_to(root).as_posix(), one.why.replace(f"{root}{os.sep}", "")


def _read(roots: Sequence[Path]) -> tuple[list[FoundRecord], list[UnreadableRecord]]:
    """Reads every record once, even if several paths lead to it."""
    records: dict[Path, FoundRecord] = {}
    left_out: dict[Path, UnreadableRecord] = {}
    for root in roots:
        found, broken = find_records(root)
        for record in found:
            records.setdefault(record.folder.resolve(), FoundRecord(record, root))
        for one in broken:
            left_out.setdefault(one.folder.resolve(), one)
    return list(records.values()), list(left_out.values())


def _whole(
    records: Sequence[FoundRecord], left_out: Sequence[UnreadableRecord], options: Options, progress: Progress
) -> tuple[list[FoundRecord], list[UnreadableRecord], Checked]:
    """The records that pass the recount (`checking`); the others are left out. A record that was published without its folder of
    samples is checked only as far as its numbers."""
    checked = check([read.record for read in records], progress, every=options.count_all)
    whole = [read for read in records if read.record.folder not in checked.wrong]
    wrong = [
        UnreadableRecord(folder, f"it is not what it says: {why}") for folder, why in checked.wrong.items()
    ]
    return whole, [*left_out, *wrong], checked


def _building(out: Path) -> str:
    return f".{out.name}.building-"


def _put_in_place(site: Path, out: Path, old: Path) -> None:
    if out.exists():
        out.rename(old)
    try:
        site.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise


def _clear_leftovers(out: Path, progress: Progress) -> None:
    """Remove the leftovers of killed builds, and restore a site that such a build had just moved away."""
    left = [*abandoned(out.parent, _building(out)), *abandoned(out.parent, f".{out.name}.replaced-")]
    for folder in left:
        old = folder / _OLD if _building(out) in folder.name else folder
        if not out.exists() and (old / MARKER).is_file():
            old.rename(out)
    for folder in clear(left):
        progress.note(f"removed {folder}, which a build that was killed left unfinished.")


def _unwritable(out: Path, error: Exception) -> UserError:
    why = getattr(error, "strerror", None) or error
    return UserError(f"cannot write the site to {out} ({why}): name another folder with --out.")


def _check_out(out: Path, roots: Sequence[Path]) -> None:
    for root in roots:
        if Path(os.path.realpath(root)).is_relative_to(out):
            raise UserError(f"the records in {root} lie inside {out}: name another folder with --out.")
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"{out} is a file: name a folder with --out.")
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not found and not any(out.iterdir()):
        return
    marker = out / MARKER
    lines = marker.read_text(encoding="utf-8", errors="replace").splitlines() if marker.is_file() else []
    if lines[:1] != [FIRST_LINE]:
        raise UserError(
            f"{out} is not empty and no site of `lsm-eval leaderboard`: name an empty or new folder with --out."
        )
    foreign = sorted(name for name in found - {*lines[1:], MARKER} if Path(name).name not in _LITTER)
    if foreign:
        raise UserError(
            f"{out} holds files that `lsm-eval leaderboard` did not write, such as {foreign[0]}, and building "
            "would remove them: move them away, or name another folder with --out."
        )
