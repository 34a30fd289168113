"""Data sets from outside the hub: files in their source's own format, from a folder or by download.

If a folder is named (`--data-files`), nothing is downloaded. Unpacked and downloaded files are cached under their
hash, so that each is fetched once and can be trusted.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import urllib.request
import zlib
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from lsm_eval.errors import UserError
from lsm_eval.paths import cache_dir

if TYPE_CHECKING:
    from lsm_eval.data.options import DataOptions
    from lsm_eval.data.schema import SourceFile

TIMEOUT = 30.0
"""Seconds to wait for a server's first answer."""

LARGEST = 512 * 2**20
"""Most bytes of one file; no benchmark's text is larger."""


def locate(files: Sequence[SourceFile], options: DataOptions) -> list[Path]:
    """Returns the unpacked files, in order, each checked against its hash.

    Raises `UserError` for one that is missing, differs from its hash (unless `options.allow_drift`), or cannot be
    downloaded.
    """
    return [_locate(file, options) for file in files]


def _locate(file: SourceFile, options: DataOptions) -> Path:
    # The name's ending tells how to read the file, so the cached copy keeps it.
    kept = cache_dir() / "files" / file.sha256 / Path(file.name).name
    if options.files is None:
        if kept.is_file():
            return kept
        content = _download(file, options)
    else:
        plain = options.files / file.name
        packed = plain.with_name(plain.name + ".gz")
        path = plain if plain.is_file() else packed
        if not path.is_file():
            if kept.is_file():
                return kept
            raise UserError(
                f"the folder of data files {options.files} has no {file.name}, and with a folder named nothing is "
                "downloaded: add it, or leave out --data-files (LSM_EVAL_DATA_FILES)."
            )
        content = _unpacked(path)
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        if not options.allow_drift:
            raise UserError(
                f"{file.name} has other content than the task file pins: sha256 {found} instead of {file.sha256}; "
                "take the pinned version, or go on by --allow-drift (its numbers will not be comparable)."
            )
        kept = cache_dir() / "files" / found / Path(file.name).name
    if not kept.is_file():
        _write(kept, content)
    return kept


def _unpacked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({error}): fetch it again.") from error


def _download(file: SourceFile, options: DataOptions) -> bytes:
    hint = "name a folder that has it with --data-files DIR (LSM_EVAL_DATA_FILES)"
    if options.offline:
        raise UserError(f"{file.name} is not in the cache and --offline forbids to download it: {hint}.")
    if file.url is None:
        raise UserError(f"{file.name} has no address to download it from: {hint}.")
    try:
        with urllib.request.urlopen(file.url, timeout=TIMEOUT) as answer:
            content: bytes = answer.read(LARGEST + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise UserError(f"{file.url} cannot be downloaded ({error}): try again, or {hint}.") from error
    if len(content) > LARGEST:
        raise UserError(
            f"{file.url} holds more than {LARGEST // 2**20} MiB: it is not the file that was meant."
        )
    try:
        return gzip.decompress(content) if file.url.endswith(".gz") else content
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file.url} is no whole gzip file ({error}): try again, or {hint}.") from error


def _write(path: Path, content: bytes) -> None:
    """Writes all of the file or nothing, even if other processes write the same file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
            try:
                part.write(content)
                part.flush()
                Path(part.name).replace(path)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): make room, or name another cache with LSM_EVAL_CACHE."
        ) from error
