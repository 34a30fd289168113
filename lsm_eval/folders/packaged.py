"""Where the benchmarks that come with lsm-eval lie, and under which names their code is imported."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

PACKAGE = "lsm_eval.benchmarks"
"""The package whose parts are the folders of `packaged_tasks`."""


def packaged_tasks() -> Path:
    """Folder of the tasks that come with lsm-eval: inside the wheel, or the checkout's own."""
    inside = Path(__file__).resolve().parent.parent / "_tasks"
    return inside if inside.is_dir() else inside.parent.parent / "tasks"


def module_name(file: Path) -> str | None:
    """The name by which a Python file that comes with lsm-eval is imported, the same in a checkout and in a wheel; None
    for any other file."""
    if not comes_with_us(file):
        return None
    folder = file.parent.resolve().relative_to(_root())
    return ".".join((PACKAGE, *folder.parts, file.stem))


def comes_with_us(file: Path) -> bool:
    """Whether a file stands in a folder that came with lsm-eval, so that its neighbours did, too. A link to one elsewhere does
    not."""
    return file.parent.resolve().is_relative_to(_root())


@lru_cache(maxsize=1)
def _root() -> Path:
    return packaged_tasks().resolve()
