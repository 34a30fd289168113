"""Writes the site's sources, runs zensical to build them, and checks the result."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from website import benchmarks, check, commands, interface, schemas
from website.markdown import readable, title, with_anchors, with_links
from website.outline import Nav, navigation
from website.places import BENCHMARKS, ROOT, Links, pages, picture_of, pictures

_HERE = Path(__file__).parent
_SOURCES, _PAGES, _SETTINGS = "sources", "pages", "zensical.toml"
_WORKER = "search_worker.js"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Failed(Exception):
    """The site could not be built correctly; the text says why."""


def sources(out: Path, repository: str | None = None) -> None:
    """Write the pages as Markdown, pictures and settings into a folder, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    known = pages()
    links = Links(known, repository)
    texts = {page: (ROOT / path).read_text(encoding="utf-8") for path, page in known.items()}
    texts = {page: with_links(texts[page], _rewriting(links, path, page)) for path, page in known.items()}
    folder = benchmarks.read_folder()
    for page, text in benchmarks.pages(folder):
        texts[page] = texts.get(page, "") + text
    texts |= dict(commands.pages())
    texts |= {
        interface.PAGE: interface.page(),
        "reference/task-schema.md": schemas.task_schema(),
        "reference/record-schema.md": schemas.record_schema(),
    }
    for page, text in texts.items():
        _write(out / _SOURCES / page, readable(with_anchors(text)))
    for picture in pictures():
        to = out / _SOURCES / picture_of(picture)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / picture, to)
    shutil.copyfile(_HERE / "style.css", out / _SOURCES / "style.css")
    _write(
        out / _SETTINGS, _settings(_navigation(folder, {page: title(texts[page]) for page in known.values()}))
    )


def build(out: Path, repository: str | None = None) -> Path:
    """Build the site in a folder and return the folder of its pages. Raises `Failed` for any warning, broken link, or request to
    another host."""
    if find_spec("zensical") is None:
        raise Failed("needs zensical: pip install -c constraints.txt -e '.[docs]'")
    sources(out, repository)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(out / _SETTINGS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = _COLOUR.sub("", done.stdout + done.stderr).partition("Traceback ")[0]
    if done.returncode or "Warning" in said:
        raise Failed(said)
    _mend(out / _PAGES)
    if found := check.problems(out / _PAGES):
        raise Failed("\n".join(found))
    return out / _PAGES


def _mend(built: Path) -> None:
    """Replaces the script that makes search work from disk, which each page would load from another host, by our own, and removes the
    404 page, which would need to know the site's address."""
    (built / "404.html").unlink(missing_ok=True)
    shutil.copyfile(_HERE / _WORKER, built / _WORKER)
    for path in built.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        own = "../" * (len(path.relative_to(built).parts) - 1) + _WORKER
        path.write_text(text.replace("https://unpkg.com/iframe-worker/shim", own), encoding="utf-8")


def _rewriting(links: Links, path: str, page: str) -> Callable[[str], str | None]:
    return lambda link: links.of(path, page, link)


def _navigation(folder: benchmarks.Folder, titles: Mapping[str, str]) -> Nav:
    """The site's sections; pages in a folder of `docs/` with the name of an area go with its benchmarks."""
    prose: dict[str, Nav] = {}
    for page in titles:
        area = page.partition("/")[0]
        if area in folder.areas and not page.startswith(f"{BENCHMARKS}/"):
            prose.setdefault(area, []).append({titles[page]: page})
    beside = {page for entries in prose.values() for entry in entries for page in entry.values()}
    made = {
        "benchmarks": benchmarks.navigation(folder, prose),
        "reference": [
            *commands.navigation(),
            {"Python": interface.PAGE},
            {"Task schema": "reference/task-schema.md"},
            {"Record schema": "reference/record-schema.md"},
        ],
    }
    own = {
        page: name
        for page, name in titles.items()
        if page not in beside and not page.startswith(f"{BENCHMARKS}/")
    }
    return navigation(own, made)


def _settings(nav: Nav) -> str:
    """The settings of `zensical.toml` with this navigation."""
    text = (_HERE / _SETTINGS).read_text(encoding="utf-8")
    assert text.count("\nnav = []\n") == 1
    return text.replace("\nnav = []\n", f"\nnav = {_toml(nav)}\n")


def _toml(value: Any) -> str:
    """Lists, mappings and texts as inline TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
