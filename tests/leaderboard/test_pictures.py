"""Every kind of page as it looks in a browser: in light, in dark, on a phone and on a wide screen, and what a broken page looks like.

Each page is held against a small grey picture in `pictures/` (`pictures.py` says how, and what `unlike` is). The tolerances are measured
(Chromium, DejaVu Sans): pages in other fonts, or with letters 3 % larger, differ by 1.8 at most, on a phone by 2.9; those of `FAULTS` by
3.3 at least, on a phone by 10.3. Charts in other fonts differ by 4.6, and without their marks by 7.6. Tests below hold both. After a change that
is meant, look at the pages, and make the pictures anew:

    LSM_EVAL_RENEW_PICTURES=1 python -m pytest tests/leaderboard/test_pictures.py -k looks_as_its_picture -m "slow or not slow"
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from browsing import quiet_page, running_browser
from pictured_board import CHARTS, PAGES
from pictures import Picture, Shrinker, read_png, spot, style, unlike, write_png
from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent / "pictures"
RENEW = bool(os.environ.get("LSM_EVAL_RENEW_PICTURES"))


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is looked at."""

    width: int
    height: int
    """Of the window, in CSS pixels."""
    scheme: str = "light"
    """The colours that the reader prefers."""
    columns: int = 96
    """Of the picture."""
    most: float = 2.5
    """By how much a page may differ from its picture: `unlike` in grey levels of 255."""


