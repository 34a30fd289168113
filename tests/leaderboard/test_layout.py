"""Where things stand on the pages of every kind: nothing over anything else, nothing beyond the edge, and colours that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import quiet_page, running_browser
from pictured_board import PAGES
from pictures import style
from playwright.sync_api import Browser, Page

LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light"), "wide": (1920, "light")}
QUICK = {("front", "phone"), ("model", "dark")}

_FAULTS = """
() => {
  const faults = [], root = document.documentElement, edge = root.clientWidth;
  if (root.scrollWidth > edge) faults.push(`the page is ${root.scrollWidth} wide in a window of ${edge}`);
  const said = (one) => `${one.tagName.toLowerCase()} "${one.textContent.trim().replace(/\\s+/g, ' ').slice(0, 40)}"`;
  // The part of an element that is seen: what scrolls or is cut off by what is around it is not.
  const seen = (one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    // A line of text may be higher than the box that was made for it.
    const box = (one.matches('h1, h2, h3, h4, p, summary') ? range : one).getBoundingClientRect();
    let [left, top, right, bottom] = [box.left, box.top, box.right, box.bottom];
    for (let up = one.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflow === 'visible') continue;
      const around = up.getBoundingClientRect();
      [left, top] = [Math.max(left, around.left), Math.max(top, around.top)];
      [right, bottom] = [Math.min(right, around.right), Math.min(bottom, around.bottom)];
    }
    return {one, left, top, right, bottom};
  };
  const is = (box) => box.right - box.left > 1 && box.bottom - box.top > 1;
  const across = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1.5;
  const pairs = (boxes, what) => {
    boxes.sort((a, b) => a.top - b.top);
    boxes.forEach((a, at) => {
      for (let next = at + 1; next < boxes.length && boxes[next].top < a.bottom; next++) {
        const b = boxes[next];
        if (across(a, b) && !a.one.contains(b.one) && !b.one.contains(a.one)) faults.push(`${what}: ${said(a.one)} and ${said(b.one)}`);
      }
    });
  };
  const shown = (one) => one.checkVisibility({visibilityProperty: true}) && !one.closest('.unseen, .skip');
  const blocks = [...document.querySelectorAll('h1, h2, h3, h4, p, ul, ol, dl, pre, table, figure, form, summary, svg.chart, svg.scatter, header.site a, header.site button')];
  pairs(blocks.filter(shown).map(seen).filter(is), 'one over another');
  for (const row of document.querySelectorAll('tr')) {
    // A cell that stays in its place while others scroll may stand over them.
    const cells = [...row.cells].filter((cell) => shown(cell) && getComputedStyle(cell).position !== 'sticky');
    pairs(cells.map(seen).filter(is), 'cells');
    for (const cell of cells) {
      const style = getComputedStyle(cell);
      if (style.overflow === 'visible' && cell.scrollWidth > cell.clientWidth + 2) faults.push(`wider than its cell: ${said(cell)}`);
    }
  }
  for (const drawing of document.querySelectorAll('svg.chart, svg.scatter')) {
    if (!shown(drawing) || drawing.closest('ul')) continue;
    const texts = [...drawing.querySelectorAll('text')].map((one) => ({one, ...box(one)}));
    pairs(texts.filter(is), 'texts of a drawing');
    const marks = [...drawing.querySelectorAll('circle, g.unknown rect')].map((one) => box(one)).filter(is);
    if (!marks.length) faults.push('a drawing without marks');
    const whole = drawing.getBoundingClientRect();
    for (const mark of marks) if (mark.left < whole.left - 1 || mark.right > whole.right + 1 || mark.top < whole.top - 1 || mark.bottom > whole.bottom + 1) faults.push('a mark outside of its drawing');
  }
  function box(one) { const {left, top, right, bottom} = one.getBoundingClientRect(); return {left, top, right, bottom}; }
  for (const one of document.querySelectorAll('h1, h2, h3, h4, p, li, dt, dd, pre, button, summary')) {
    if (!shown(one)) continue;
    const part = seen(one);
    if (is(part) && (part.left < -1 || part.right > edge + 1)) faults.push(`beyond the edge: ${said(one)}`);
  }
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (node.parentElement.closest('pre, code, script, .unseen, svg') || !shown(node.parentElement)) continue;
    for (const word of node.data.matchAll(/[A-Za-z]{3,19}/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((one) => Math.round(one.top))).size > 1) faults.push(`a word is broken: ${word[0]}`);
    }
  }
  return [...new Set(faults)];
}
"""

_COLOURS = """
() => {
  const pen = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  // Relative luminance as WCAG 2.2 defines it.
  const light = (colour) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((level) => {
      const share = level / 255;
      return share <= .04045 ? share / 12.92 : ((share + .055) / 1.055) ** 2.4;
    });
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const body = getComputedStyle(document.body);
  const cards = [...document.querySelectorAll('header.site, .card, .scroll.wide, pre, figure.cost')].map((one) => light(getComputedStyle(one).backgroundColor));
  return {ink: light(body.color), paper: light(body.backgroundColor), cards};
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def window(look: str) -> dict[str, object]:
    width, scheme = LOOKS[look]
    return {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}


def faults(page: Page) -> list[str]:
    found: list[str] = page.evaluate(_FAULTS)
    return found


def contrast(ink: float, paper: float) -> float:
    """Of two relative luminances, as WCAG 2.2 defines it: from 1 to 21."""
    return (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)


def of(kind: str, look: str) -> object:
    return pytest.param(kind, look, marks=() if (kind, look) in QUICK else pytest.mark.slow)


@pytest.mark.parametrize(("kind", "look"), [of(kind, look) for kind in PAGES for look in LOOKS])
def test_nothing_stands_over_anything_or_beyond_the_edge(
    browser: Browser, pictured: Path, kind: str, look: str
) -> None:
    with quiet_page(browser, **window(look)) as page:
        PAGES[kind].open(page, pictured)
        assert faults(page) == []
        found = page.evaluate(_COLOURS)
        assert contrast(found["ink"], found["paper"]) > 12
        papers = [found["paper"], *(one for one in found["cards"])]
        dark = [one < 0.05 for one in papers]
        assert all(dark) if look == "dark" else not any(dark), papers
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert faults(page) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "look", "css", "told"),
    [
        ("front", "phone", "main { width: 120vw }", "the page is"),
        ("front", "light", "body { overflow-x: clip } main { margin-left: 60vw; width: 60vw }", "beyond the edge"),
        ("model", "light", "h2 { height: 0; margin: 0 }", "one over another"),
        ("task", "phone", ".metrics { width: 100%; table-layout: fixed } .metrics th, .metrics td { width: 1rem; overflow-wrap: normal; white-space: nowrap }", "wider than its cell"),
        ("history", "light", ".chart text { font-size: 60px }", "texts of a drawing"),
        ("cost", "phone", ".tradeoff thead th { overflow-wrap: anywhere }", "a word is broken: parameters"),
        ("task", "phone", ".metrics td { overflow-wrap: anywhere } .metrics .method { min-width: 0 }", "a word is broken: wilson"),
        ("cost", "light", ".scatter g circle { display: none }", "a drawing without marks"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    browser: Browser, pictured: Path, kind: str, look: str, css: str, told: str
) -> None:
    with quiet_page(browser, **window(look)) as page:
        PAGES[kind].open(page, pictured)
        style(page, css)
        assert [fault for fault in faults(page) if fault.startswith(told)] != []
