"""Small grey pictures of pages, and how unlike two of them are.

A stored picture must say the same of another Chromium with other fonts, and something else of a page that is broken. So a picture is
small (`COLUMNS` wide, no letter is left of a text, but its grey), and two are laid over each other row by row with room for lines that
break elsewhere (dynamic time warping: Sakoe & Chiba 1978, with their slope constraint P = 1, and an open end, since a page is cut off at a
fixed height). What is left is the mean difference in grey levels of 255.
"""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

Picture = NDArray[np.uint8]
"""Grey levels [rows, columns]."""
Kind = Literal["grey", "colour"]
"""What a pixel's level is: how light it is, or how far from grey (of charts, whose marks alone have a colour)."""

COLUMNS = 96
"""Of a picture, however wide the page."""
BLUR = 7
"""Columns that are averaged before rows are compared: words end elsewhere in another font."""
BAND = 0.15
"""How far a row may stand from its place, as a share of the picture's height."""

_SHRINK = """
async ([data, columns, kind]) => {
  const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + data)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, image.width, image.height).data;
  const rows = Math.max(1, Math.round(image.height * columns / image.width));
  const sums = new Float64Array(rows * columns), counts = new Float64Array(rows * columns);
  for (let y = 0, at = 0; y < image.height; y++) for (let x = 0; x < image.width; x++, at += 4) {
    const [r, g, b] = [pixels[at], pixels[at + 1], pixels[at + 2]];
    const place = Math.floor(y * rows / image.height) * columns + Math.floor(x * columns / image.width);
    sums[place] += kind === 'grey' ? .299 * r + .587 * g + .114 * b : Math.max(r, g, b) - Math.min(r, g, b);
    counts[place]++;
  }
  return [rows, Array.from(sums, (sum, place) => Math.round(sum / counts[place]))];
}
"""


class Shrinker:
    """Makes small pictures of screenshots, in a page of its own: nothing else that is installed reads PNG."""

    def __init__(self, browser: Browser) -> None:
        self._page = browser.new_page()

    def picture(self, png: bytes, kind: Kind = "grey") -> Picture:
        """`COLUMNS` wide, each level the mean over its pixels."""
        rows, levels = self._page.evaluate(_SHRINK, [base64.b64encode(png).decode(), COLUMNS, kind])
        return np.array(levels, np.uint8).reshape(rows, COLUMNS)


def style(page: Page, css: str) -> None:
    """Add styles to a page whose policy allows none but its own."""
    page.evaluate(
        "css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
        " document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]; }",
        css,
    )


def unlike(one: Picture, other: Picture) -> float:
    """Mean difference of two pictures in grey levels, each row against the row that it fits best nearby; infinite where heights
    differ by more than such rows can."""
    first, second = _blurred(one), _blurred(other)
    costs: NDArray[np.float64] = np.abs(first[:, None] - second[None, :]).mean(axis=2)
    return _aligned(costs, max(4, round(BAND * max(len(first), len(second)))))


def _blurred(picture: Picture) -> NDArray[np.float64]:
    padded = np.pad(picture.astype(float), ((0, 0), (BLUR // 2, BLUR // 2)), mode="edge")
    return np.mean([padded[:, at : at + picture.shape[1]] for at in range(BLUR)], axis=0)


def _aligned(costs: NDArray[np.float64], band: int) -> float:
    """The least mean cost of a path from the first rows to the end of either picture. After a step in one direction only there is one
    in both (P = 1), so that nothing is squeezed to less than half."""
    rows, columns = costs.shape
    total = np.full((rows, columns), np.inf)
    for i in range(rows):
        for j in range(max(0, i - band), min(columns, i + band + 1)):
            here = float(costs[i, j])
            if not (i and j):
                total[i, j] = 2 * here if i == j else np.inf
                continue
            best = total[i - 1, j - 1] + 2 * here
            if i > 1:
                best = min(best, total[i - 2, j - 1] + 2 * costs[i - 1, j] + here)
            if j > 1:
                best = min(best, total[i - 1, j - 2] + 2 * costs[i, j - 1] + here)
            total[i, j] = best
    # Weights of a path to (i, j) add up to (i + 1) + (j + 1).
    ends = [(i, columns - 1) for i in range(rows)] + [(rows - 1, j) for j in range(columns)]
    return min(float(total[i, j]) / (i + j + 2) for i, j in ends)


def write_png(path: Path, picture: Picture) -> None:
    """Grey, 8 bits; each row as its difference from the one above, which packs well."""
    above = np.vstack([np.zeros_like(picture[:1]), picture[:-1]])
    rows = np.hstack([np.full((len(picture), 1), 2, np.uint8), picture - above])
    head = struct.pack(">IIBBBBB", picture.shape[1], picture.shape[0], 8, 0, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def read_png(path: Path) -> Picture:
    """What `write_png` wrote."""
    data, at, packed = path.read_bytes(), 8, b""
    size: tuple[Any, ...] = ()
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if name == b"IHDR":
            size = struct.unpack(">IIBBBBB", content)
        elif name == b"IDAT":
            packed += content
        at += 12 + length
    width, height, *rest = size
    assert rest == [8, 0, 0, 0, 0], f"{path} is not of the kind that `write_png` writes"
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1)
    assert (rows[:, 0] == 2).all(), f"{path} is not of the kind that `write_png` writes"
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)
