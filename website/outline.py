"""The site's navigation: the places of the pages of `docs/` (`outline.yaml`), and of those made from folders and code."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

Nav = list[dict[str, Any]]
"""Titles, each with a page or a list of the same form."""
FILE = Path(__file__).with_name("outline.yaml")
FURTHER = "More"
"""The last section, for pages that the outline does not name."""


def navigation(titles: Mapping[str, str], made: Mapping[str, Nav], outline: Path = FILE) -> Nav:
    """All sections of the site.

    `titles`: title of each page that the outline is to place. `made`: what stands in the place of `@NAME` in it. A page that it does
    not name stands under "More"; one that it names and that is not there is a ValueError."""
    left = dict(titles)
    planned = yaml.safe_load(outline.read_text(encoding="utf-8"))
    found = [_section(one, left, made) for one in planned]
    if left:
        found.append({FURTHER: [{name: page} for page, name in left.items()]})
    return found


def _section(entry: Mapping[str, Any], left: dict[str, str], made: Mapping[str, Nav]) -> dict[str, Any]:
    """The section of an entry of the outline; its pages are removed from `left`."""
    ((name, entries),) = entry.items()
    if isinstance(entries, str) and not entries.startswith("@"):
        _take(entries, left)
        return {name: entries}
    parts: Nav = []
    for one in [entries] if isinstance(entries, str) else entries:
        if isinstance(one, dict):
            parts.append(_section(one, left, made))
        elif one.startswith("@"):
            parts += made[one[1:]]
        else:
            parts += _take(one, left)
    return {name: parts}


def _take(pattern: str, left: dict[str, str]) -> Nav:
    """The pages that match a pattern, which are removed from `left`."""
    pages = [page for page in left if fnmatch(page, pattern)]
    if not pages and "*" not in pattern:
        raise ValueError(f"website/outline.yaml names {pattern}, which is not there (or stands there twice)")
    return [{left.pop(page): page} for page in pages]
