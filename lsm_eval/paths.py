"""Where lsm-eval keeps what it can make again: checkpoints it converted, answers, hashes."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """The user's cache folder for lsm-eval; `LSM_EVAL_CACHE` names another one."""
    named = os.environ.get("LSM_EVAL_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("lsm-eval", appauthor=False)
