"""The mirror folder: `<org>/<name>/<config>/<split>.parquet`, for sites that cannot reach the hub."""

from __future__ import annotations

import re
from pathlib import Path

from lsm_eval.errors import UserError

_NOT_IN_NAMES = re.compile(r"[/\\\0\n\r]|^[A-Za-z]:")
"""Characters that end a name on some system, and drive letters."""


def mirror_path(hub: str, config: str, split: str) -> Path:
    """The path of a split in every mirror, relative to its root.

    Raises `UserError` for a name that would lead out of the mirror's folder.
    """
    for key, name in (*(("hub", part) for part in hub.split("/")), ("config", config), ("split", split)):
        if not name.strip() or name in (".", "..") or _NOT_IN_NAMES.search(name):
            raise UserError(
                f"`dataset.{key}` {hub if key == 'hub' else name!r} is no plain name and cannot be a folder of a data "
                "mirror: correct it in the task file."
            )
    return Path(*hub.split("/"), config, f"{split}.parquet")


def find_in_mirror(mirror: Path, hub: str, config: str, split: str) -> Path:
    """The file of one split. Raises `UserError` if it is missing, naming what is there instead.

    A run that names a mirror reads nothing else: a site that is cut off from the internet on purpose must never
    start a download.
    """
    if not mirror.is_dir():
        raise UserError(
            f"the data mirror {mirror} is not a folder: check --data-mirror (LSM_EVAL_DATA_MIRROR)."
        )
    path = mirror / mirror_path(hub, config, split)
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): check the names in the task file."
        ) from error
    raise UserError(
        f"the data mirror {mirror} has no {mirror_path(hub, config, split).as_posix()} "
        f"({_instead(mirror, hub, config)}), and with a mirror named the hub is not asked: "
        "add it with `lsm-eval data mirror TASK --to DIR` where there is a network, or leave out --data-mirror "
        "(LSM_EVAL_DATA_MIRROR)."
    )


def _instead(mirror: Path, hub: str, config: str) -> str:
    folder = mirror.joinpath(*hub.split("/"))
    if not folder.is_dir():
        return f"nothing of {hub}"
    splits = sorted(path.stem for path in (folder / config).glob("*.parquet"))
    if splits:
        return f"of {config} it has the splits {', '.join(splits)}"
    configs = sorted(path.name for path in folder.iterdir() if path.is_dir())
    more = f" and {len(configs) - 8} more" if len(configs) > 8 else ""
    return f"of {hub} it has the configs {', '.join(configs[:8]) or 'none'}{more}"
