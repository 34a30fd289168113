"""The folder of a site that is being built, and the records that it cannot show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.checking import Checked
from lsm_eval.leaderboard.frame.safe import safe_json
from lsm_eval.leaderboard.options import Options
from lsm_eval.leaderboard.show import clip
from lsm_eval.results.reader import Record, UnreadableRecord


class Site:
    """A site that is being built in an empty folder."""

    def __init__(
        self,
        folder: Path | None,
        options: Options,
        *,
        places: dict[int, str] | None = None,
        left_out: Sequence[tuple[str, str]] = (),
        checked: Checked | None = None,
    ) -> None:
        """`folder`: None writes nothing, to find out whether pages can be made. `places`: by the record's `id()`, its path in the folder of
        records. `left_out`: path and reason of the records that the pages name as missing. `checked`: results of the recount."""
        self._folder = folder
        self._places = places or {}
        self.options = options
        self.left_out = tuple(left_out)
        self.checked = checked
        self.sampled: frozenset[tuple[str, str]] | None = None
        """The models (slugs) and tasks whose samples have pages (`budget`); None: all."""
        self.written: dict[str, None] = {}
        """Paths from the site's root, in the order of writing."""
        self.broken: dict[Path, UnreadableRecord] = {}
        """Records that could not be shown, by folder. If there are any, the site is incomplete."""

    def put(self, path: str, text: str) -> None:
        """Write the page (or other file) at `path`, from the site's root. Raises `OSError`."""
        self.written[path] = None
        if self._folder is None:
            return
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")

    def piece(self, path: str, thing: Any) -> str:
        """Write `thing` (as JSON) as a piece that pages load on demand by `lsm.piece(path)`, also from disk, and return `path`
        (from the site's root, `pieces/x/1.js`)."""
        return self.piece_of(path, safe_json(thing))

    def piece_of(self, path: str, text: str) -> str:
        """Like `piece`, for text that is already JSON (`safe_json`)."""
        self.put(path, f"lsmPiece({safe_json(path)},{text});\n")
        return path

    def place(self, record: Record, path: Path | None = None) -> str:
        """The path of the record, or of one of its files, in the folder of records."""
        place = self._places.get(id(record), record.folder.name)
        if path is None:
            return place
        return f"{place}/{path.relative_to(record.folder).as_posix()}".removeprefix("./")

    def shows(self, slug: str, task: str) -> bool:
        """Whether a model's samples of a task have a page; on large boards only a few do."""
        return self.sampled is None or (slug, task) in self.sampled

    @contextmanager
    def showing(self, record: Record, path: Path | None = None) -> Iterator[None]:
        """Context in which every error is blamed on the record (on its file `path`): it is left out, and the others are shown."""
        try:
            yield
        except MemoryError:
            raise
        except OSError as error:
            if self._folder is not None and _within(error.filename, self._folder):
                raise  # the site's own folder
            self.blame(record, error, path)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with it, others are shown)
            self.blame(record, error, path)

    def blame(self, record: Record, error: Exception, path: Path | None = None) -> None:
        """Leave the record out because of `error`."""
        self.broken.setdefault(record.folder, left_out(record, error, path or record.folder))


def left_out(record: Record, error: Exception, path: Path) -> UnreadableRecord:
    """Describes the record as one that cannot be shown."""
    if isinstance(error, UserError):
        return UnreadableRecord(record.folder, str(error))
    reason = clip(" ".join(str(error).split()), 300)
    return UnreadableRecord(record.folder, f"{path} cannot be shown ({type(error).__name__}: {reason}).")


def _within(name: object, folder: Path) -> bool:
    return isinstance(name, (str, Path)) and Path(name).is_relative_to(folder)
