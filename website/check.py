"""Checks that the links of a built site work, and that its pages load nothing from other hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src"), ("audio", "src"),
           ("embed", "src"), ("object", "data"), ("input", "src"), ("form", "action")}  # fmt: skip
"""Addresses that a browser fetches by itself, or sends data to."""
_NOT_LOADED = {"canonical", "prev", "next", "alternate", "license", "author", "help"}
"""Kinds of `<link>` that a browser does not fetch."""
_IN_STYLE = re.compile(r"""(?:url\(|@import\s)\s*["']?([^"')\s;]+)""")


@dataclass
class _Page(HTMLParser):
    """A page's anchors, links and loaded files."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    """Links that a reader may follow."""
    loaded: list[str] = field(default_factory=list)
    in_style: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and not _NOT_LOADED & set(given.get("rel", "").split()):
            self.loaded.append(given.get("href", ""))
        self.loaded += [given[name] for kind, name in _LOADED if kind == tag and name in given]
        self.loaded += [one.split()[0] for one in given.get("srcset", "").split(",") if one.strip()]
        self.loaded += _IN_STYLE.findall(given.get("style", ""))
        self.in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.loaded += _IN_STYLE.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False


def problems(folder: Path) -> list[str]:
    """The problems of the site in a folder, one line each."""
    pages = {path: _read(path) for path in sorted(folder.rglob("*.html"))}
    found = [] if pages else [f"{folder}: no page"]
    for path, page in pages.items():
        shown = path.relative_to(folder)
        found += [f"{shown}: leads nowhere: {link}" for link in page.links if not _leads(path, link, pages)]
        found += [f"{shown}: {one}" for one in _foreign(path, page.loaded)]
    for path in sorted(folder.rglob("*.css")):
        loaded = _IN_STYLE.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(folder)}: {one}" for one in _foreign(path, loaded)]
    return found


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def _leads(path: Path, link: str, pages: dict[Path, _Page]) -> bool:
    """Whether a link leads to an existing file and anchor of the site; links to other sites are assumed to work."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    to = to / "index.html" if to.is_dir() else to
    if not to.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or to not in pages or anchor in pages[to].anchors or anchor.startswith("__")


def _foreign(path: Path, loaded: list[str]) -> Iterator[str]:
    """Files that are loaded from other hosts, or do not exist."""
    for address in loaded:
        parts = urlsplit(address)
        if parts.scheme == "data" or address.startswith("#"):
            continue
        if parts.scheme or parts.netloc:
            yield f"asks another host: {address}"
        elif parts.path and not (path.parent / unquote(parts.path)).exists():
            yield f"is not there: {address}"
