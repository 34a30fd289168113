"""The cache folder, which holds what can be made again (converted checkpoints, answers, hashes), and paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

from lsm_eval.errors import UserError


def cache_dir() -> Path:
    """The user's cache folder for lsm-eval, or the one that `LSM_EVAL_CACHE` names.

    Raises `UserError` if the user has no home folder (in some containers).
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
            "a run that fetches nothing needs none with --store none."
        ) from error


def cache_file(name: str) -> Path:
    """An optional file in the cache folder; if there is no such folder, a path that does not exist and cannot be created."""
    try:
        return cache_dir() / name
    except UserError:
        return Path(os.devnull) / name


def expanded(name: str) -> Path:
    """The path with `~` replaced by the home folder; unchanged if there is none."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def is_folder(name: str | Path) -> bool:
    """Whether there is a folder of that name; False for a name that no file system takes (too long)."""
    try:
        return (expanded(name) if isinstance(name, str) else name).is_dir()
    except (OSError, ValueError):
        return False


def is_file(name: str) -> bool:
    """Whether there is a file of that name; False for a name that no file system takes (too long)."""
    try:
        return expanded(name).is_file()
    except (OSError, ValueError):
        return False