LOOKS = {
    "light": Look(1280, 1600),
    "dark": Look(1280, 1600, "dark"),
    "phone": Look(390, 1300, columns=32, most=4.5),
    "wide": Look(1920, 1600),
}
CHART_COLUMNS = 96
MOST_CHART = 6.0
"""Of charts: `spot` in levels of 255 of how colourful they are, as only their marks have a colour."""
QUICK = {("front", "light"), ("model", "phone"), ("task", "dark")}
FONTS = {
    "serif": "body, text, button, select, input { font-family: 'DejaVu Serif', 'Liberation Serif', serif !important }",
    "narrow": "body, text, button, select, input { font-family: 'DejaVu Sans Condensed', 'Liberation Sans Narrow', sans-serif !important; font-stretch: condensed }",
    "larger": "html, body { font-size: 103% }",
    "smaller": "body { font-size: 15px }",
}
FAULTS = [
    *((kind, "light", "table { display: none }") for kind in PAGES if kind != "folded"),
    *((kind, "dark", ":root { --bg: #fbfbfa }") for kind in PAGES),
    *((kind, "phone", "main { margin-left: 60vw }") for kind in PAGES),
]
"""A table that is not shown, a dark page with a light background, and content that is pushed off the edge."""
UNSTYLED = "for (const sheet of document.styleSheets) sheet.disabled = true"
CHART_FAULTS = [
    "circle, rect, svg path, svg line:not(.grid, .axis) { display: none }",
    "circle { display: none }",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def shrinker(browser: Browser) -> Shrinker:
    return Shrinker(browser)


def window(look: str) -> dict[str, object]:
    chosen = LOOKS[look]
    return {"viewport": {"width": chosen.width, "height": chosen.height}, "color_scheme": chosen.scheme}


def taken(page: Page, shrinker: Shrinker, look: str) -> Picture:
    return shrinker.picture(page.screenshot(animations="disabled"), LOOKS[look].columns)


def chart_taken(page: Page, shrinker: Shrinker, chosen: str) -> Picture:
    """The drawing alone, in a corner of the window and of a size that do not depend on letters."""
    drawing = page.locator(chosen).first
    drawing.evaluate(
        "one => Object.assign(one.style, {position: 'fixed', left: 0, top: 0, width: '640px', minWidth: 0, maxWidth: 'none', "
        "zIndex: 99, background: 'var(--card)'})"
    )
    return shrinker.picture(drawing.screenshot(animations="disabled"), CHART_COLUMNS, "colour")


def restyled(page: Page, css: str) -> None:
    """With these styles besides its own, and no others that a test gave it."""
    page.evaluate("document.adoptedStyleSheets = []")
    style(page, css)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def stored(name: str) -> Picture:
    path = FOLDER / f"{name}.png"
    assert path.is_file(), f"there is no picture {path}: make it, as the head of this file says"
    return read_png(path)


def otherwise(name: str, differs: float) -> str:
    return (
        f"{name} looks otherwise than its picture, by {differs:.2f} levels: look at the page, and if it is meant, make the pictures anew "
        "as the head of this file says"
    )


def of(name: str, look: str) -> object:
    return pytest.param(name, look, marks=() if (name, look) in QUICK else pytest.mark.slow)


@pytest.mark.parametrize(("kind", "look"), [of(kind, look) for kind in PAGES for look in LOOKS])
def test_a_page_looks_as_its_picture(
    browser: Browser, shrinker: Shrinker, pictured: Path, kind: str, look: str
) -> None:
    name = f"{kind}-{look}"
    with quiet_page(browser, **window(look)) as page:
        PAGES[kind].open(page, pictured)
        found = taken(page, shrinker, look)
    if RENEW:
        write_png(FOLDER / f"{name}.png", found)
    differs = unlike(found, stored(name))
    assert differs <= LOOKS[look].most, otherwise(name, differs)


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_looks_as_its_picture(
    browser: Browser, shrinker: Shrinker, pictured: Path, chart: str, look: str
) -> None:
    kind, chosen = CHARTS[chart]
    name = f"{chart}-{look}"
    with quiet_page(browser, **window(look)) as page:
        PAGES[kind].open(page, pictured)
        found = chart_taken(page, shrinker, chosen)
    if RENEW:
        write_png(FOLDER / f"{name}.png", found)
    differs = spot(found, stored(name))
    assert differs <= MOST_CHART, otherwise(name, differs)


@pytest.mark.slow
@pytest.mark.parametrize("look", ["wide", "phone"])
def test_other_fonts_look_alike(browser: Browser, shrinker: Shrinker, pictured: Path, look: str) -> None:
    found = {}
    with quiet_page(browser, **window(look)) as page:
        for kind, place in PAGES.items():
            place.open(page, pictured)
            for font, css in FONTS.items():
                restyled(page, css)
                found[kind, font] = round(unlike(taken(page, shrinker, look), stored(f"{kind}-{look}")), 2)
    assert {case: differs for case, differs in found.items() if differs > LOOKS[look].most} == {}


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light", "dark"])
def test_charts_in_other_fonts_look_alike(
    browser: Browser, shrinker: Shrinker, pictured: Path, look: str
) -> None:
    found = {}
    with quiet_page(browser, **window(look)) as page:
        for chart, (kind, chosen) in CHARTS.items():
            PAGES[kind].open(page, pictured)
            for font, css in FONTS.items():
                restyled(page, css)
                found[chart, font] = spot(chart_taken(page, shrinker, chosen), stored(f"{chart}-{look}"))
    assert {case: differs for case, differs in found.items() if differs > MOST_CHART} == {}


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light", "phone"])
def test_a_broken_page_looks_otherwise(
    browser: Browser, shrinker: Shrinker, pictured: Path, look: str
) -> None:
    found = {}
    with quiet_page(browser, **window(look)) as page:
        for kind, place in PAGES.items():
            place.open(page, pictured)
            for css in (css for own, where, css in FAULTS if (own, where) == (kind, look)):
                restyled(page, css)
                found[kind, css] = round(unlike(taken(page, shrinker, look), stored(f"{kind}-{look}")), 2)
            restyled(page, "")
            page.evaluate(UNSTYLED)
            found[kind, "unstyled"] = round(unlike(taken(page, shrinker, look), stored(f"{kind}-{look}")), 2)
    assert {case: differs for case, differs in found.items() if differs <= LOOKS[look].most} == {}


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_chart_without_its_marks_looks_otherwise(
    browser: Browser, shrinker: Shrinker, pictured: Path, look: str
) -> None:
    found = {}
    with quiet_page(browser, **window(look)) as page:
        for chart, (kind, chosen) in CHARTS.items():
            PAGES[kind].open(page, pictured)
            for css in CHART_FAULTS:
                restyled(page, css)
                found[chart, css] = spot(chart_taken(page, shrinker, chosen), stored(f"{chart}-{look}"))
    assert {case: differs for case, differs in found.items() if differs <= MOST_CHART} == {}


def test_pictures_are_small_and_of_something() -> None:
    names = {f"{kind}-{look}" for kind in PAGES for look in LOOKS} | {
        f"{chart}-{look}" for chart in CHARTS for look in ("light", "dark")
    }
    paths = sorted(FOLDER.glob("*"))
    assert {path.name for path in paths} == {f"{name}.png" for name in names}
    assert sum(path.stat().st_size for path in paths) < 400_000


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = np.random.default_rng(0).integers(0, 256, (37, 96), dtype=np.uint8)
    write_png(tmp_path / "a.png", made)
    np.testing.assert_array_equal(read_png(tmp_path / "a.png"), made)
    assert unlike(made, made) == spot(made, made) == 0


def test_rows_may_move_and_may_not_go() -> None:
    """Ten grey bars; a picture with two more rows between them is the same, one with a bar less is not."""
    bars = np.full((100, 96), 250, np.uint8)
    for at in range(5, 100, 10):
        bars[at : at + 4, 8:80] = 120
    moved = np.insert(bars, [30, 60], 250, axis=0)
    gone = bars.copy()
    gone[45:49] = 250
    assert unlike(moved, bars) < 2.5
    assert unlike(gone, bars) > 10
