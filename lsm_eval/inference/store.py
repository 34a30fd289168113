"""The response store: every answered request, as soon as it is there. Cache, dedupe and resume in one.

One SQLite file a model fingerprint, in WAL mode: a batch is one transaction, and a process that is killed
leaves whole batches only. Failures are not kept, so that they are tried again.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from lsm_eval.errors import UserError
from lsm_eval.requests import Answer, dump_answer, load_answer

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    plan TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) WITHOUT ROWID
"""
_LOOKUP = 500  # keys a query; SQLite allows 999 parameters at the least
_BUSY_SECONDS = 60.0


class ResponseStore:
    """Answers by key (`requests.key`), each with the plan (the set of requests) it was computed in."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        """Opens or creates the store of one model in `folder`. Raises `UserError` where that cannot be."""
        self.path = folder / f"{fingerprint[:32]}.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # An absolute path: one that starts with `file:` would be taken for an address.
            self._db = sqlite3.connect(self.path.absolute(), timeout=_BUSY_SECONDS)
            self._db.execute("PRAGMA journal_mode = WAL")
            # A batch survives the death of the process; one lost with the machine is computed again.
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
            self._db.commit()
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
                rows = self._db.execute(f"SELECT key, answer, plan FROM answers WHERE key IN ({marks})", part)
                for key, answer, plan in rows:
                    # What cannot be read is asked again.
                    with contextlib.suppress(ValueError, KeyError, TypeError):
                        found[key] = (load_answer(answer), plan)
        except sqlite3.Error as error:
            raise self._broken(error) from error
        return found

    def put(self, answers: Mapping[str, Answer], plan: str) -> None:
        """Keep a batch: all of it or none. Raises `UserError` where there is no room."""
        rows: Iterable[tuple[str, str, str]] = [(k, plan, dump_answer(a)) for k, a in answers.items()]
        try:
            with self._db:
                self._db.executemany(
                    "INSERT OR REPLACE INTO answers (key, plan, answer) VALUES (?, ?, ?)", rows
                )
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> ResponseStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _broken(self, error: sqlite3.Error) -> UserError:
        text = str(error)
        if "disk is full" in text or "disk I/O" in text:
            return UserError(
                f"no room to write the response store {self.path} ({text}): free some disk space and run the "
                "same command again; everything answered before is kept."
            )
        if "not a database" in text or "malformed" in text:
            return UserError(
                f"the response store {self.path} is damaged ({text}): remove that file and run again."
            )
        return UserError(f"the response store {self.path} cannot be used ({text}): {_ELSEWHERE}")


_ELSEWHERE = "name a folder that can be written with --store DIR, or --store none to keep nothing."
