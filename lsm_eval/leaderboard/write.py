"""Writes the pages of a site into a folder, and finds the records that cannot be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.collect import Board, collect
from lsm_eval.leaderboard.pages import Pages
from lsm_eval.progress import Progress
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
    left_out: Sequence[tuple[str, str]],
    folder: Path,
    samples: int,
    progress: Progress,
) -> list[LeftOut]:
    """Write the site of the records (one at least) into an empty folder; the front page names those `left_out`, place
    and reason.

    Returns the records that could not be shown: where there are any, the site is not whole. Raises `OSError` where
    the folder cannot be written.
    """
    plain = [read.record for read in records]
    try:
        board = collect(plain)
        pages = Pages(board, samples, left_out)
        index = pages.index()
        models = {model.slug: pages.model(model) for model in board.models}
    except Exception as error:
        broken = [left for record in plain if (left := _alone(record))]
        if not broken or isinstance(error, MemoryError):
            raise  # not a record's fault
        return broken
    return _write(board, pages, index, models, records, folder, progress)


def _write(
    board: Board,
    pages: Pages,
    index: str,
    models: dict[str, str],
    records: Sequence[Read],
    folder: Path,
    progress: Progress,
) -> list[LeftOut]:
    places = {id(read.record): read.place for read in records}
    kept = [
        (model, task, record, page)
        for model in board.models
        for task, record, page in model.pages()
        if record.has_samples(task)
    ]
    broken: dict[Path, LeftOut] = {}
    written: list[str] = []
    with progress.phase("pages", 1 + len(board.models) + len(kept)) as phase:

        def put(name: str, text: str) -> None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            written.append(name)
            phase.advance(1)

        put("index.html", index)
        for slug, text in models.items():
            put(f"models/{slug}.html", text)
        for model, task, record, page in kept:
            file = record.sample_file(task).relative_to(record.folder).as_posix()
            path = f"{places[id(record)]}/{file}".removeprefix("./")
            try:
                text = pages.samples(model, task, record, path)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 (whatever is wrong with it, others are shown)
                broken.setdefault(record.folder, _left_out(record, error, record.sample_file(task)))
                continue
            put(f"samples/{model.slug}/{board.task_slugs[task]}{page}.html", text)
    lines = [FIRST_LINE, *sorted(written)]
    (folder / MARKER).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return list(broken.values())


def _alone(record: Record) -> LeftOut | None:
    """The record as one that is left out, if its own pages cannot be made."""
    try:
        board = collect([record])
        pages = Pages(board, 0)
        pages.index()
        for model in board.models:
            pages.model(model)
    except Exception as error:  # noqa: BLE001 (as above)
        return _left_out(record, error, record.folder)
    return None


def _left_out(record: Record, error: Exception, path: Path) -> LeftOut:
    if isinstance(error, UserError):
        return LeftOut(record.folder, str(error))
    reason = " ".join(str(error).split())[:300]
    return LeftOut(record.folder, f"{path} cannot be shown ({type(error).__name__}: {reason}).")
