"""How much of its limit a command has used, kept on disk, so that the limit holds over runs that are stopped or killed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lsm_eval.errors import UserError

_FILE = "spent.sqlite"
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS spent (command TEXT PRIMARY KEY, picodollars TEXT NOT NULL) WITHOUT ROWID"
)
_BUSY_SECONDS = 60.0


class Ledger:
    """The amount that one command has used, in picodollars; several processes may run the same command."""

    def __init__(self, folder: Path | None, command: str) -> None:
        """`folder`: that of the response store; with None nothing is kept. Raises `UserError` if it cannot be created."""
        self._command = command
        self._place = "memory" if folder is None else str(folder / _FILE)
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            place = ":memory:" if folder is None else (folder / _FILE).absolute()
            # Requests before a run are paid for from their own thread, while the run's thread waits.
            self._db = sqlite3.connect(
                place, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise self._broken(error) from error

    @property
    def taken(self) -> int:
        """The amount so far."""
        try:
            row = self._db.execute(
                "SELECT picodollars FROM spent WHERE command = ?", (self._command,)
            ).fetchone()
            return int(row[0]) if row else 0
        except (sqlite3.Error, ValueError) as error:
            raise self._broken(error) from error

    def take(self, least: int, wanted: int, limit: int) -> int:
        """Take `wanted`, or what is left of `limit` if that is at least `least`. Returns the amount taken, or 0."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                before = self.taken
                found = min(wanted, limit - before)
                if found < least:
                    return 0
                self._write(before + found)
                return found
            finally:
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def add(self, amount: int) -> None:
        """Add what was spent beyond what was taken; a negative amount gives back what was not spent."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._write(self.taken + amount)
            finally:
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _write(self, amount: int) -> None:
        self._db.execute(
            "INSERT INTO spent VALUES (?, ?) ON CONFLICT (command) DO UPDATE SET picodollars = excluded.picodollars",
            (self._command, str(amount)),
        )

    def _broken(self, error: Exception) -> UserError:
        return UserError(
            f"what was spent cannot be kept in {self._place} ({error}): free room or check its rights, or name another --store."
        )
