"""The response store, which keeps every answer as soon as it arrives: for caching, deduplication and resuming.

There is one SQLite file for a model and the versions that run it, in WAL mode: a batch is one transaction, and a process
that is killed leaves only complete batches. Failures are not kept, so that they are tried again. Each row has a checksum;
a damaged row counts as missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol

from lsm_eval.errors import UserError
from lsm_eval.inference.store_lock import locked
from lsm_eval.request_json import dump_answer, load_answer
from lsm_eval.requests import Answer

_LOG = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    plan TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    checksum TEXT
) WITHOUT ROWID
"""
_ABOUT = "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
"""A description of the file for people (`inference.stores`); no answer depends on it."""
_LOOKUP = 500  # keys per query; SQLite allows at least 999 parameters
_BUSY_SECONDS = 60.0


class AnswerStore(Protocol):
    """Where answers are looked up and stored."""

    def get(self, keys: Sequence[str]) -> dict[str, tuple[Answer, str]]:
        """See `ResponseStore.get`."""
        ...

    def put(self, answers: Mapping[str, Answer], plan: str) -> None:
        """See `ResponseStore.put`."""
        ...


class ResponseStore:
    """Answers by key (`request_json.store_key`), each with the plan (the set of requests) it was computed in."""

    def __init__(self, folder: Path, stored_as: str, about: Mapping[str, str] | None = None) -> None:
        """Opens or creates the file in `folder` for `stored_as` (a hash). `about` describes it for people. Raises `UserError`
        if it cannot be used."""
        self.path = folder / f"{stored_as[:32]}.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = locked(self.path)
            # An absolute path: one that starts with `file:` would be taken for an address.
            self._db = sqlite3.connect(self.path.absolute(), timeout=_BUSY_SECONDS)
            self._db.execute("PRAGMA journal_mode = WAL")
            # A batch survives the death of the process; one lost with the machine is computed again.
            self._db.execute("PRAGMA synchronous = NORMAL")
            # A text that is not UTF-8 is damage of one row, not of the file.
            self._db.text_factory = lambda content: content.decode("utf-8", "replace")
            self._db.execute(_SCHEMA)
            self._add_checksums()
            self._db.commit()
            self._say(about or {})
            _LOG.info("answers are kept in %s", self.path)
        except OSError as error:
            raise UserError(
                f"the response store {folder} cannot be made ({error.strerror}): {_ELSEWHERE}"
            ) from error
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def get(self, keys: Sequence[str]) -> dict[str, tuple[Answer, str]]:
        """Those of `keys` that are answered, with the plan each was computed in."""
        found: dict[str, tuple[Answer, str]] = {}
        try:
            for start in range(0, len(keys), _LOOKUP):
                part = keys[start : start + _LOOKUP]
                marks = ",".join("?" * len(part))
                rows = self._db.execute(
                    f"SELECT key, plan, answer, checksum FROM answers WHERE key IN ({marks})", part
                )
                for key, plan, answer, checksum in rows:
                    # A damaged answer is requested again.
                    if checksum != _checksum(key, plan, answer):
                        continue
                    with contextlib.suppress(ValueError, KeyError, TypeError):
                        found[key] = (load_answer(answer), plan)
        except sqlite3.Error as error:
            raise self._broken(error) from error
        return found

    def put(self, answers: Mapping[str, Answer], plan: str) -> None:
        """Store a batch: all of it or none. Raises `UserError` if it cannot be written."""
        texts = {key: dump_answer(answer) for key, answer in answers.items()}
        rows = [(key, plan, text, _checksum(key, plan, text)) for key, text in texts.items()]
        try:
            with self._db:
                self._db.executemany(
                    "INSERT OR REPLACE INTO answers (key, plan, answer, checksum) VALUES (?, ?, ?, ?)", rows
                )
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> ResponseStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _say(self, about: Mapping[str, str]) -> None:
        """Write the description and the time of use, if possible: a store that cannot be written to can still be read."""
        rows = [*about.items(), ("used", datetime.now(UTC).isoformat(timespec="seconds"))]
        with contextlib.suppress(sqlite3.OperationalError), self._db:
            self._db.execute(_ABOUT)
            self._db.executemany("INSERT OR REPLACE INTO about (name, value) VALUES (?, ?)", rows)

    def _add_checksums(self) -> None:
        """Add the column to an older file's table; answers without a checksum are requested again."""
        columns = [row[1] for row in self._db.execute("PRAGMA table_info(answers)")]
        if "checksum" not in columns:
            try:
                self._db.execute("ALTER TABLE answers ADD COLUMN checksum TEXT")
            except sqlite3.OperationalError as error:
                if "duplicate column" not in str(error):  # another process has added it
                    raise

    def _broken(self, error: sqlite3.Error) -> UserError:
        text = str(error)
        if "disk is full" in text or "disk I/O" in text:
            return UserError(
                f"no room to write the response store {self.path} ({text}): free some disk space and run the "
                "same command again; everything answered before is kept."
            )
        if any(words in text for words in ("not a database", "malformed", "no such column", "has no column")):
            return UserError(
                f"the response store {self.path} is damaged ({text}): remove that file and run again."
            )
        return UserError(f"the response store {self.path} cannot be used ({text}): {_ELSEWHERE}")


def _checksum(key: object, plan: object, answer: object) -> str:
    """SHA-256 (hex) of a row, whatever its values have become."""
    content = "\0".join(f"{type(value).__name__}:{value}" for value in (key, plan, answer))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


_ELSEWHERE = "name a folder that can be written with --store DIR, or --store none to keep nothing."
