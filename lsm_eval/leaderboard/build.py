"""Builds the site: records in, a folder of pages out, swapped in only when whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.collect import Board, collect
from lsm_eval.leaderboard.pages import Pages
from lsm_eval.progress import Progress, Silent
from lsm_eval.results.reader import Record, read_records

MARKER = ".lsm-eval-site"
"""In every site: its first line says whose it is, the others name its files. A folder without it is not ours
to replace, and neither is one that holds files which it does not name."""

SAMPLES = 100
"""Samples of a task that its page shows."""

_FIRST_LINE = "lsm-eval leaderboard 1"
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}


def build(
    reports: Sequence[Path] | Path, out: Path, *, samples: int = SAMPLES, progress: Progress | None = None
) -> Path:
    """Build the site of all records under `reports` in the folder `out`, and return its `index.html`.

    Equal records give byte-identical files. The site is written to a folder beside `out` and renamed when
    whole, so a build that fails leaves the old site as it was. `samples` is how many samples a task's page
    shows. Raises `UserError` if there are no records, if one is broken, or if `out` holds anything that an
    earlier build did not write.
    """
    roots = [reports] if isinstance(reports, Path) else list(reports)
    out = out.resolve()
    _check_out(out, roots)
    records: dict[Path, tuple[Record, str]] = {}
    for root in roots:
        for record in read_records(root):
            place = record.folder.relative_to(root).as_posix()
            records.setdefault(record.folder.resolve(), (record, place))
    if not records:
        raise UserError(
            f"no records under {', '.join(str(root) for root in roots)}: make one with "
            "`lsm-eval run --tasks TASKS --model MODEL`, and name the folder it writes to."
        )
    board = collect([record for record, _ in records.values()])
    places = {id(record): place for record, place in records.values()}
    new = out.with_name(f".{out.name}.building-{os.getpid()}")
    old = out.with_name(f".{out.name}.replaced-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        new.mkdir()
        _write(board, places, new, samples, progress or Silent())
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
    except OSError as error:
        raise UserError(
            f"cannot write the site to {out} ({error}): name another folder with --out."
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)
    return out / "index.html"


def _write(board: Board, places: dict[int, str], folder: Path, samples: int, progress: Progress) -> None:
    pages = Pages(board, samples)
    kept = [
        (model, task, record, page)
        for model in board.models
        for task, record, page in model.pages()
        if record.has_samples(task)
    ]
    written: list[str] = []
    with progress.phase("pages", 1 + len(board.models) + len(kept)) as phase:

        def put(name: str, text: str) -> None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            written.append(name)
            phase.advance(1)

        put("index.html", pages.index())
        for model in board.models:
            put(f"models/{model.slug}.html", pages.model(model))
        for model, task, record, page in kept:
            file = record.sample_file(task).relative_to(record.folder).as_posix()
            path = f"{places[id(record)]}/{file}".removeprefix("./")
            name = f"samples/{model.slug}/{board.task_slugs[task]}{page}.html"
            put(name, pages.samples(model, task, record, path))
    lines = [_FIRST_LINE, *sorted(written)]
    (folder / MARKER).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _check_out(out: Path, roots: Sequence[Path]) -> None:
    for root in roots:
        if root.resolve().is_relative_to(out):
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
    if lines[:1] != [_FIRST_LINE]:
        raise UserError(
            f"{out} is not empty and no site of `lsm-eval leaderboard`: name an empty or new folder with --out."
        )
    foreign = sorted(name for name in found - {*lines[1:], MARKER} if Path(name).name not in _LITTER)
    if foreign:
        raise UserError(
            f"{out} holds files that `lsm-eval leaderboard` did not write, such as {foreign[0]}, and building "
            "would remove them: move them away, or name another folder with --out."
        )
