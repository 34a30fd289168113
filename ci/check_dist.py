"""Builds the sdist, and the wheel from it, and checks both: metadata, readme, contents and sizes.

python ci/check_dist.py                          # writes dist/
python ci/check_dist.py --out DIR --tag v0.1.0   # the tag has to name the version

Needs build, hatchling and twine, and no network.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST = {".whl": 3_000_000, ".gz": 6_000_000}
"""Bytes of each, at most: what grows beyond has something in it that does not belong there."""
_NOT_SHIPPED = ("reports/", "leaderboard/", "build/", "dist/", ".venv")
_NO_FILE = ("__pycache__", ".pyc")


def build(out: Path) -> tuple[Path, Path]:
    """The sdist and the wheel that is made of it, in a folder that is made anew."""
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


def files_of(distribution: Path) -> list[str]:
    """The files in an sdist, without its own folder, or in a wheel."""
    if distribution.suffix == ".whl":
        with zipfile.ZipFile(distribution) as archive:
            return [name for name in archive.namelist() if not name.endswith("/")]
    with tarfile.open(distribution) as archive:
        return [one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()]


def wanted(folder: str, within: str) -> set[str]:
    """The files of a folder of the checkout, as they are called in a wheel that has it under another name."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {
        f"{within}/{path.relative_to(ROOT / folder).as_posix()}"
        for path in found
        if not any(mark in path.as_posix() for mark in _NO_FILE)
    }


def problems(sdist: Path, wheel: Path, tag: str | None = None) -> Iterator[str]:
    """What is wrong with them, a line each."""
    in_sdist, in_wheel = set(files_of(sdist)), set(files_of(wheel))
    should = wanted("lsm_eval", "lsm_eval") | wanted("tasks", "lsm_eval/_tasks")
    yield from (f"the wheel lacks {name}" for name in sorted(should - in_wheel))
    about = re.compile(r"[\w.-]+\.dist-info/")
    yield from (f"the wheel has {name}" for name in sorted(in_wheel - should) if not about.match(name))
    needed = {
        "LICENSE",
        "NOTICE",
        "README.md",
        "CHANGELOG.md",
        "pyproject.toml",
        "hatch_build.py",
        "lsm_eval/py.typed",
    }
    yield from (f"the sdist lacks {name}" for name in sorted(needed - in_sdist))
    for name in sorted(in_sdist | in_wheel):
        if name.startswith(_NOT_SHIPPED) or any(mark in name for mark in _NO_FILE):
            yield f"{name} is shipped"
    for one in (sdist, wheel):
        if one.stat().st_size > LARGEST[one.suffix]:
            yield f"{one.name} has {one.stat().st_size:,} bytes, more than {LARGEST[one.suffix]:,}"
    version = wheel.name.split("-")[1]
    if tag is not None and tag != f"v{version}":
        yield f"the tag {tag} does not name the version {version} (lsm_eval/__init__.py)"
    yield from _of_twine([sdist, wheel])


def _of_twine(distributions: Sequence[Path]) -> Iterator[str]:
    """What twine finds wrong with metadata and readme; a warning counts."""
    done = subprocess.run(
        [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *map(str, distributions)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        yield done.stdout + done.stderr


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="check_dist.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder that is made anew")
    parser.add_argument("--tag", help="the release's tag, which has to be v and the version")
    options = parser.parse_args()
    sdist, wheel = build(options.out)
    found = list(problems(sdist, wheel, options.tag))
    for line in found:
        sys.stderr.write(f"{line}\n")
    for one in (sdist, wheel):
        sys.stdout.write(f"{one.name}: {one.stat().st_size:,} bytes, {len(files_of(one)):,} files\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
