"""A whole site in one HTML file, to be mailed.

Each page is a `<section>`, shown while the address names it (`#models/x.html`) by styles alone, so that it can be read without scripts;
links and element ids are rewritten accordingly. The file also contains the pieces of data, where `lsm.piece` finds them.
"""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from lsm_eval.leaderboard.frame.bundle import merged
from lsm_eval.leaderboard.frame.page import Frame

LARGE = 20_000_000
"""Above this many bytes a file is too large for many mail servers."""

_MAIN = re.compile(r'<main id="main"[^>]*data-kind="([^"]*)"[^>]*>(.*)</main>', re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_WORDS = re.compile(r'<script type="application/json" data-name="words">(.*?)</script>', re.DOTALL)
_SCRIPT = re.compile(r"(<script\b.*?</script>)", re.DOTALL)
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_PLACE = re.compile(r'\s(id|for|href|aria-labelledby|aria-describedby|aria-controls|data-copy)="([^"]*)"')
_PIECE = re.compile(r"lsmPiece\((\"(?:[^\"\\]|\\.)*\"),(.*)\);\n", re.DOTALL)


def pack(folder: Path, written: Mapping[str, None], frame: Frame) -> str:
    """The text of the one file: the pages and pieces in `folder`, at the paths `written`, the front page first."""
    pages = sorted(
        (path for path in written if path.endswith(".html")), key=lambda path: (path != "index.html", path)
    )
    kinds: dict[str, None] = {}
    sections: list[str] = []
    words: dict[str, dict[str, str]] = {}
    for path in pages:
        text = (folder / path).read_text(encoding="utf-8")
        found = _MAIN.search(text)
        if found is None:
            continue
        kinds.setdefault(found[1])
        title = _TITLE.search(text)
        _merge(words, text)
        inside = _rewritten(found[2], path)
        sections.append(
            f'<section class="page" id="{html.escape(path)}" data-kind="{found[1]}" data-path="{html.escape(path)}" '
            f'data-title="{title[1] if title else ""}">\n{inside}\n</section>'
        )
    pieces = [
        f'<script type="application/json" data-piece="{html.escape(path)}">{found[2]}</script>'
        for path in sorted(written)
        if path.endswith(".js") and (found := _PIECE.fullmatch((folder / path).read_text(encoding="utf-8")))
    ]
    return frame.page("single", merged([*kinds])).render(
        "index.html", sections=Markup("\n".join(sections)), pieces=Markup("\n".join(pieces)), all_words=words
    )


def _merge(words: dict[str, dict[str, str]], text: str) -> None:
    found = _WORDS.search(text)
    for language, own in json.loads(found[1]).items() if found else ():
        words.setdefault(language, {}).update(own)


def _rewritten(text: str, path: str) -> str:
    """The content of a page with ids and links rewritten for the single file. The content of scripts is data and stays unchanged."""
    folder = posixpath.dirname(path)

    def place(match: re.Match[str]) -> str:
        name, value = match[1], html.unescape(match[2])
        if name.endswith("href"):
            value = _link(value, path, folder)
        else:
            value = " ".join(f"{path}!{one}" for one in value.split())
        return f' {name}="{html.escape(value)}"'

    def tag(match: re.Match[str]) -> str:
        return _PLACE.sub(place, match[0])

    parts = _SCRIPT.split(text)
    return "".join(part if part.startswith("<script") else _TAG.sub(tag, part) for part in parts)


def _link(address: str, path: str, folder: str) -> str:
    if re.match(r"[a-z]+:|//", address, re.IGNORECASE):
        return address
    target, _, anchor = address.partition("#")
    target, mark, query = target.partition("?")
    found = posixpath.normpath(posixpath.join(folder, target)) if target else path
    return f"{mark}{query}#{found}!{anchor}" if anchor else f"{mark}{query}#{found}"
