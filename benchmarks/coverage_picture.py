"""The coverage table as a picture: `coverage.json` to an SVG file.

    python benchmarks/coverage_picture.py [--json FILE] [--out FILE]

A row a kind of number, a column a range of sample sizes. Each field says how often the intervals of its cells held the truth, from
the worst cell to the best one, and is coloured by the worst (orange only beyond the simulation's own error); a corner says how many cells lie outside the bars. From orange to
blue by way of white, so that it can be read whatever colours one sees.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from coverage_cells import LOW, error, made

HERE = Path(__file__).parent
COLUMNS = ((5, 30), (30, 100), (100, 500), (500, 10_001))
LEFT, TOP, WIDTH, HEIGHT = 172, 62, 124, 25
STEPS = (
    (0.0, "#c44e00", "#ffffff"),
    (0.90, "#e88a3c", "#000000"),
    (0.925, "#f6c795", "#000000"),
    (0.935, "#f7f7f7", "#000000"),
    (0.96, "#c5dcee", "#000000"),
    (0.98, "#7fb0d8", "#000000"),
    (0.99, "#2f6fae", "#ffffff"),
)
"""From this share on: the field's colour and its text's."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_picture.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=HERE / "coverage.json", metavar="FILE")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "coverage.svg", metavar="FILE")
    options = parser.parse_args(arguments)
    rows = json.loads(options.json.read_text(encoding="utf-8"))
    options.out.write_text("\n".join(picture(rows)) + "\n", encoding="utf-8")
    return 0


def picture(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The lines of the file."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    width, height = LEFT + WIDTH * len(COLUMNS) + 12, TOP + HEIGHT * len(kinds) + 74
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    yield "<title>How often intervals of 95 % held the truth, by kind of number and number of samples</title>"
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    yield '<g font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#000000">'
    yield '<text x="12" y="22" font-size="14" font-weight="bold">Intervals of 95 %: how often they held the truth</text>'
    for at, (low, high) in enumerate(COLUMNS):
        label = f"n {low} to {high - 1}" if high < 10_000 else f"n {low} or more"
        yield _text(LEFT + (at + 0.5) * WIDTH, TOP - 10, label, "middle")
    for line, kind in enumerate(kinds):
        y = TOP + line * HEIGHT
        yield _text(LEFT - 8, y + 17, kind, "end")
        for at, (low, high) in enumerate(COLUMNS):
            own = [row for row in rows if row["kind"] == kind and low <= row["samples"] < high]
            yield from _field(LEFT + at * WIDTH, y, own)
    yield from _legend(TOP + HEIGHT * len(kinds) + 14)
    yield "</g>"
    yield "</svg>"


def _field(x: float, y: float, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    held = [row["held"] for row in rows if row["held"] is not None]
    if not held:
        yield _text(x + WIDTH / 2, y + 17, "none offered" if rows else "", "middle", "#666666")
        return
    colour, ink = _colour(min(_seen(row) for row in rows if row["held"] is not None))
    yield f'<rect x="{x + 1}" y="{y + 1}" width="{WIDTH - 2}" height="{HEIGHT - 2}" fill="{colour}" stroke="#999999" stroke-width="0.5"/>'
    ends = f"{100 * min(held):.1f}", f"{100 * max(held):.1f}"
    yield _text(x + WIDTH / 2, y + 17, ends[0] if ends[0] == ends[1] else "–".join(ends), "middle", ink)
    bars = {"low", "low (named)", "one side", "one side (named)", "width"}
    if outside := sum(not bars.isdisjoint(row["outside"]) for row in rows):
        yield _text(x + WIDTH - 5, y + 11, str(outside), "end", ink, 9)


def _seen(row: dict[str, Any]) -> float:
    """The share held; where that is under the bar, with as much added as the simulation's own error may have taken."""
    held = float(row["held"])
    return held if held >= LOW else min(LOW, held + error(LOW, made(row)))


def _colour(share: float) -> tuple[str, str]:
    return [(colour, ink) for start, colour, ink in STEPS if share >= start][-1]


def _legend(y: float) -> Iterator[str]:
    x = float(LEFT)
    yield _text(LEFT - 8, y + 12, "worst cell, %", "end")
    for (start, colour, ink), following in zip(STEPS, [*STEPS[1:], None], strict=True):
        label = f"&lt; {100 * following[0]:g}" if not start and following else f"≥ {100 * start:g}"
        yield f'<rect x="{x}" y="{y}" width="62" height="17" fill="{colour}" stroke="#999999" stroke-width="0.5"/>'
        yield f'<text x="{x + 31}" y="{y + 13}" text-anchor="middle" fill="{ink}">{label}</text>'
        x += 66
    notes = (
        "Orange only where that is more than the simulation's own error.",
        "Small digits: cells that miss a bar (under 93.5 %, over 4 % on one side, too wide) by more than that error.",
    )
    for line, note in enumerate(notes):
        yield _text(12, y + 36 + 14 * line, note, "start", "#444444", 10)


def _text(x: float, y: float, text: str, anchor: str, ink: str = "#000000", size: int = 12) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{ink}" font-size="{size}">{escape(text)}</text>'


if __name__ == "__main__":
    sys.exit(main())
