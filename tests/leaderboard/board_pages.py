"""The tables of task and model pages as their HTML has them, and what should stand there. Shares no code with the site."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

from board_numbers import Board, Number, Published, with_unit
from front_found import Found, Records, averaged, written

VOID = frozenset({"wbr", "br", "meta", "input", "link", "img", "hr", "rect", "line", "path", "circle"})
DASH = "–"


@dataclass
class Cell:
    """A cell's own text, and that of what stands small beside it."""

    text: str = ""
    beside: str = ""
    names: list[str] = field(default_factory=list)
    """The isolated names in it, such as models'."""
    mark: str = ""
    title: str = ""
    kind: str = ""
    spans: int = 1


@dataclass
class Block:
    """A table, under which heading it stands, and in which card."""

    head: str
    card: str
    kind: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    """Of each row."""

    def cells(self, row: list[Cell]) -> dict[str, Cell]:
        """By column. One cell may stand in several."""
        spread = [cell for cell in row for _ in range(cell.spans)]
        assert len(spread) == len(self.columns), (self.head, [cell.text for cell in row])
        return dict(zip(self.columns, spread, strict=True))


class Page(HTMLParser):
    """All tables of a page, its title, and its notes below tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.title = Cell()
        self.blocks: list[Block] = []
        self.notes: list[tuple[str, str]] = []
        """In which card, and the text."""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._head = Cell()
        self._card = ""
        self._into: Cell | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in VOID:
            return
        self._open.append((tag, found))
        kind = found.get("class") or ""
        if tag == "section":
            self._card = found.get("id") or ""
        elif tag == "h1":
            self._into = self.title
        elif tag in ("h2", "h3", "h4"):
            self._into = self._head = Cell()
        elif tag == "table":
            self.blocks.append(Block(self._head.text.strip(), self._card, kind))
        elif tag == "tr" and self.blocks:
            self.blocks[-1].rows.append([])
            self.blocks[-1].kinds.append(kind)
        elif tag in ("td", "th") and self.blocks and self.blocks[-1].rows:
            self._into = Cell(kind=kind, title=found.get("title") or "", spans=int(found.get("colspan") or 1))
            self.blocks[-1].rows[-1].append(self._into)
        elif tag == "bdi" and self._into is not None:
            self._into.names.append("")
        elif tag == "p" and kind in ("note", "hint"):
            self.notes.append((self._card, ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag in ("td", "th", "h1", "h2", "h3", "h4"):
            self._into = None
        if tag == "thead":
            self.blocks[-1].columns = [
                cell.text.strip() or cell.beside.strip() for cell in self.blocks[-1].rows.pop()
            ]
            self.blocks[-1].kinds.pop()

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        kinds = {part for _, found in self._open for part in (found.get("class") or "").split()}
        if "p" in tags and kinds & {"note", "hint"} and self.notes:
            self.notes[-1] = (self._card, self.notes[-1][1] + data)
        if self._into is None or "svg" in tags:
            return
        if "bdi" in tags:
            self._into.names[-1] += data
        if "sup" in tags:
            self._into.mark += data
        elif kinds & {"sub", "unseen", "way"}:
            self._into.beside += data
        else:
            self._into.text += data


def _interval(number: Found) -> str:
    if number.low is None or number.high is None:
        return DASH
    return f"[{written(number.low, number.unit)}, {written(number.high, number.unit)}]"


def check_row(cells: dict[str, Cell], number: Number, marked: bool, where: tuple[str, ...]) -> Counter[str]:
    """One line of numbers: value, interval, how many samples, and by which method."""
    assert cells["n"].text.strip() == f"{number.n:,}", where
    assert cells["Missing"].text.strip() == f"{number.missing:,}", where
    assert cells["Method"].text.strip() == number.said["method"], where
    if number.value is None:
        assert cells["Value"] is cells["Interval"], where
        assert cells["Value"].text.strip() == DASH, where
        return Counter({"without a value": 1})
    assert cells["Value"].text.strip() == with_unit(number.value, number.said["unit"]), where
    assert cells["Interval"].text.strip() == _interval(number.found()), where
    assert bool(cells["Value"].mark) == marked, where
    return Counter({"values": 1, "intervals": number.ends is not None})


def check_task_page(
    page: Page, board: Board, shown: Records, published: Published, task: str
) -> Counter[str]:
    """All numbers of all models, a table a metric."""
    seen: Counter[str] = Counter()
    left = {(name, metric) for name, numbers in board.items() for one, metric in numbers if one == task}
    for block in page.blocks:
        if block.columns[:3] != ["Model", "Value", "Interval"]:
            continue
        metric = block.head.rstrip("↑↓").strip()
        for row, kind in zip(block.rows, block.kinds, strict=True):
            name = "".join(row[0].names)
            if kind == "published":
                assert (task, metric, name, block.cells(row)["Value"].text.strip()) in published, (
                    task,
                    metric,
                    name,
                )
                seen["published"] += 1
                continue
            left.remove((name, metric))
            found = shown[0][name].get(f"task:{task}:{metric}")
            seen += check_row(
                block.cells(row),
                board[name][task, metric],
                found is not None and found.marked,
                (task, metric, name),
            )
    assert not left, f"{task}: {len(left)} numbers are not shown: {sorted(left)[:3]}"
    return seen


def check_model_page(page: Page, board: Board, shown: Records, name: str) -> Counter[str]:
    """Its areas, and all numbers of its tasks, a table a task."""
    seen: Counter[str] = Counter()
    left = set(board[name])
    cards = {task.replace("_", "-"): task for task, _ in left}
    for block in page.blocks:
        if "profile" in block.kind.split():
            seen += _check_areas(block, shown, name)
        if block.columns[:3] != ["Metric", "Value", "Interval"]:
            continue
        task = cards[block.card]
        for row in block.rows:
            cells = block.cells(row)
            metric = row[0].text.strip()
            left.remove((task, metric))
            number = board[name][task, metric]
            found = shown[0][name].get(f"task:{task}:{metric}")
            seen += check_row(cells, number, found is not None and found.marked, (name, task, metric))
            clusters = re.fullmatch(r"([\d,]+) clusters?", cells["n"].beside.strip())
            assert (int(clusters[1].replace(",", "")) if clusters else None) == number.clusters, (
                name,
                task,
                metric,
            )
    assert not left, f"{name}: {len(left)} numbers are not shown: {sorted(left)[:3]}"
    return seen + _check_cut(page, board, name, cards)


def _check_areas(block: Block, shown: Records, name: str) -> Counter[str]:
    """The means of areas, turned so that 100 is best."""
    models, first = shown
    own = models[name]
    for row in block.rows:
        cells = block.cells(row)
        area = cells["Area"].text.strip()
        inside = [
            column for column in first.values()
            if column in own and own[column].area == area
            and own[column].unit in ("fraction", "points") and own[column].higher is not None
        ]  # fmt: skip
        found = averaged(own, inside, rate=False)
        assert found is not None, (name, area)
        assert cells["Mean"].text.strip() == written(found.value, "fraction"), (name, area)
        assert cells["Interval"].text.strip() == _interval(found), (name, area)
        assert cells["Tasks"].text.strip() == str(len(inside)), (name, area)
    return Counter({"areas": len(block.rows)})


def _check_cut(page: Page, board: Board, name: str, cards: dict[str, str]) -> Counter[str]:
    """What answers that ran out of tokens could change: as if all of them were wrong, and without them."""
    seen: Counter[str] = Counter()
    told = re.compile(
        r"(\S+): ([\d,]+) of ([\d,]+) answers ran out of tokens; (\S+) with all of them wrong(?:, (\S+) without them)?\."
    )
    for card, note in page.notes:
        found = told.fullmatch(note.strip())
        if found is None:
            continue
        task, metric = cards[card], found[1]
        number = board[name][task, metric]
        wrong, left = number.table.without_cut(metric)
        assert int(found[2].replace(",", "")) == number.cut, (name, task, metric)
        assert int(found[3].replace(",", "")) == len(number.table.rows), (name, task, metric)
        for shown, value in ((found[4], wrong), (found[5], left)):
            assert shown == (None if value is None else f"{written(value, 'fraction')}%"), (
                name,
                task,
                metric,
            )
        seen["cut off"] += 1
    return seen
