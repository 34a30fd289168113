"""The folder of the benchmarks that come with lsm-eval, and the module names of their code."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

PACKAGE = "lsm_eval.benchmarks"
"""The package whose subpackages are the folders of `packaged_tasks`."""


def packaged_tasks() -> Path:
    """Folder of the tasks that come with lsm-eval, in the wheel or in the checkout."""
    inside = Path(__file__).resolve().parent.parent / "_tasks"
    return inside if inside.is_dir() else inside.parent.parent / "tasks"


def module_name(file: Path) -> str | None:
    """The module name of a Python file that comes with lsm-eval, the same in a checkout and in a wheel; None for any
    other file."""
    if not comes_with_us(file):
        return None
    folder = file.parent.resolve().relative_to(_root())
    return ".".join((PACKAGE, *folder.parts, file.stem))


def comes_with_us(file: Path) -> bool:
    """Whether a file is in a folder that comes with lsm-eval, so that its neighbours come with it too. Not for a link in
    another folder."""
    return file.parent.resolve().is_relative_to(_root())


@lru_cache(maxsize=1)
def _root() -> Path:
    return packaged_tasks().resolve()
