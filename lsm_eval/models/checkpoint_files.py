"""A checkpoint's identity: SHA-256 over what is in its files, remembered while the files stay as they are."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import tempfile
from pathlib import Path

from lsm_eval.errors import UserError

_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth")
_TEXT = ("config.json", "tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt",
         "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
         "chat_template.json", "adapter_config.json")  # fmt: skip


def files_digest(folder: Path, cache: Path) -> str:
    """SHA-256 (hex) over names and contents of the weights, configuration and tokenizer in `folder`.

    Hashing 16 GB takes a quarter of a minute, so each file's hash is kept in `cache` under its path, size,
    time of change and inode.
    """
    names = sorted(
        path.name for path in folder.iterdir() if path.name in _TEXT or path.name.endswith(_WEIGHTS)
    )
    known = _read(cache)
    total = hashlib.sha256()
    fresh = dict(known)
    for name in names:
        path = folder / name
        try:
            stat = path.stat()
            mark = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}"
            digest = known.get(mark)
            if digest is None:
                with path.open("rb") as file:
                    digest = fresh[mark] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
        total.update(f"{name}\0{digest}\n".encode())
    if fresh != known:
        _write(cache, fresh)
    return total.hexdigest()


def stored_parameters(folder: Path) -> int | None:
    """Number of weights in the safetensors files of `folder`, from their headers; None where it has none.

    Tied weights are stored, and count, once.
    """
    from safetensors import SafetensorError, safe_open

    files = sorted(folder.glob("*.safetensors"))
    total = 0
    for path in files:
        try:
            with safe_open(path, framework="numpy") as file:
                names = file.keys()
                total += sum(math.prod(file.get_slice(name).get_shape()) for name in names)
        except (SafetensorError, OSError):
            return None  # loading the weights will say what is wrong with them
    return total if files else None


def _read(cache: Path) -> dict[str, str]:
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {}


def _write(cache: Path, known: dict[str, str]) -> None:
    """Keep the hashes; where that cannot be done, they are computed again next time."""
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache.parent, prefix=cache.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(known, file)
            Path(name).replace(cache)
        finally:
            Path(name).unlink(missing_ok=True)
