"""A checkpoint's identity: SHA-256 over every file that affects its answers."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.models.file_hashes import FileHashes
from lsm_eval.models.weight_files import weight_files

UNREAD_FOLDERS = ("__pycache__", "checkpoint-[0-9]*", "global_step[0-9]*", "runs", "logs", "wandb", "original", "onnx",
                  "openvino", "coreml")  # fmt: skip
"""Patterns of folders that are not read, in addition to those whose name begins with a dot."""

UNREAD_FILES = (
    # words about the model
    "*.md", "*.rst", "*.pdf", "readme*", "license*", "licence*", "notice*", "copying*", "authors*", "citation*",
    "changelog*", "use_policy*", "acceptable_use*",
    # pictures, sound, data
    "*.png", "*.jpg", "*.jpeg", "*.gif", "*.svg", "*.webp", "*.ico", "*.mp3", "*.mp4", "*.wav", "*.flac",
    "*.parquet", "*.arrow", "*.tar", "*.tar.gz", "*.zip", "*.zst",
    # what training leaves
    "trainer_state.json", "training_args.*", "*_results.json", "optimizer*.pt", "optimizer*.bin", "scheduler*.pt",
    "scheduler*.bin", "rng_state*", "*.log", "events.out.*", "*.distcp", "latest",
    # weights for other programs
    "*.gguf", "*.ggml", "ggml-*.bin", "*.onnx", "*.onnx_data", "*.onnx.data", "*.h5", "*.msgpack", "*.tflite", "*.ot",
    "*.mlmodel", "*.pdparams", "*.nemo", "*.llamafile", "consolidated*", "flax_model*", "tf_model*", "rust_model*",
    # of editors, systems, and of lsm-eval itself
    "*~", "*.swp", "*.swo", "*.bak", "*.orig", "*.rej", "*.tmp", "*.lock", "*.pyc", "#*#", "thumbs.db", "desktop.ini",
    "lsm_eval.json",
)  # fmt: skip
"""Patterns (of names in lower case) of files that are known not to affect answers, in addition to those whose name begins
with a dot. All other files count."""

TENSORS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.ckpt")
"""Files of weights, of which transformers reads only one set (`weight_files`)."""
_OTHER_SETS = ("model*.safetensors", "pytorch_model*.bin", "adapter_model*.safetensors", "adapter_model*.bin")
"""Files of other sets of weights, if the checkpoint's own code may read further files."""
ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
"""An adapter's weights; the first existing file is read."""


def files_digest(folder: Path, cache: Path, *, code: bool, adapter: bool = False) -> str:
    """SHA-256 (hex) over names and contents of all files in `folder` that affect answers.

    `code`: whether the checkpoint's own Python files are run, which may then read other files of weights, too.
    `adapter`: the folder is a PEFT adapter. Hashes of large files are cached in `cache` (`FileHashes`). Raises `UserError` for
    a file or folder that cannot be read.
    """
    hashes = FileHashes(cache)
    total = hashlib.sha256()
    for name, path in counted_files(folder, code=code, adapter=adapter):
        total.update(f"{name}\0{hashes.of(path)}\n".encode("utf-8", "surrogateescape"))
    hashes.keep()
    return total.hexdigest()


def counted_files(folder: Path, *, code: bool, adapter: bool = False) -> list[tuple[str, Path]]:
    """Files that affect answers, with their path relative to `folder` (with /), sorted; see `files_digest`."""
    names = adapter_weights(folder)[:1] if adapter else weight_files(folder)
    found = {name: folder / name for name in names if (folder / name).is_file()}
    for name, path in _walk(folder):
        if name in found or not _counts(path.name.lower(), code=code):
            continue
        if path.is_symlink() and not path.exists():
            raise UserError(f"{path}: is a link that leads nowhere; fetch the checkpoint again.")
        if path.is_file():
            found[name] = path
    return sorted(found.items())


def adapter_weights(folder: Path) -> list[str]:
    """Names of the files that hold an adapter's weights, the one that is read first."""
    return [name for name in ADAPTER_WEIGHTS if (folder / name).is_file()]


def unread_patterns(*, code: bool, weights: bool) -> list[str]:
    """Patterns of paths in a hub repository that need not be fetched, as they do not count, or are weights; the set of
    weights that is read is fetched separately. `weights`: weights are wanted."""
    files = [
        *UNREAD_FILES,
        *(_OTHER_SETS if code and weights else TENSORS),
        *([] if code else ["*.py"]),
        ".*",
    ]
    folders = [f"{name}/*" for name in (*UNREAD_FOLDERS, ".*")]
    written = [form for name in UNREAD_FILES for form in (name.upper(), name.capitalize())]
    return [pattern for name in (*files, *written, *folders) for pattern in (name, f"*/{name}")]


def _counts(name: str, *, code: bool) -> bool:
    if name.startswith(".") or (name.endswith(".py") and not code):
        return False
    if name.endswith(".index.json"):
        return False  # the index that is read is counted with the weights
    return name.endswith((".py", ".jinja")) or not (
        _UNREAD.fullmatch(name) or _unread_tensors(code).fullmatch(name)
    )


def _unread_tensors(code: bool) -> re.Pattern[str]:
    return _OTHERS if code else _ALL_TENSORS


def _walk(folder: Path) -> list[tuple[str, Path]]:
    """Files below `folder`, following links to folders (except those that lead back up), each folder once."""
    found: list[tuple[str, Path]] = []
    seen = {*folder.resolve().parents}

    def fail(error: OSError) -> None:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror}).") from error

    for root, folders, files in os.walk(folder, onerror=fail, followlinks=True):
        here = Path(root)
        seen.add(here.resolve())
        folders[:] = [
            name
            for name in sorted(folders)
            if not name.startswith(".")
            and not _UNREAD_FOLDERS.fullmatch(name.lower())
            and (here / name).resolve() not in seen
        ]
        found += [((here / name).relative_to(folder).as_posix(), here / name) for name in files]
    return found


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))


_UNREAD = _any_of(UNREAD_FILES)
_UNREAD_FOLDERS = _any_of(UNREAD_FOLDERS)
_ALL_TENSORS = _any_of(TENSORS)
_OTHERS = _any_of(_OTHER_SETS)
