"""Writes the pages of a site into a folder, and finds the records that cannot be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.budget import sampled
from lsm_eval.leaderboard.checking import Checked
from lsm_eval.leaderboard.collect import collect
from lsm_eval.leaderboard.frame.page import Frame
from lsm_eval.leaderboard.options import Options
from lsm_eval.leaderboard.pages import ALONE, KINDS, navigation
from lsm_eval.leaderboard.parallel import each
from lsm_eval.leaderboard.ranking.site_ranks import with_ranks
from lsm_eval.leaderboard.shared import shared
from lsm_eval.leaderboard.single import LARGE, pack
from lsm_eval.leaderboard.site import Site, left_out
from lsm_eval.progress import Progress, Silent
from lsm_eval.results.reader import Record, UnreadableRecord

MARKER = ".lsm-eval-site"
"""A file in every site: its first line says that lsm-eval wrote it, the others name the site's files. A folder without it, or with files
that it does not name, is never replaced."""

FIRST_LINE = "lsm-eval leaderboard 1"


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record, and the folder of records in which it was found."""

    record: Record
    root: Path

    @property
    def place(self) -> str:
        """The record's path relative to that folder."""
        return self.record.folder.relative_to(self.root).as_posix()


def write_site(
    records: Sequence[FoundRecord],
    missing: Sequence[tuple[str, str]],
    folder: Path,
    options: Options,
    checked: Checked,
    progress: Progress,
) -> list[UnreadableRecord]:
    """Write the site of the records (at least one) into an empty folder; the front page names the `missing` ones with path
    and reason.

    Returns the records that could not be shown: if there are any, the site is incomplete. Raises `OSError` if
    the folder cannot be written.
    """
    plain = [read.record for read in records]
    places = {id(read.record): read.place for read in records}
    site = Site(folder, options, places=places, left_out=missing, checked=checked)
    try:
        board = with_ranks(collect(plain), site)
        frame = _pages(board, site, progress)
        if options.single_file and not site.broken:
            _packed(folder, site, frame, progress)
    except Exception as error:
        broken = [left for record in plain if (left := _alone(record))]
        if not broken or isinstance(error, MemoryError):
            raise  # no record is to blame
        return broken
    lines = [FIRST_LINE, *sorted(site.written)]
    (folder / MARKER).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return list(site.broken.values())


def _packed(folder: Path, site: Site, frame: Frame, progress: Progress) -> None:
    """Replace all files with a single one."""
    text = pack(folder, site.written, frame)
    for path in site.written:
        (folder / path).unlink()
    for place in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        place.rmdir()
    site.written.clear()
    site.put("index.html", text)
    size = (folder / "index.html").stat().st_size
    if size > LARGE:
        progress.note(
            f"index.html has {size / 1e6:.0f} MB, more than many mail servers take: show fewer samples with --samples."
        )


def _pages(board: Board, site: Site, progress: Progress) -> Frame:
    frame = Frame(site.options.language, navigation(board))
    site.sampled = sampled(board)
    frame.share(shared(board, site))
    with progress.phase("pages", len(KINDS)) as phase:
        # These kinds have few pages each. A process for each part would not pay off; one for each kind does.
        alone = [kind for kind in KINDS if kind in ALONE]
        each(
            alone,
            lambda kind: kind.write(board, frame, site),
            site,
            pages=len(board.models) * len(board.task_slugs) // 50,
        )
        phase.advance(len(alone))
        for kind in KINDS:
            if kind not in ALONE:
                kind.write(board, frame, site)
                phase.advance(1)
    return frame


def _alone(record: Record) -> UnreadableRecord | None:
    """Builds the pages of this record alone; returns it as left out if they cannot be made."""
    site = Site(None, Options(samples=0))
    try:
        _pages(collect([record]), site, Silent())
    except Exception as error:  # noqa: BLE001 (whatever is wrong with it, others are shown)
        return left_out(record, error, record.folder)
    return next(iter(site.broken.values()), None)
