"""Tables for a terminal: columns aligned by their display width."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence


def aligned(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> Iterator[str]:
    """Lines: the header, a rule, the rows. Columns in `right` are aligned to the right."""
    table = [list(header), *[list(row) for row in rows]]
    widths = [max(_width(row[at]) for row in table) for at in range(len(header))]
    for at, row in enumerate(table):
        cells = []
        for column, (text, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - _width(text))
            cells.append(space + text if column in right else text + space)
        yield "  ".join(cells).rstrip()
        if at == 0:
            yield "  ".join("-" * width for width in widths)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        2
        if unicodedata.east_asian_width(character) in "WF"
        else 0
        if unicodedata.category(character) in ("Mn", "Me")
        else 1
        for character in text
    )
