"""Where lsm-eval keeps what it can make again: checkpoints it converted, answers, hashes. And paths as users name them."""

from __future__ import annotations

import os
from pathlib import Path

from lsm_eval.errors import UserError


def cache_dir() -> Path:
    """The user's cache folder for lsm-eval; `LSM_EVAL_CACHE` names another one.

    Raises `UserError` where there is no home folder to keep it in (a container's user without one).
    """
    named = os.environ.get("LSM_EVAL_CACHE")
    try:
        if named:
            return Path(named).expanduser().absolute()
        from platformdirs import user_cache_path

        return user_cache_path("lsm-eval", appauthor=False).absolute()
    except (RuntimeError, OSError, KeyError) as error:
        raise UserError(
            f"there is no home folder to keep answers and checkpoints in ({error}): name a folder with LSM_EVAL_CACHE; "
            "a run that fetches nothing also goes without, with --store none."
        ) from error


def cache_file(name: str) -> Path:
    """A file of the cache folder that can be done without; where there is no such folder, a path that is never there
    and cannot be made."""
    try:
        return cache_dir() / name
    except UserError:
        return Path(os.devnull) / name


def expanded(name: str) -> Path:
    """The path with `~` as the home folder; as it stands where there is none."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def is_folder(name: str | Path) -> bool:
    """Whether there is a folder of that name; a name that no file system takes (too long) is none."""
    try:
        return (expanded(name) if isinstance(name, str) else name).is_dir()
    except (OSError, ValueError):
        return False


def is_file(name: str) -> bool:
    """Whether there is a file of that name; a name that no file system takes (too long) is none."""
    try:
        return expanded(name).is_file()
    except (OSError, ValueError):
        return False
