"""Checks of names in task files that become names of files, folders or columns."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
"""Characters of a task's name; to be matched whole."""

LONGEST = 100
"""Characters of a name, at most."""

_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
_HUB_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NO_FILE_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


def checked_name(name: str) -> str:
    """`name`, if it can name a task or a suite, and its files on every system. Raises ValueError otherwise."""
    if not NAME.fullmatch(name):
        raise ValueError(
            "a name has lower-case letters, digits, and _ . - only, and starts with a letter or digit"
        )
    if not name[-1].isalnum():
        raise ValueError("a name ends in a letter or digit, so that no two of them share a file")
    if len(name) > LONGEST:
        raise ValueError(f"a name has {LONGEST} characters at most")
    if name.partition(".")[0] in _RESERVED:
        raise ValueError(f"no file can be called {name!r} on some systems; take another name")
    return name


def checked_hub(hub: str) -> str:
    """`hub`, if it is `org/name` or `name`. Raises ValueError otherwise."""
    parts = hub.split("/")
    if len(parts) > 2 or not all(_HUB_PART.fullmatch(part) and ".." not in part for part in parts):
        raise ValueError("a hub id reads org/name")
    return hub


def checked_part(name: str, what: str) -> str:
    """The name of a config or a split, if a file can have it. Raises ValueError otherwise."""
    if not name.strip() or name.strip() in (".", "..") or _NO_FILE_NAME.search(name) or len(name) > 200:
        raise ValueError(f"{name!r} is no name of a {what}: it becomes a file or folder of that name")
    return name


def checked_beside(path: str, *, up: bool = False) -> str:
    """A path relative to the task file, `..` only with `up`. Raises ValueError for any other."""
    parts = re.split(r"[/\\]", path)
    if "\0" in path or not path.strip():
        raise ValueError("name a file")
    if path.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:", path) or (".." in parts and not up):
        raise ValueError(f"{path} is not beneath the folder of the task file: put the file there")
    return path


def checked_label(name: str) -> str:
    """A metric's own name (option `name`), which heads a column. Raises ValueError if it cannot."""
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST:
        raise ValueError(f"a metric's name is one line of {LONGEST} characters at most, not {name!r}")
    return name
