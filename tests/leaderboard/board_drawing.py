"""A drawing of quality against cost as its HTML has it: the table, the points, and the axes. Shares no code with the site."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Sequence
from functools import cached_property

ROW = re.compile(
    r'<tr><th scope="row"><a [^>]*>([^<]*)</a></th><td class="num">([^<]*)</td><td class="num"[^>]*>([^<]*)</td><td><span[^>]*>([^<]*)</span>'
)
MARK = re.compile(
    r'<g class="(on|may|off|unknown)"><title>([^<]*)</title>(?:<path class="ends" d="([^"]*)"/>)?<(?:circle c|rect )x="([^"]*)" (?:c)?y="([^"]*)"'
)


class Drawing:
    """One piece of the page."""

    def __init__(self, text: str) -> None:
        self.rows = {
            html.unescape(name): tuple(map(html.unescape, rest)) for name, *rest in ROW.findall(text)
        }
        self.marks = {
            html.unescape(title).partition(": ")[0]: (status, html.unescape(title), ends, float(x), float(y))
            for status, title, ends, x, y in MARK.findall(text)
        }
        self.steps = (re.findall(r'<path class="steps" d="([^"]*)"', text) or [""])[0]
        self.counts = dict(re.findall(r'<span data-t(?:="[^"]*")?>([^<]*)</span>: (\d+)</li>', text))
        self._text = text

    @cached_property
    def scales(self) -> tuple[Callable[[float], float] | None, Callable[[float], float] | None]:
        """From numbers as the axes have them to places, by each axis' first and last tick; none of an axis with one tick."""
        ticks: dict[str, list[tuple[float, float]]] = {"middle": [], "end": []}
        inside = self._text.partition('<g class="ticks"')[2].partition("</g>")[0]
        for x, y, anchor, number in re.findall(
            r'<text x="([^"]*)" y="([^"]*)" text-anchor="(\w+)">([^<]*)<', inside
        ):
            place = float(x) if anchor == "middle" else float(y) - 4
            ticks[anchor].append((float(number.replace(",", "").replace("−", "-")), place))
        caption = re.sub(
            r"<[^>]*>", "", self._text.partition("<figcaption>")[2].partition("</figcaption>")[0]
        )
        up, _, across = caption.partition("upwards")[2].partition(" · ")
        return _scale(ticks["middle"], "logarithmic" in across), _scale(ticks["end"], "logarithmic" in up)


def _scale(ticks: Sequence[tuple[float, float]], logarithmic: bool) -> Callable[[float], float] | None:
    if len(ticks) < 2:
        return None
    (one, first), (two, last) = ticks[0], ticks[-1]
    turned: Callable[[float], float] = math.log if logarithmic else float
    step = (last - first) / (turned(two) - turned(one))
    return lambda number: first + step * (turned(number) - turned(one))
