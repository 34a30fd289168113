"""Writes files of an export, each completely or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.json_text import finite
from lsm_eval.well_formed import all_well_formed, well_formed

_BREAKS = re.compile("[\x85\u2028\u2029]")


def write_text(path: Path, parts: Iterable[str]) -> str:
    """Write a text file, part by part, replacing an existing one; returns its SHA-256.

    Raises `UserError` if it cannot be written, and leaves nothing behind.
    """
    digest = hashlib.sha256()
    made: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
        made = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                encoded = well_formed(part).encode()
                digest.update(encoded)
                file.write(encoded)
        made.chmod(0o644)  # it was made private, but exports are meant to be shared
        made.replace(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path} cannot be written ({why}): name another place with --out.") from error
    finally:
        if made is not None:
            with suppress(OSError):
                made.unlink()
    return digest.hexdigest()


def json_file(content: Any) -> str:
    """`content` as JSON text, null for numbers that JSON does not have."""
    return _json(content, indent=1) + "\n"


def json_line(row: Any) -> str:
    """A row of JSON Lines. Characters that readers may take for a line end (U+0085, U+2028, U+2029) are escaped."""
    return _json(row) + "\n"


def _json(content: Any, indent: int | None = None) -> str:
    text = json.dumps(finite(all_well_formed(content)), ensure_ascii=False, allow_nan=False, indent=indent)
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def check_folder(out: Path) -> None:
    """Raise `UserError` if `out` exists and is not a folder."""
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is no folder, and this format writes several files: name a folder.")


def check_file(out: Path) -> None:
    """Raise `UserError` if `out` is a folder."""
    if out.is_dir():
        raise UserError(f"--out {out} is a folder, and this format writes one file: name a file.")
