"""The front page's table as its HTML has it, and what should stand there. Shares no code with the site."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from front_found import Found, Records, averaged, said_of, written

HARMS = ("hallucination", "bias", "privacy", "safety")
NO_MODEL = ("builtin:uniform", "builtin:longest", "builtin:first", "builtin:says_no")


@dataclass
class Cell:
    """As the page has it."""

    value: str = ""
    interval: str = ""
    notes: list[str] = field(default_factory=list)
    mark: str = ""
    text: str = ""


class Table(HTMLParser):
    """The page's table, and the data beside it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.columns: list[str] = []
        self.rows: dict[str, list[Cell]] = {}
        self.heads: dict[str, str] = {}
        self.data: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._row = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("wbr", "br", "meta", "input"):
            return
        self._open.append((tag, found))
        if tag == "th" and found.get("data-id") and found["data-id"] != "model":
            self.columns.append(found["data-id"] or "")
        if tag == "th" and found.get("scope") == "row":
            self._row = found["title"] or ""
            self.rows[self._row] = []
        if tag == "td" and self._row:
            self.rows[self._row].append(Cell())
        if tag == "small" and self._row and self.rows[self._row]:
            self.rows[self._row][-1].notes.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag == "tr":
            self._row = ""

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if tags[-1:] == ["script"] and (name := self._open[-1][1].get("data-name")):
            self.data[name] = json.loads(data)
        if "thead" in tags and "th" in tags and self.columns:
            self.heads[self.columns[-1]] = self.heads.get(self.columns[-1], "") + data
        if not self._row or "td" not in tags:
            return
        cell = self.rows[self._row][-1]
        if "small" in tags:
            cell.notes[-1] += data
        elif "sup" in tags:
            cell.mark += data
        elif "b" in tags:
            cell.value += data
        elif "i" in tags:
            cell.interval += data
        elif "unseen" not in (self._open[-1][1].get("class") or ""):
            cell.text += data


def check(cell: Cell, found: Found | None, where: tuple[str, str], head: str) -> None:
    if found is None:
        assert (cell.value, cell.text.strip()) == ("", "–"), where
        return
    assert cell.value == written(found.value, found.unit), where
    bounds = [written(end, found.unit) for end in (found.low, found.high) if end is not None]
    assert cell.interval == (f"[{bounds[0]}, {bounds[1]}]" if bounds else ""), where
    notes = set(cell.notes)
    assert f"n {found.n}" in notes or head.endswith(f"· n {found.n}"), where
    assert bool(cell.mark) == found.marked, where
    shares = said_of(found.missing, found.n + found.missing, "missing") | said_of(
        found.cut, found.answers, "cut off"
    )
    assert {note for note in notes if note.endswith((" missing", " cut off"))} == shares, where
    part = {note for note in notes if note.endswith(" tasks")}
    have, _, whole = found.signature[0].partition("/") if not where[1].startswith("task:") else ("1", "", "1")
    assert part == ({f"{have}/{whole} tasks"} if have != whole else set()), where


def check_page(
    site: Path, read: Records, reference: str | None, suites: dict[str, list[str]]
) -> Counter[str]:
    """Checks all cells; how many of each kind there were."""
    table = Table((site / "index.html").read_text(encoding="utf-8"))
    models, first = read
    assert set(table.rows) == set(models)
    unlike = {"perplexity"}
    scale = {
        name: next(own[column] for own in models.values() if column in own) for name, column in first.items()
    }
    fit = {
        name: one
        for name, one in scale.items()
        if one.unit in ("fraction", "points") and one.higher is not None
    }
    assert unlike.isdisjoint(one.unit for one in fit.values())
    seen: Counter[str] = Counter()
    for name, cells in table.rows.items():
        own = models[name]
        assert len(cells) == len(table.columns) + 1, "the rank stands before"
        for column, cell in zip(table.columns, cells[1:], strict=True):
            kind, _, rest = column.partition(":")
            seen[kind] += 1
            where = (name, column)
            head = table.heads[column]
            if kind == "task":
                check(cell, own.get(column), where, head)
            elif kind in ("area", "suite"):
                inside = [
                    first[one]
                    for one in sorted(fit)
                    if (one in suites[rest] if kind == "suite" else fit[one].area == rest)
                ]
                check(
                    cell,
                    averaged(own, inside, rate=kind == "area" and rest in HARMS),
                    where,
                    head,
                )
            elif kind == "ratio":
                inside = [first[one] for one in fit if fit[one].area == rest]
                here, base = (averaged(models[one], inside, rate=True) for one in (name, reference or ""))
                if here is None or here.marked or here.signature != (f"{len(inside)}/{len(inside)}",):
                    assert cell.text.strip() == "–", where
                    continue
                assert base is not None
                logs = [[math.log(max(end or 0, 0.001)) for end in (o.low, o.value, o.high)] for o in (here, base)]  # fmt: skip
                middle = logs[0][1] - logs[1][1]
                low = middle - math.hypot(logs[0][1] - logs[0][0], logs[1][2] - logs[1][1])
                high = middle + math.hypot(logs[0][2] - logs[0][1], logs[1][1] - logs[1][0])
                ends = (1.0, 1.0, 1.0) if name == reference else tuple(map(math.exp, (low, middle, high)))
                assert cell.value == f"{ends[1]:.2f}", where
                assert cell.interval == f"[{ends[0]:.2f}, {ends[2]:.2f}]", where
            else:
                raise AssertionError(column)
    _check_data(table, models)
    return seen


def _check_data(table: Table, models: dict[str, dict[str, Found]]) -> None:
    """What the script draws from is what the table says; and no rank where there can be none."""
    names = table.data["rows"]["name"]
    for column in table.data["held"]:
        if column["id"] not in table.columns:
            continue
        at = table.columns.index(column["id"]) + 1
        for place, name in enumerate(names):
            cell, value = table.rows[name][at], column["v"][place]
            more = column["x"].get(str(place), {})
            assert (value is None) == (cell.value == "")
            if value is None:
                continue
            assert float(value) == float(cell.value.replace("−", "-"))
            assert more.get("mark", "") == cell.mark
            if cell.interval:
                ends = cell.interval.replace("−", "-").strip("[]").split(", ")
                assert [float(end) for end in ends] == [column["lo"][place], column["hi"][place]]
        ranks = column.get("ranks")
        if not ranks:
            continue
        ranked = [place for place, low in enumerate(ranks["low"]) if low]
        for place in ranked:
            assert names[place] not in NO_MODEL
            more = column["x"].get(str(place), {})
            assert column["v"][place] is not None
            assert not more.get("mark")
            assert not more.get("part")
            assert 1 <= ranks["low"][place] <= ranks["high"][place] <= len(ranked)
            worse = [
                one for one in ranked
                if (column["v"][one] < column["v"][place]) == column["higher"] and column["v"][one] != column["v"][place]
            ]  # fmt: skip
            best = [one for one in ranked if one not in worse and column["v"][one] != column["v"][place]]
            assert ranks["low"][place] <= len(best) + 1
            assert ranks["high"][place] >= len(ranked) - len(worse)
