"""Small grey pictures of pages, and how unlike two of them are.

A stored picture must say the same of another Chromium with other fonts, and something else of a page that is broken. So a picture is
small (some 13 pixels of the page are one of it: no letter is left of a text, but its grey), and two are laid over each other row by row with room for lines that
break elsewhere (dynamic time warping: Sakoe & Chiba 1978, with their slope constraint P = 1, and an open end, since a page is cut off at a
fixed height). What counts is where they differ most, over a few rows: a table that is gone is a small part of a long page.
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

BLUR = (7, 15)
"""Rows and columns that are averaged before pictures are compared: letters are higher and words end elsewhere in another font."""
SPOT = 3
"""Rows and columns of the same, of a chart: its marks are where they are."""
WINDOW = 8
"""Rows over which pages may not differ."""
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

    def picture(self, png: bytes, columns: int, kind: Kind = "grey") -> Picture:
        """So many columns wide, each level the mean over its pixels."""
        rows, levels = self._page.evaluate(_SHRINK, [base64.b64encode(png).decode(), columns, kind])
        return np.array(levels, np.uint8).reshape(rows, columns)


def style(page: Page, css: str) -> None:
    """Add styles to a page whose policy allows none but its own."""
    page.evaluate(
        "css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
        " document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]; }",
        css,
    )


def unlike(one: Picture, other: Picture) -> float:
    """How much two pictures differ where they do most: mean difference in grey levels of 255 over `WINDOW` rows, each held against the
    row that it fits best nearby."""
    first, second = _blurred(one, *BLUR), _blurred(other, *BLUR)
    costs = np.abs(first[:, None] - second[None, :]).mean(axis=2)
    steps = _aligned(costs, max(4, round(BAND * max(len(first), len(second)))))
    return float(np.convolve(steps, np.full(WINDOW, 1 / WINDOW), "valid").max())


def spot(one: Picture, other: Picture) -> float:
    """The greatest difference of two pictures at any place, none of them moved; one row more or less is the rounding of a height."""
    assert abs(len(one) - len(other)) <= 1, "they are not of one shape"
    rows = min(len(one), len(other))
    return float(np.abs(_blurred(one[:rows], SPOT, SPOT) - _blurred(other[:rows], SPOT, SPOT)).max())


def _blurred(picture: Picture, rows: int, columns: int) -> NDArray[np.float64]:
    """The mean over so many around each place, both odd."""
    sides = ((rows // 2, rows // 2), (columns // 2, columns // 2))
    whole = np.lib.stride_tricks.sliding_window_view(
        np.pad(picture.astype(float), sides, mode="edge"), (rows, columns)
    )
    return np.asarray(whole.mean(axis=(2, 3)))


def _aligned(costs: NDArray[np.float64], band: int) -> list[float]:
    """The costs along the path of least mean cost from the first rows to the end of either picture. After a step in one direction only
    there is one in both (P = 1), so that nothing is squeezed to less than half."""
    rows, columns = costs.shape
    total = np.full((rows, columns), np.inf)
    before: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i in range(rows):
        for j in range(max(0, i - band), min(columns, i + band + 1)):
            here = float(costs[i, j])
            if not (i and j):
                total[i, j] = 2 * here if i == j else np.inf
                continue
            ways = [(total[i - 1, j - 1] + 2 * here, [(i - 1, j - 1)])]
            if i > 1:
                ways.append((total[i - 2, j - 1] + 2 * costs[i - 1, j] + here, [(i - 1, j), (i - 2, j - 1)]))
            if j > 1:
                ways.append((total[i - 1, j - 2] + 2 * costs[i, j - 1] + here, [(i, j - 1), (i - 1, j - 2)]))
            total[i, j], before[i, j] = min(ways)
    # Weights of a path to (i, j) add up to (i + 1) + (j + 1).
    ends = [(i, columns - 1) for i in range(rows)] + [(rows - 1, j) for j in range(columns)]
    path = [min(ends, key=lambda end: total[end] / (sum(end) + 2))]
    while path[-1] in before:
        path += before[path[-1]]
    return [float(costs[step]) for step in path]


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
