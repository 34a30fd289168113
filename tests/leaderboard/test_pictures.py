"""Every kind of page as it looks in a browser: in light, in dark, on a phone and on a wide screen, and what a broken page looks like.

Each page is held against a small grey picture in `pictures/` (`pictures.py` says how, and what `unlike` is). The tolerances are measured, with
DejaVu Sans as the pages' usual font: another font, or letters 3 % larger, differ by no more than the first number below, every fault of
`FAULTS` by no less than the second; the tests of both keep it so. After a change that is meant, look at the pages, and make the pictures anew:

    LSM_EVAL_RENEW_PICTURES=1 python -m pytest tests/leaderboard/test_pictures.py -m ""
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from pictured_board import CHARTS, PAGES
from pictures import Kind, Picture, Shrinker, read_png, style, unlike, write_png
from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent / "pictures"
RENEW = bool(os.environ.get("LSM_EVAL_RENEW_PICTURES"))
LOOKS = {
    "light": (1280, 1600, "light"),
    "dark": (1280, 1600, "dark"),
    "phone": (390, 1300, "light"),
    "wide": (1920, 1600, "light"),
}
"""Width and height of the window, in CSS pixels, and the colours that the reader prefers."""
MOST = 6.0
"""Of a page in grey levels of 255."""
MOST_CHART = 1.0
"""Of a chart, whose level is how colourful it is."""
QUICK = {("front", "light"), ("model", "phone"), ("task", "dark")}
FONTS = {
    "serif": "body, text { font-family: 'DejaVu Serif', 'Liberation Serif', serif !important }",
    "narrow": "body, text { font-family: 'DejaVu Sans Condensed', 'Liberation Sans Narrow', sans-serif !important; font-stretch: condensed }",
    "larger": "html, body { font-size: 103% }",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def shrinker(browser: Browser) -> Shrinker:
    return Shrinker(browser)


def window(browser: Browser, look: str) -> dict[str, object]:
    width, height, scheme = LOOKS[look]
    return {"viewport": {"width": width, "height": height}, "color_scheme": scheme}


def taken(page: Page, shrinker: Shrinker) -> Picture:
    return shrinker.picture(page.screenshot(animations="disabled"))


def chart_taken(page: Page, shrinker: Shrinker, chosen: str) -> Picture:
    return shrinker.picture(page.locator(chosen).first.screenshot(animations="disabled"), "colour")


def stored(name: str) -> Picture:
    path = FOLDER / f"{name}.png"
    assert path.is_file(), f"there is no picture {path}: make it ({__doc__})"
    return read_png(path)


def held(found: Picture, name: str, most: float) -> None:
    """The page looks as its picture; or the picture is made of it."""
    if RENEW:
        write_png(FOLDER / f"{name}.png", found)
        return
    differs = unlike(found, stored(name))
    assert differs <= most, (
        f"{name} looks otherwise than its picture, by {differs:.2f} grey levels: look at the page, and if that is meant, "
        "LSM_EVAL_RENEW_PICTURES=1 python -m pytest tests/leaderboard/test_pictures.py -m ''"
    )


def shown(page: Page, pictured: Path, kind: str) -> None:
    PAGES[kind].open(page, pictured)


def look_of(name: str, look: str) -> object:
    return pytest.param(name, look, marks=() if (name, look) in QUICK else pytest.mark.slow)


@pytest.mark.parametrize(("kind", "look"), [look_of(kind, look) for kind in PAGES for look in LOOKS])
def test_a_page_looks_as_its_picture(
    browser: Browser, shrinker: Shrinker, pictured: Path, kind: str, look: str
) -> None:
    with quiet_page(browser, **window(browser, look)) as page:
        shown(page, pictured, kind)
        held(taken(page, shrinker), f"{kind}-{look}", MOST)


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_looks_as_its_picture(
    browser: Browser, shrinker: Shrinker, pictured: Path, chart: str, look: str
) -> None:
    kind, chosen = CHARTS[chart]
    with quiet_page(browser, **window(browser, look)) as page:
        shown(page, pictured, kind)
        held(chart_taken(page, shrinker, chosen), f"{chart}-{look}", MOST_CHART)
