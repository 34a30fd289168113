"""Code of other hub repositories that a checkpoint refers to, which `--trust-remote-code` runs, too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_NAMING = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json",
           "generation_config.json")  # fmt: skip
_MARK = "--"  # as in ORG/NAME--file.Class


def borrowed_code(folders: Sequence[Path]) -> dict[str, str]:
    """SHA-256 (hex) over the Python files of each repository that an `auto_map` in `folders` names, by its id: of the files in
    the hub's cache, which transformers uses; an empty text if they are not there."""
    return {name: _digest(name, files) for name, files in sorted(_named(folders).items())}


def _named(folders: Sequence[Path]) -> dict[str, set[str]]:
    """Files that hold the classes, by repository."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for name in _NAMING:
            try:
                content = json.loads((folder / name).read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError):
                continue  # reported where the file is used
            for text in _texts(content.get("auto_map") if isinstance(content, dict) else None):
                repository, mark, rest = text.partition(_MARK)
                if mark:
                    found.setdefault(repository, set()).add(rest.partition(".")[0] + ".py")
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _digest(repository: str, files: set[str]) -> str:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        places = [try_to_load_from_cache(repository, name) for name in files]
    except HFValidationError:
        return ""
    # All files of the snapshot, as these may import others.
    code = {path for place in places if isinstance(place, str) for path in Path(place).parent.glob("*.py")}
    total = hashlib.sha256()
    for path in sorted(code):
        total.update(
            f"{path.name}\0".encode("utf-8", "surrogateescape") + hashlib.sha256(path.read_bytes()).digest()
        )
    return total.hexdigest() if code else ""
