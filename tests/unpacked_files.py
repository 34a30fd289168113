"""Data sets in their source's own files, unpacked for the functions that read them."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path


@cache
def unpacked(folder: Path, into: Path) -> list[Path]:
    """The JSON files of a folder, unpacked into another one."""
    paths = []
    for path in sorted(folder.rglob("*.json.gz")):
        to = into / path.relative_to(folder).with_suffix("")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(gzip.decompress(path.read_bytes()))
        paths.append(to)
    return paths
