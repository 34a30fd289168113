"""The built site: strict, whole, as GitHub shows its pages, and in a browser."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from playwright.sync_api import Browser

from website.build import Failed, build, sources
from website.places import ROOT, pages

pytestmark = pytest.mark.slow

_COUNTED = ("h1", "h2", "h3", "h4", "ul", "ol", "li", "pre", "code", "tr", "td", "strong", "em", "img")
PAGES = (
    "index.html", "first-steps.html", "gate.html", "intervals.html", "benchmarks/bias/bbq.html", "benchmarks/index.html",
    "reference/cli/run.html", "reference/python.html", "reference/task-schema.html", "reference/record-schema.html",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its pages."""
    pytest.importorskip(
        "zensical", reason="needs zensical, which builds the site: pip install 'lsm-eval[docs]'"
    )
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def test_every_file_has_its_page(site: Path) -> None:
    """`build` itself fails for any warning, any link or anchor that is not there, and anything that is asked of another host."""
    for page in pages().values():
        assert (site / page).with_suffix(".html").is_file(), page
    assert len(list((site / "benchmarks").rglob("*.html"))) > 40


def test_a_broken_link_is_an_error(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import website.build

    def broken(out: Path, repository: str | None = None) -> None:
        sources(out, repository)
        (out / "sources" / "index.md").write_text("# Index\n[gone](gone.md)\n")

    monkeypatch.setattr(website.build, "sources", broken)
    with pytest.raises(Failed, match=r"gone\.md"):
        build(tmp_path)


class _Counter(HTMLParser):
    """Counts elements; `within` a class and element, where it is given."""

    def __init__(self, within: str | None = None) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self._within, self._depth = within, 0 if within else 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside = self._within is None or self._depth
        if self._within and (
            self._depth or (tag == "article" and self._within in (dict(attrs).get("class") or ""))
        ):
            self._depth += tag == "article"
        if inside and tag in _COUNTED:
            self.found[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        if self._within and tag == "article" and self._depth:
            self._depth -= 1


def _counted(text: str, within: str | None = None) -> Counter[str]:
    counter = _Counter(within)
    counter.feed(text)
    return counter.found


def test_pages_are_rendered_as_on_github(site: Path) -> None:
    """Headings, lists, tables, code and emphasis: as many of each as GitHub's own renderer makes of the file."""
    cmarkgfm = pytest.importorskip(
        "cmarkgfm", reason="needs cmarkgfm, which is GitHub's renderer of Markdown"
    )
    differing = {}
    for path, page in pages().items():
        if page.startswith("benchmarks/"):
            continue  # what task files say follows there
        ours = _counted((site / page).with_suffix(".html").read_text(encoding="utf-8"), "md-content__inner")
        theirs = _counted(
            cmarkgfm.github_flavored_markdown_to_html((ROOT / path).read_text(encoding="utf-8"))
        )
        if ours != theirs:
            differing[path] = {tag: (ours[tag], theirs[tag]) for tag in _COUNTED if ours[tag] != theirs[tag]}
    assert differing == {}


@pytest.mark.parametrize("width", [390, 1300])
def test_in_a_browser(site: Path, browser: Browser, width: int) -> None:
    """Opened from disk, pages complain of nothing, ask nothing of a network, and are no wider than the screen."""
    for name in PAGES:
        with quiet_page(browser, viewport={"width": width, "height": 900}) as page:
            page.goto((site / name).as_uri())
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.scrollingElement.scrollWidth") <= width, name


def test_the_search_works_from_disk(site: Path, browser: Browser) -> None:
    """What is found is in a tree of its own that no test can look into: the first of it is opened."""
    with quiet_page(browser) as page:
        page.goto((site / "index.html").as_uri())
        page.wait_for_load_state("networkidle")
        page.keyboard.press("Control+k")
        page.wait_for_timeout(500)
        page.keyboard.type("StereoSet")
        for _ in range(30):
            page.wait_for_timeout(1000)
            page.keyboard.press("Enter")
            if "/bias/stereoset.html" in page.url:
                return
    pytest.fail("nothing was found")


def test_the_search_knows_every_page(site: Path) -> None:
    found = json.loads((site / "search.json").read_text(encoding="utf-8"))
    known = {item["location"].partition("#")[0] for item in found["items"]}
    assert {page.removesuffix(".md") + ".html" for page in pages().values()} <= known | {"index.html"}
