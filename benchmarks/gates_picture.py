"""Gates as a picture: `gates.json` to an SVG file.

    python benchmarks/gates_picture.py [--json FILE] [--out FILE]

A block a number of pairs and a share that differs, a row a gate, a column a true loss. Each field is a bar: blue passes, grey is undecided,
orange fails. The digits are what matters in that column: who passes where nothing is lost or the loss is the margin, who fails beyond.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from gates_rules import MARGIN

HERE = Path(__file__).parent
BLOCKS = ((200, 0.02), (1319, 0.1), (10_000, 0.05))
COLUMNS = ((0.0, "unchanged"), (0.01, "loss 1"), (MARGIN, "1.5, the margin"), (0.02, "2"), (0.03, "3"), (0.05, "5 points"))  # fmt: skip
RIGHT = 0.7
LEFT, WIDTH, HEIGHT, HEAD = 150, 108, 22, 46
COLOURS = {"pass": "#2f6fae", "undecided": "#dddddd", "fail": "#e07b1a"}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="gates_picture.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=HERE / "gates.json", metavar="FILE")
    parser.add_argument("--out", type=Path, default=HERE / "gates.svg", metavar="FILE")
    options = parser.parse_args(arguments)
    rows = json.loads(options.json.read_text(encoding="utf-8"))["cells"]
    options.out.write_text("\n".join(picture(rows)) + "\n", encoding="utf-8")
    return 0


def picture(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of the file."""
    shown = [row for row in rows if not row["clustered"] and row["metrics"] == 1 and row["right"] in (None, RIGHT)]  # fmt: skip
    gates = list(dict.fromkeys(row["gate"] for row in shown))
    by = {(row["n"], row["differ"], row["gate"], row["loss"]): row for row in shown}
    block = HEAD + HEIGHT * len(gates)
    width, height = LEFT + WIDTH * len(COLUMNS) + 12, 34 + block * len(BLOCKS) + 52
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    yield "<title>What gates say of pull requests, by true loss, with a margin of 1.5 points</title>"
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    yield '<g font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#000000">'
    yield _text(12, 22, "What gates say, by true loss (margin 1.5 points)", "start", size=14, bold=True)
    for at, (n, differ) in enumerate(BLOCKS):
        top = 34 + at * block
        yield _text(12, top + 18, f"{n:,} pairs, of which {100 * differ:g} % differ (a larger loss: as many as are lost)", "start", bold=True)  # fmt: skip
        for column, (_, label) in enumerate(COLUMNS):
            yield _text(LEFT + (column + 0.5) * WIDTH, top + 38, label, "middle", "#444444", 11)
        for line, gate in enumerate(gates):
            y = top + HEAD + line * HEIGHT
            yield _text(LEFT - 8, y + 15, gate, "end", bold=line == 0)
            for column, (loss, _) in enumerate(COLUMNS):
                row = by.get((n, differ, gate, loss))
                if row is not None:
                    yield from _field(LEFT + column * WIDTH, y, row)
    yield from _legend(34 + block * len(BLOCKS) + 14)
    yield "</g>"
    yield "</svg>"


def _field(x: float, y: float, row: Mapping[str, Any]) -> Iterator[str]:
    whole = WIDTH - 6
    shares = {"pass": row["pass"], "undecided": 1 - row["pass"] - row["fail"], "fail": row["fail"]}
    at = x + 3
    for name, share in shares.items():
        wide = whole * share
        if wide > 0.05:
            yield f'<rect x="{at:.1f}" y="{y + 2}" width="{wide:.1f}" height="{HEIGHT - 4}" fill="{COLOURS[name]}"/>'
        at += wide
    told = "pass" if row["loss"] in (0.0, MARGIN) else "fail"
    words = f"{100 * row[told]:.0f} % {'pass' if told == 'pass' else 'fail'}"
    yield f'<rect x="{x + whole / 2 - 29:.1f}" y="{y + 5}" width="64" height="{HEIGHT - 10}" rx="3" fill="#ffffff" fill-opacity="0.85"/>'
    yield _text(x + whole / 2 + 3, y + 15, words, "middle", size=10)


def _legend(y: float) -> Iterator[str]:
    x = float(LEFT)
    for name, words in (("pass", "pass"), ("undecided", "not enough data"), ("fail", "fail")):
        yield f'<rect x="{x}" y="{y}" width="16" height="12" fill="{COLOURS[name]}"/>'
        yield _text(x + 22, y + 10, words, "start")
        x += 130
    note = f"One metric. The last two rows with a baseline that gets {100 * RIGHT:g} % right. Rules of others re-stated."
    yield _text(12, y + 30, note, "start", "#444444", 10)


def _text(
    x: float, y: float, text: str, anchor: str, ink: str = "#000000", size: int = 12, *, bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{ink}" font-size="{size}"{weight}>{escape(text)}</text>'


if __name__ == "__main__":
    sys.exit(main())
