"""A GGUF file as `--model FILE.gguf`: converted once to a checkpoint folder in the cache, and run by transformers."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.models.file_hashes import FileHashes
from lsm_eval.paths import cache_dir, cache_file

_LAYOUT = 1
"""Raised if the folder's content changes."""
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def one_file(folder: Path) -> Path | None:
    """The GGUF file in a folder without a transformers checkpoint; None if there is none. Raises `UserError` if there are
    several."""
    if (folder / "config.json").is_file() or (folder / "adapter_config.json").is_file():
        return None
    files = sorted(path for path in folder.glob("*.gguf") if path.is_file())
    if len(files) > 1:
        names = ", ".join(path.name for path in files[:5]) + (", …" if len(files) > 5 else "")
        raise UserError(f"{folder}: holds {len(files)} GGUF files: name one of them ({names}).")
    return files[0] if files else None


def converted(gguf: Path, say: Callable[[str], None]) -> Path:
    """The folder, in the user's cache, of the float32 checkpoint that `gguf` is converted to.

    It is named after the file's content, and built in a temporary folder beside its final place, so that an existing one is
    complete. Raises `UserError` if the file cannot be converted, with the advice to use llama.cpp.
    """
    from filelock import FileLock

    hashes = FileHashes(cache_file("weight-hashes.json"))
    name = f"{hashes.of(gguf)[:32]}-v{_LAYOUT}"
    hashes.keep()
    root = cache_dir() / "gguf"
    folder = root / name
    if folder.is_dir():
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{name}.lock"):
            if not folder.is_dir():
                for leftover in root.glob(f".{name}.*.tmp"):
                    shutil.rmtree(leftover, ignore_errors=True)
                say(f"{gguf.name}: converting to float32 in {root}, once")
                _convert(gguf, folder, say)
    except OSError as error:
        room = "has too little space" if error.errno in _NO_SPACE else f"cannot be written ({error.strerror})"
        raise UserError(
            f"{gguf}: the cache folder {root} {room}: set LSM_EVAL_CACHE to another folder, or run the file as it is with "
            f"--model llama.cpp:{gguf}."
        ) from error
    return folder


def _convert(gguf: Path, folder: Path, say: Callable[[str], None]) -> None:
    from lsm_eval.models.gguf_checkpoint import convert

    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        convert(gguf, work, say)
        work.rename(folder)
    except UserError as error:
        why = (
            str(error)
            .rstrip(".")
            .replace("; delete it and fetch it again", "")
            .replace("; use another file", "")
        )
        raise UserError(f"{why}: let llama.cpp run it with --model llama.cpp:{gguf}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
