"""Writes the pages of a site into a folder, and finds the records that cannot be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lsm_eval.leaderboard.budget import sampled
from lsm_eval.leaderboard.checking import Checked
from lsm_eval.leaderboard.collect import Board, collect
from lsm_eval.leaderboard.frame.page import Frame
from lsm_eval.leaderboard.options import Options
from lsm_eval.leaderboard.pages import ALONE, KINDS, navigation
from lsm_eval.leaderboard.parallel import each
from lsm_eval.leaderboard.ranking.wire import with_ranks
from lsm_eval.leaderboard.shared import shared
from lsm_eval.leaderboard.single import LARGE, pack
from lsm_eval.leaderboard.site import Site, left_out
from lsm_eval.progress import Progress, Silent
from lsm_eval.results.reader import LeftOut, Record

MARKER = ".lsm-eval-site"
"""In every site: its first line says whose it is, the others name its files. A folder without it is not ours
to replace, and neither is one that holds files which it does not name."""

FIRST_LINE = "lsm-eval leaderboard 1"


@dataclass(frozen=True, slots=True)
class Read:
    """A record, and the folder of records that it was found in."""

    record: Record
    root: Path

    @property
    def place(self) -> str:
        """Where readers find it, from that folder."""
        return self.record.folder.relative_to(self.root).as_posix()


def write_site(
    records: Sequence[Read],
    missing: Sequence[tuple[str, str]],
    folder: Path,
    options: Options,
    checked: Checked,
    progress: Progress,
) -> list[LeftOut]:
    """Write the site of the records (one at least) into an empty folder; the front page names those `missing`, place
    and reason.

    Returns the records that could not be shown: where there are any, the site is not whole. Raises `OSError` where
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
            raise  # not a record's fault
        return broken
    lines = [FIRST_LINE, *sorted(site.written)]
    (folder / MARKER).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return list(site.broken.values())


def _packed(folder: Path, site: Site, frame: Frame, progress: Progress) -> None:
    """One file in place of all."""
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
        # These have few pages each, and none of their parts is worth a process; side by side they are.
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


def _alone(record: Record) -> LeftOut | None:
    """The record as one that is left out, if its own pages cannot be made."""
    site = Site(None, Options(samples=0))
    try:
        _pages(collect([record]), site, Silent())
    except Exception as error:  # noqa: BLE001 (whatever is wrong with it, others are shown)
        return left_out(record, error, record.folder)
    return next(iter(site.broken.values()), None)
