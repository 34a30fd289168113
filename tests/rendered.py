"""Markdown rendered as GitHub (cmark-gfm), GitLab (comrak) and others (markdown-it) do, and what is in the page that comes out."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.util import find_spec

import pytest


def text_of(html: str) -> str:
    """A page's text, without its tags."""
    return re.sub(r"<[^>]*>", "", html)


RENDERERS = ("markdown-it", "cmark-gfm", "comrak")


class Page(HTMLParser):
    """A page's tags, attributes, comments and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.comments: set[str] = set()
        self.texts: list[tuple[tuple[str, ...], str]] = []
        """Each text with the elements around it."""
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("br", "hr", "img", "input"):
            self._open.append(tag)
        self.texts.append(((*self._open, "<"), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, self.html
        self.texts.append(((*self._open, ">"), ""))

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self._open), data))

    def handle_comment(self, data: str) -> None:
        self.comments.add(data)

    def text(self, tag: str) -> list[str]:
        """The text of each element of a kind."""
        found: list[str] = []
        inside = False
        for around, text in self.texts:
            if around[-1:] == ("<",) and around[-2] == tag:
                found.append("")
            inside = tag in around
            if inside and found:
                found[-1] += text
        return found

    def rows(self) -> list[list[str]]:
        """The cells of all tables."""
        found: list[list[str]] = []
        cells: list[str] | None = None
        for around, text in self.texts:
            if around[-1:] == ("<",):
                if around[-2] == "tr":
                    found.append([])
                elif around[-2] in ("td", "th"):
                    found[-1].append("")
            cells = found[-1] if "tr" in around else None
            if cells and ("td" in around or "th" in around):
                cells[-1] += text
        return found


def rendered(text: str, renderer: str) -> Page:
    """The page that a renderer makes; the test is skipped where it is not installed."""
    if renderer == "markdown-it":
        from markdown_it import MarkdownIt

        if find_spec("linkify_it") is None:
            made = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        else:
            made = MarkdownIt("gfm-like", {"html": True})
        return Page(made.render(text))
    if renderer == "cmark-gfm":
        cmarkgfm = pytest.importorskip("cmarkgfm", reason="needs GitHub's renderer (cmarkgfm)")
        from cmarkgfm.cmark import Options

        return Page(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE))
    comrak = pytest.importorskip("comrak", reason="needs GitLab's renderer (comrak)")
    extensions, render = comrak.ExtensionOptions(), comrak.RenderOptions()
    for name in ("table", "autolink", "tasklist", "strikethrough", "footnotes", "math_dollars", "shortcodes"):
        assert hasattr(extensions, name)
        setattr(extensions, name, True)
    render.unsafe_ = True
    return Page(comrak.render_markdown(text, extension_options=extensions, render_options=render))


_REFERENCE = re.compile(
    r"(?<!\w)@\w|\w@\w+\.\w|\w+://\w|www\.\w|#\d|\bGH-\d|:\w+:|(?<!\w)[!$&~%^*]\w", re.IGNORECASE
)


def references(page: Page) -> list[str]:
    """Texts of which GitHub or GitLab make mentions, links or emoji after the rendering: those in code are left alone."""
    return [text for around, text in page.texts if "code" not in around and _REFERENCE.search(text)]
