"""The styles and scripts of a kind of page, and the content security policy that allows only these."""

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
"""The most bytes of all scripts together; a test checks it."""

_TEXT = r"\"((?:[^\"\\]|\\.)*)\""
_CALL = re.compile(rf"\bt\(\s*{_TEXT}")
_CSS_STRING = re.compile(r"(\"[^\"]*\")")
_PAIR = re.compile(rf"\btn\([^\"]*{_TEXT},\s*{_TEXT}")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The inline styles and scripts of each page of a kind."""

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

        Hashes work the same in every browser and from every location, `'self'` does not. A piece of data is a separate script, since
        nothing else loads from disk: the first policy lets only our scripts add it (markup cannot), the second only from
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
    # Cached, since a kind can have many pages.
    pairs = (text for pair in _PAIR.findall(script) for text in pair)
    return tuple(dict.fromkeys(text.replace('\\"', '"') for text in (*_CALL.findall(script), *pairs)))


@cache
def bundle(kind: str) -> Bundle:
    """The assets `common.*` and, if they exist, `<kind>.*`."""
    script = "".join(map(lean, (asset("common.js"), asset(f"{kind}.js"))))
    return Bundle(
        css=lean_css(asset("common.css") + asset(f"{kind}.css")),
        script=script,
        pieces="lsm.piece(" in asset(f"{kind}.js"),
    )


def merged(kinds: Sequence[str]) -> Bundle:
    """The assets of several kinds for one page that contains its pieces of data and loads none."""
    names = ["common", "single", *kinds]
    # Each kind's script starts by itself and finds its part of the page.
    script = "\n".join(lean(asset(f"{name}.js")) for name in names)
    css = lean_css("".join(asset(f"{name}.css") for name in names))
    return Bundle(css=css, script=script, pieces=False)


@cache
def asset(name: str) -> str:
    """The text of one of the package's own files; empty if there is none of that name."""
    file = files("lsm_eval.leaderboard") / "assets" / name
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def lean(script: str) -> str:
    """A script without indentation and lines of comments, as pages contain it; it may have no string literal that spans several lines."""
    lines = (line.strip() for line in script.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def lean_css(css: str) -> str:
    """Styles without spaces that mean nothing, as pages contain them; they may have no comments."""
    parts = _CSS_STRING.split(css)
    for at in range(0, len(parts), 2):  # what stands between strings
        spaced = re.sub(r"\s+", " ", parts[at])
        # Before a colon a space may be a selector's: `td :is(a)`.
        parts[at] = re.sub(r"([:,]) ", r"\1", re.sub(r" ?([{};]) ?", r"\1", spaced)).replace(";}", "}")
    return "".join(parts).strip()


def inline(text: str) -> Markup:
    """Marks text as safe HTML: only for the package's own files, never for what a record says."""
    return Markup(text)


@lru_cache(64)
def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    # Base 64 has no character that HTML would need escaped in a quoted attribute.
    return f"'sha256-{digest}'"
