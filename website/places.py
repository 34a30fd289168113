"""The places of the repository's files on the site, and links between them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = (".png", ".svg", ".jpg", ".webp")
_PICTURED = ("docs", "benchmarks", "tasks")
BENCHMARKS = "benchmarks"
"""The folder of the site with a page for each benchmark."""
_SCHEME = re.compile(r"^[a-z][a-z+.-]*:", re.IGNORECASE)


def page_of(path: str) -> str:
    """The page of a Markdown file. Both paths are relative, the file's to the repository and the page's to the site."""
    folder, _, rest = path.partition("/")
    if path == "docs/README.md":
        return "index.md"
    if folder == "docs":
        return rest
    if folder == "tasks":
        return f"{BENCHMARKS}/{posixpath.dirname(rest)}.md"
    if folder == "benchmarks":
        return f"measured/{'index.md' if rest == 'README.md' else rest.lower()}"
    if folder == "examples":
        return f"project/{posixpath.dirname(rest)}.md"
    return f"project/{path.lower()}"


def picture_of(path: str) -> str:
    """The path on the site of a picture in the repository: beside the pages of its folder."""
    return posixpath.join(
        posixpath.dirname(page_of(f"{posixpath.dirname(path)}/page.md")), posixpath.basename(path)
    )


@cache
def pictures(root: Path = ROOT) -> frozenset[str]:
    """The pictures that pages may show."""
    found = (path for folder in _PICTURED for path in (root / folder).rglob("*") if path.suffix in PICTURES)
    return frozenset(path.relative_to(root).as_posix() for path in found)


def pages(root: Path = ROOT) -> dict[str, str]:
    """The site's page of each Markdown file of the repository that has one."""
    found = {path: page_of(path) for path in sorted(_files(root))}
    if len(set(found.values())) < len(found):
        twice = [page for page in found.values() if [*found.values()].count(page) > 1]
        raise ValueError(f"several files would become the page {twice[0]}")
    return found


def _files(root: Path) -> Iterator[str]:
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "tasks/*/*/**/README.md",
        "benchmarks/*.md",
        "examples/*/README.md",
    ):
        for path in root.glob(pattern):
            yield path.relative_to(root).as_posix()


@dataclass(frozen=True)
class Links:
    """Turns links between files of the repository into links between pages of the site."""

    pages: dict[str, str]
    repository: str | None = None
    """Address of the repository, for links to files without a page; None removes those links."""
    root: Path = ROOT

    def of(self, path: str, page: str, link: str) -> str | None:
        """The address, on its page, of a link in a file of the repository; None to remove the link."""
        if _SCHEME.match(link) or link.startswith("#"):
            return link
        named, _, anchor = link.partition("#")
        to = posixpath.normpath(posixpath.join(posixpath.dirname(path), named))
        target = self._page(to)
        if target is not None:
            there = posixpath.relpath(target, posixpath.dirname(page) or ".")
            return f"{there}#{anchor}" if anchor else there
        if self.repository is None or to.startswith(".."):
            return None
        kind = "tree" if (self.root / to).is_dir() else "blob"
        return f"{self.repository}/{kind}/HEAD/{to}" + (f"#{anchor}" if anchor else "")

    def _page(self, to: str) -> str | None:
        """The site's page or picture for a file of the repository."""
        for one in (to, f"{to}/README.md"):
            if one in self.pages:
                return self.pages[one]
        return picture_of(to) if to in pictures(self.root) else None
