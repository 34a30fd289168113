"""Output that never fails: characters that a console cannot show are escaped, and a closed pipe is not an error."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TextIO

from lsm_eval.errors import UserError


def prepare_streams() -> None:
    """Make stdin, stdout and stderr of this process safe to use, even if they are closed.

    Streams that replace them (in a test or a notebook) are left unchanged.
    """
    _open_closed()
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (it lives as long as the process)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        sys.stdout = _patient(sys.stdout, must_arrive=True)
    if sys.stderr is sys.__stderr__ and sys.stderr is not None:
        sys.stderr = _patient(sys.stderr, must_arrive=False)


def one_line(text: str, limit: int = 1500) -> str:
    """The text in one line, with invisible characters (line breaks, control characters) escaped, and the middle of a very long
    text left out."""
    shown = escaped(text)
    half = limit // 2
    return shown if len(shown) <= limit else f"{shown[:half]} … {shown[-half:]}"


def escaped(text: str) -> str:
    """The whole text in one line, with invisible characters escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class _Descriptor(io.FileIO):
    """Writes bytes to a file descriptor; once its reader has closed it, they are dropped."""

    def __init__(self, descriptor: int, *, must_arrive: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._must_arrive = must_arrive

    def write(self, data: bytes) -> int | None:  # type: ignore[override]  # FileIO takes any buffer, and so do we
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)
        except OSError as error:
            if not self._must_arrive:
                return len(data)
            self._must_arrive = False  # it is said once
            raise UserError(
                f"the output cannot be written ({error.strerror}): send it to another place."
            ) from error


def _patient(stream: TextIO, *, must_arrive: bool) -> TextIO:
    """The same stream, which escapes what its encoding lacks."""
    try:
        descriptor = stream.fileno()
        stream.flush()
    except (OSError, ValueError):
        return stream
    if os.name != "posix" and stream.isatty():
        # The console of Windows is no file; it takes all of Unicode.
        return stream
    raw = _Descriptor(descriptor, must_arrive=must_arrive)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),  # type: ignore[type-var]  # because of its `write`
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.isatty() or not must_arrive,
    )


def _open_closed() -> None:
    """Open closed ones among the first three descriptors, since the next opened file would get their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
