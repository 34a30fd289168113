"""Tables for a terminal: columns aligned by their display width, in lines of at most a given width."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence

_GAP = 2
"""Cells between two columns."""
_LEAST = 16
"""The least width of a text column, in cells; if that does not fit, rows are written as blocks."""
_WORD = 30
"""Cells that a text column gets for its longest word if there is room."""

_JOINTS = "_-/.,"
"""Characters after which a long word is preferably broken."""


def aligned(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
    room: int | None = None,
) -> Iterator[str]:
    """Lines: the header, a rule, the rows. Columns in `right` are aligned to the right.

    With `room`, lines have at most that many cells: text columns are wrapped, but never the first (names) nor those in
    `right` (numbers). If that does not fit, each row becomes a block: its name, and below it the other columns. No text
    is lost; only a name that is wider than the room makes a longer line.
    """
    table = [list(header), *[list(row) for row in rows]]
    widths = [max(_width(row[at]) for row in table) for at in range(len(header))]
    if room is not None and _total(widths) > room:
        fitting = _fitted(table, widths, right, room)
        if fitting is None:
            yield from _blocks(table, room)
            return
        widths = fitting
    for at, row in enumerate(table):
        cells = [wrapped(text, width) for text, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            parts = [own[line] if line < len(own) else "" for own in cells]
            yield _line(parts, widths, right)
        if at == 0:
            yield (" " * _GAP).join("-" * width for width in widths)


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at spaces; a longer word is broken where a line ends."""
    if _width(text) <= width:
        return [text]
    lines, line, used = [], "", 0
    for word in text.split(" "):
        size = _width(word)
        if line and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, width)
        lines += whole
        used = _width(line)
    return [*lines, line] if line else lines


def _pieces(word: str, width: int) -> list[str]:
    """A word in parts of at most `width` cells (or of one wider character), broken after one of `_JOINTS` if it has one."""
    pieces, piece, used = [], "", 0
    for character in word:
        size = _width(character)
        if piece and used + size > width:
            end = 1 + max(piece.rfind(sign) for sign in _JOINTS)
            end = end if end > len(piece) // 2 else len(piece)
            pieces.append(piece[:end])
            piece = piece[end:]
            used = _width(piece)
        piece, used = piece + character, used + size
    return [*pieces, piece]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _line(parts: Sequence[str], widths: Sequence[int], right: Collection[int]) -> str:
    cells = []
    for column, (text, width) in enumerate(zip(parts, widths, strict=True)):
        space = " " * (width - _width(text))
        cells.append(space + text if column in right else text + space)
    return (" " * _GAP).join(cells).rstrip()


def _fitted(
    table: Sequence[Sequence[str]], widths: Sequence[int], right: Collection[int], room: int
) -> list[int] | None:
    """The widths with those of text columns reduced until a line fits; None if none fit."""
    found = list(widths)
    text = [column for column in range(1, len(widths)) if column not in right]
    for column in text:
        longest = max(_width(word) for row in table for word in row[column].split(" "))
        found[column] = min(widths[column], max(_LEAST, min(longest, _WORD)))
    if _total(found) > room:  # then a long word is broken
        for column in text:
            found[column] = min(widths[column], _LEAST)
    spare = room - _total(found)
    if spare < 0:
        return None
    # Spare cells go to columns in proportion to how much text they have, to none more than it needs.
    weights = {column: sum(_width(row[column]) for row in table) for column in text}
    open_yet = [column for column in text if widths[column] > found[column]]
    while open_yet and spare > 0:
        whole = sum(weights[column] for column in open_yet)
        shares = {column: spare * weights[column] // whole for column in open_yet}
        full = [column for column in open_yet if widths[column] - found[column] <= shares[column]]
        for column in full or open_yet:
            more = min(shares[column], widths[column] - found[column])
            found[column] += more
            spare -= more
        if not full:
            found[open_yet[-1]] += min(spare, widths[open_yet[-1]] - found[open_yet[-1]])
            break
        open_yet = [column for column in open_yet if column not in full]
    return found


def _blocks(table: Sequence[Sequence[str]], room: int) -> Iterator[str]:
    """Each row as its name, and below it `column: text` of the others, as many on a line as fit."""
    header, *rows = table
    inner = max(room - _GAP, _LEAST)
    for row in rows:
        if row[0]:
            yield row[0]
        said = [f"{name}: {text}" for name, text in zip(header[1:], row[1:], strict=True) if text]
        line = ""
        for one in said:
            if line and _width(line) + _GAP + _width(one) <= inner:
                line += " " * _GAP + one
                continue
            if line:
                yield " " * _GAP + line
            *whole, line = wrapped(one, inner)
            yield from (" " * _GAP + part for part in whole)
        if line:
            yield " " * _GAP + line


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        2
        if unicodedata.east_asian_width(character) in "WF"
        else 0
        if unicodedata.category(character) in ("Mn", "Me", "Cf")
        else 1
        for character in text
    )
