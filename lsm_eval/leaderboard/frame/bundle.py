"""The styles and scripts of a kind of page, and the policy that allows these and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from markupsafe import Markup

MOST_SCRIPT = 60_000
"""Bytes of all scripts together, a test holds."""

_TEXT = r"\"((?:[^\"\\]|\\.)*)\""
_CALL = re.compile(rf"\bt\(\s*{_TEXT}")
_PAIR = re.compile(rf"\btn\([^\"]*{_TEXT},\s*{_TEXT}")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What stands inline in each page of a kind."""

    css: str
    script: str
    pieces: bool
    """Whether its script loads pieces of data (`lsm.piece`)."""

    @property
    def words(self) -> tuple[str, ...]:
        """Texts of the interface that the script may show."""
        return _texts(self.script)

    @property
    def policies(self) -> tuple[str, ...]:
        """Content-security-policies, each of which must allow what the page does.

        Hashes mean the same in every browser and from every place, `'self'` does not. A piece of data is a script of its own, since
        nothing else loads from disk: the first policy lets a script of ours add it (and no markup), the second only from
        the site's own host or from disk.
        """
        own = _hash(self.script)
        rest = f"style-src {_hash(self.css)}; base-uri 'none'; form-action 'none'"
        if not self.pieces:
            return (f"default-src 'none'; script-src {own}; {rest}",)
        return (
            f"default-src 'none'; script-src {own} 'strict-dynamic'; {rest}",
            f"script-src {own} 'self' file:",
        )


@lru_cache(64)
def _texts(script: str) -> tuple[str, ...]:
    # Of every page of a kind, which are many.
    pairs = (text for pair in _PAIR.findall(script) for text in pair)
    return tuple(dict.fromkeys(text.replace('\\"', '"') for text in (*_CALL.findall(script), *pairs)))


@cache
def bundle(kind: str) -> Bundle:
    """The assets `common.*` and, where there are, `<kind>.*`."""
    script = "".join(map(lean, (asset("common.js"), asset(f"{kind}.js"))))
    return Bundle(
        css=asset("common.css") + asset(f"{kind}.css"),
        script=script,
        pieces="lsm.piece(" in asset(f"{kind}.js"),
    )


def merged(kinds: Sequence[str]) -> Bundle:
    """The assets of several kinds in one page, which loads no pieces: it holds them."""
    names = ["common", "single", *kinds]
    # Each kind's script begins by itself, and finds its part of the page.
    script = "\n".join(lean(asset(f"{name}.js")) for name in names)
    return Bundle(css="".join(asset(f"{name}.css") for name in names), script=script, pieces=False)


@cache
def asset(name: str) -> str:
    """The text of one of the package's own files; empty where there is none of that name."""
    file = files("lsm_eval.leaderboard") / "assets" / name
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def lean(script: str) -> str:
    """A script without indentation and lines of comments, as pages have it; no text in it may go over several lines."""
    lines = (line.strip() for line in script.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def inline(text: str) -> Markup:
    """Markup: the package's own files, and nothing that a record says."""
    return Markup(text)


@lru_cache(64)
def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    # Base 64 has no character that HTML would need escaped in a quoted attribute.
    return f"'sha256-{digest}'"
