"""Tracebacks: written to a log for whoever fixes the fault, and shown to users only if they ask for it."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lsm_eval import __version__
from lsm_eval.errors import CodeFault, UserError
from lsm_eval.secrets import without_secrets

DEBUG = "LSM_EVAL_DEBUG"
"""If this environment variable is set, tracebacks are shown as well."""


def show_if_asked(error: BaseException) -> None:
    """Print the traceback if LSM_EVAL_DEBUG asks for it."""
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        sys.stderr.write(_traceback(error))


def write_log(error: BaseException, command: Sequence[str]) -> str:
    """Writes a log of the error. Returns its path, or what to do if no log can be written.

    It lies in the cache folder, or among temporary files if that folder cannot be written. It holds no secrets.
    """
    moment = datetime.now(UTC)
    text = "\n".join(
        [
            f"lsm-eval {__version__}, Python {platform.python_version()}, {platform.platform()}",
            moment.isoformat(),
            "command: " + " ".join(without_secrets(part) for part in command),
            "",
            _traceback(error),
        ]
    )
    name = f"{moment:%Y%m%dT%H%M%S.%f}-{os.getpid()}.log"
    for folder in (_log_folder(), Path(tempfile.gettempdir()) / "lsm-eval-logs"):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Readable by the user alone: a data set's path or a message may be private.
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError:
            continue
        return str(folder / name)
    return f"no file, as none can be written; {DEBUG}=1 shows it"


def message(error: UserError, command: Sequence[str]) -> str:
    """The error's sentence; if foreign code is at fault, with the path of a log of its traceback."""
    if not isinstance(error, CodeFault):
        return str(error)
    return f"{error} The traceback is in {write_log(error, command)}."


def _log_folder() -> Path | None:
    from lsm_eval.paths import cache_dir

    try:
        return cache_dir() / "logs"
    except UserError:
        return None


def _traceback(error: BaseException) -> str:
    return without_secrets("".join(traceback.format_exception(error)))
