"""Converts GitHub's Markdown to the equivalent for Python-Markdown, which zensical uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_FENCE = re.compile(r"^ *(`{3,}|~{3,})")
_HEADING = re.compile(r"^(#{1,6}) +(.*?)(?: +#+)? *$")
_ITEM = re.compile(r"^ *(?P<mark>[-*+]|\d{1,9}[.)]) {1,4}(?=\S)")
_CODE = r"(?P<ticks>`+)(?!`)(?P<code>(?:(?!\n\n).)*?)(?<!`)(?P=ticks)(?!`)"
_LINK = r"(?P<image>!?)\[(?P<text>(?:[^\[\]`]|`[^`]*`)*)\]\((?P<to>[^)\s]+)\)"
_CODE_OR_LINK = re.compile(f"{_CODE}|{_LINK}", re.DOTALL)
_CODE_SPAN = re.compile(_CODE, re.DOTALL)
_CODE_OR_COMMENT = re.compile(rf"{_CODE}|<!--.*?-->\n?", re.DOTALL)
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z_-]*[a-z])")
_TAB = 4
"""Spaces of indentation by which Python-Markdown assigns a line to a list item."""


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of a page, in order: whether the part is a fenced block of code, and its lines, with any fences."""
    lines: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            lines.append(line)
            if found and found[1].startswith(fence) and not line.strip().strip(fence[0]):
                yield True, "".join(lines)
                lines, fence = [], ""
        elif found:
            if lines:
                yield False, "".join(lines)
            lines, fence = [line], found[1]
        else:
            lines.append(line)
    if lines:
        yield bool(fence), "".join(lines)


def prose(text: str, change: Callable[[str], str]) -> str:
    """The page with `change` applied to everything except blocks of code."""
    return "".join(part if code else change(part) for code, part in pieces(text))


def title(text: str) -> str:
    """The text of a page's first heading, without marks; "" if it has none."""
    for code, part in pieces(text):
        for line in [] if code else part.splitlines():
            if found := _HEADING.match(line):
                return plain(found[2])
    return ""


def plain(text: str) -> str:
    """A line of Markdown without its marks for code and links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("*", "")


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    unlinked = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", unlinked).replace(" ", "-")


def with_anchors(text: str) -> str:
    """The page with the anchor that GitHub gives each heading; repeated ones are numbered from the second on."""
    seen: dict[str, int] = {}

    def headed(part: str) -> str:
        return "".join(map(line_of, part.splitlines(keepends=True)))

    def line_of(line: str) -> str:
        found = _HEADING.match(line)
        if not found:
            return line
        name = slug(found[2])
        seen[name] = seen.get(name, -1) + 1
        anchor = f"{name}-{seen[name]}" if seen[name] else name
        return f"\n{found[1]} {found[2]} {{ #{anchor} }}\n\n"

    return prose(text, headed)


def with_links(text: str, change: Callable[[str], str | None]) -> str:
    """The page with `change` applied to the address of each link and picture; if it returns None, only the words stay."""

    def linked(found: re.Match[str]) -> str:
        if found["to"] is None:
            return found[0]
        words = with_links(found["text"], change) if "](" in found["text"] else found["text"]
        to = change(found["to"])
        return words if to is None else f"{found['image']}[{words}]({to})"

    return prose(text, lambda part: _CODE_OR_LINK.sub(linked, part))


def escaped(text: str) -> str:
    """Escapes plain text for Markdown; text in backticks stays code, and options become code."""
    return _beside_code(text, _escaped)


def docstring(text: str) -> str:
    """A docstring as Markdown, with angle brackets escaped outside code."""
    return _beside_code(text, lambda part: part.replace("&", "&amp;").replace("<", "&lt;"))


def _beside_code(text: str, change: Callable[[str], str]) -> str:
    parts: list[str] = []
    end = 0
    for found in _CODE_SPAN.finditer(text):
        parts += [change(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, change(text[end:])])


def _escaped(text: str) -> str:
    parts = _OPTION.split(text)
    return "".join(f"`{part}`" if at % 2 else _plainly(part) for at, part in enumerate(parts))


def _plainly(text: str) -> str:
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))


def readable(text: str) -> str:
    """The page as Python-Markdown needs it: list items indented in steps of four spaces, a blank line before lists, tables
    and blocks of code, no backslash before a bar in a table's code, and no comments."""
    lines: list[str] = []
    open_items: list[int] = []  # columns where the contents of open items begin
    for code, part in pieces(
        prose(text, lambda part: _CODE_OR_COMMENT.sub(lambda found: found[0] if found["ticks"] else "", part))
    ):
        if code:
            _add_code(lines, open_items, part.splitlines())
        else:
            for line in part.splitlines():
                _add_line(lines, open_items, line)
    return "\n".join(lines) + "\n"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _add_code(lines: list[str], open_items: list[int], code: list[str]) -> None:
    column = _indent(code[0])
    while open_items and column < open_items[-1]:
        open_items.pop()
    if lines and lines[-1]:
        lines.append("")
    margin = " " * (_TAB * len(open_items))
    lines += [margin + line[min(column, _indent(line)) :] if line.strip() else "" for line in code]
    lines.append("")


def _add_line(lines: list[str], open_items: list[int], line: str) -> None:
    if not line.strip():
        if lines and lines[-1]:
            lines.append("")
        return
    blank = not lines or not lines[-1]
    column, item = _indent(line), _ITEM.match(line)
    if item and not blank and not open_items and item["mark"][0].isdigit() and item["mark"][:-1] != "1":
        item = None  # a number at the start of a paragraph's line
    within = bool(open_items)
    if blank or item or line.startswith("#"):
        while open_items and column < open_items[-1]:
            open_items.pop()
    margin = " " * (_TAB * len(open_items))
    if item:
        if not blank and not (within and _begins_with_item(lines)):
            lines.append("")
        open_items.append(item.end())
        lines.append(f"{margin}{item['mark']:<{_TAB - 1}} {line[item.end() :]}")
        return
    table = line.lstrip().startswith("|")
    if table and not blank and not lines[-1].lstrip().startswith("|"):
        lines.append("")
    rest = line[open_items[-1] :] if open_items and column >= open_items[-1] else line.lstrip(" ")
    lines.append(margin + (_table_row(rest) if table else rest if open_items else line))


def _begins_with_item(lines: list[str]) -> bool:
    """Whether the last block, not yet followed by a blank line, begins with an item: any other would absorb the next item."""
    block = len(lines)
    while block and lines[block - 1]:
        block -= 1
    return _ITEM.match(lines[block]) is not None


def _table_row(line: str) -> str:
    return _CODE_SPAN.sub(lambda found: found[0].replace("\\|", "|"), line)
