"""The page that compares two models: the scores that it loads, and what its script makes of them. Shares no code with the site."""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from board_columns import read_piece
from board_numbers import Board, Json, alike
from board_profiles import Profiles, as_columns
from board_ranks import ATTEMPTED, Sample, scores_of
from front_found import Records, written
from recomputed_differences import Difference, Numbers, difference, holm
from recomputed_wholes import WHOLE

NEAR = 1e-7
"""How far the script's numbers may lie from those made anew: its tails are sums of its own."""
READ = """[...document.querySelectorAll('#result tbody tr')].map((row) => ({...row.dataset,
  cells: [...row.querySelectorAll('td')].map((cell) => cell.innerText), ci: row.querySelector('.ci')?.innerText ?? '',
  b: row.querySelector('td b')?.innerText ?? '', verdict: row.querySelector('.verdict').className}))"""
"""What the page shows, read in a browser."""


@dataclass(frozen=True)
class Shown:
    """What the page's files hold."""

    about: Json
    models: Mapping[str, Mapping[int, Sequence[Any]]]
    """By name and column: value, mark, and scores or why there are none."""

    @property
    def slugs(self) -> dict[str, str]:
        return {one["name"]: one["slug"] for one in self.about["models"]}


def read_shown(site: Path) -> Shown:
    text = (site / "compare.html").read_text(encoding="utf-8")
    about = json.loads(text.partition('data-name="compare">')[2].partition("</script>")[0])
    models = {
        one["name"]: {row[0]: row[1:] for row in read_piece(site / about["folder"] / f"{one['slug']}.js")}
        for one in about["models"]
    }
    return Shown(about, models)


def unpacked(content: Sequence[Any]) -> Numbers:
    """Scores as the script reads them: places among a few values, some bits each, or doubles."""
    raw = base64.b64decode("".join(content[-1]))
    if len(content) == 2:
        return np.frombuffer(raw, "<f8")[: content[0]].astype(float)
    count, levels, bits, _ = content
    flags = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little").reshape(-1, bits)
    places = (flags * (1 << np.arange(bits))).sum(axis=1)[:count]
    return np.asarray(np.array([np.nan if one is None else one for one in levels], float)[places], float)


class Scored:
    """Scores of the board's samples, made anew, in the order in which the site has them."""

    def __init__(self, board: Board, order: Sequence[str]) -> None:
        self._board, self._order = board, order
        self._samples: dict[str, list[Sample]] = {}
        self._whole = {
            (task, metric)
            for task, metric in dict.fromkeys(key for own in board.values() for key in own)
            if metric.partition("[")[0] in WHOLE and metric != ATTEMPTED
        }

    def samples(self, task: str) -> list[Sample]:
        """All that any model with a number was asked."""
        if task not in self._samples:
            tables = [
                next(
                    one.table
                    for (own, _), one in self._board[name].items()
                    if own == task and one.value is not None
                )
                for name in self._order
                if any(own == task and one.value is not None for (own, _), one in self._board[name].items())
            ]
            found = dict.fromkeys((row["sample"], row["asked"]) for table in tables for row in table.rows)
            self._samples[task] = list(found)
        return self._samples[task]

    def of(self, name: str, task: str, metric: str) -> Numbers | None:
        scores = scores_of(self._board[name][task, metric], metric)
        if scores is None:
            return None
        return np.array([scores.get(sample, np.nan) for sample in self.samples(task)], float)

    def apart(self, task: str, metric: str, *, scored: bool) -> str:
        """Why the script makes no interval."""
        if scored and (task, metric) in self._whole:
            return "no mean"
        rows = [
            row
            for own in self._board.values()
            for table in {
                id(one.table): one.table
                for (of, _), one in own.items()
                if of == task and one.value is not None
            }.values()
            for row in table.rows
        ]
        if any(row["weight"] != rows[0]["weight"] for row in rows):
            return "weights"
        return "clusters" if any(row["cluster"] is not None for row in rows) else ""


def check_pieces(shown: Shown, board: Board, front: Records, profiles: Profiles) -> Counter[str]:
    """Values, marks and every sample's score, of all models."""
    seen: Counter[str] = Counter()
    speeds = as_columns(profiles)
    scored = Scored(board, [one["name"] for one in shown.about["models"]])
    with_scores = {
        place for own in shown.models.values() for place, row in own.items() if not isinstance(row[2], str)
    }
    for place, column in enumerate(shown.about["columns"]):
        if not column["task"].startswith("profile_"):
            apart = scored.apart(column["task"], column["metric"], scored=place in with_scores)
            assert column["apart"] == apart, (column["task"], column["metric"])
    for name, own in shown.models.items():
        made = front[0][name] | speeds.get(name, {})
        ids = {
            place: f"task:{one['task']}:{one['metric']}" for place, one in enumerate(shown.about["columns"])
        }
        assert {ids[place] for place in own} == set(made), name
        for place, (value, mark, content) in own.items():
            column, where = shown.about["columns"][place], (ids[place], name)
            found = made[ids[place]]
            assert alike(value, found.value), where
            assert bool(mark) == found.marked, where
            assert (column["unit"], column["higher"]) == (found.unit, found.higher), where
            seen["values"] += 1
            if column["task"].startswith("profile_"):
                assert isinstance(content, str), where
                continue
            scores = scored.of(name, column["task"], column["metric"])
            assert (scores is None) == isinstance(content, str), (
                where,
                content if isinstance(content, str) else "",
            )
            if scores is not None:
                np.testing.assert_allclose(
                    unpacked(content), scores, rtol=1e-9, atol=1e-9, err_msg=f"{where}"
                )
                seen["scores"] += int((~np.isnan(scores)).sum())
    return seen


@dataclass(frozen=True)
class Line:
    """One line of the table of two models, as it should be."""

    column: Json
    first: float
    second: float
    found: Difference | None
    """None where the two are not compared."""
    adjusted: float | None

    @property
    def verdict(self) -> str:
        found, higher = self.found, self.column["higher"]
        if found is None:
            return "apart"
        if found.n and not found.differs:
            return "same"
        if self.adjusted is None:
            return "none"
        if self.adjusted >= 0.05 or not found.value:
            return "open"
        if higher is None:
            return "different"
        return "better" if (found.value > 0) == higher else "worse"


def lines_of(shown: Shown, one: str, two: str) -> dict[str, Line]:
    """By task and metric."""
    made: list[tuple[Json, float, float, Difference | None]] = []
    for place, (value, mark, content) in shown.models[one].items():
        if place not in shown.models[two]:
            continue
        column, (other, its, theirs) = shown.about["columns"][place], shown.models[two][place]
        if mark != its or isinstance(content, str) or isinstance(theirs, str):
            made.append((column, value, other, None))
            continue
        found = difference(unpacked(content), unpacked(theirs), column["unit"], tested=not column["apart"])
        if column["apart"] in ("no mean", "weights"):
            told = column["apart"] == "no mean" or not found.missing
            apart = other - value if told and found.n else None
            found = Difference(found.n, found.missing, found.differs, (value, other), apart)
        means = found.means or (value, other)
        made.append((column, means[0], means[1], found))
    tested = [found.p for _, _, _, found in made if found is not None and found.p is not None]
    adjusted = iter(holm(tested))
    return {
        f"{column['task']}:{column['metric']}": Line(
            column, first, second, found, None if found is None or found.p is None else next(adjusted)
        )
        for column, first, second, found in made
    }


def check_lines(
    rows: Sequence[Json], status: str, lines: Mapping[str, Line], names: tuple[str, str]
) -> Counter[str]:
    """What a browser shows of two models."""
    assert {row["column"] for row in rows} == set(lines), names
    seen: Counter[str] = Counter()
    for row in rows:
        line, where = lines[row["column"]], (row["column"], *names)
        _check_cells(row, line, where)
        found = line.found
        assert row["verdict"].split() == ["verdict", line.verdict], where
        seen[line.verdict] += 1
        if found is None:
            continue
        ends = found.ends or (None, None)
        numbers = (
            ("value", found.value),
            ("low", ends[0]),
            ("high", ends[1]),
            ("p", found.p),
            ("adjusted", line.adjusted),
        )
        for key, own in numbers:
            assert (key in row) == (own is not None), (key, *where)
            assert own is None or math.isclose(float(row[key]), own, rel_tol=NEAR, abs_tol=NEAR), (
                key,
                row[key],
                own,
                *where,
            )
        assert (int(row["n"]), row["method"]) == (found.n, found.method), where
        seen.update(values=1, intervals=found.ends is not None)
    count = Counter(line.verdict for line in lines.values())
    tested = sum(line.adjusted is not None for line in lines.values())
    assert status == (
        f"{names[1]} against {names[0]}: better in {count['better']}, worse in {count['worse']}, of {tested} numbers that were tested together."
    )
    return seen


def _check_cells(row: Json, line: Line, where: tuple[str, ...]) -> None:
    """As it is written: values as on every other page."""
    unit, found = line.column["unit"], line.found
    sign = "%" if unit == "fraction" else ""
    for text, value in zip(row["cells"][:2], (line.first, line.second), strict=True):
        assert _same(text, written(value, unit) + sign), (text, value, *where)
    if found is None or found.value is None:
        assert row["b"] == "–", where
        return
    assert _same(row["b"].removeprefix("+"), written(found.value, unit)), (row["b"], found.value, *where)
    assert row["b"].startswith("+") == (found.value > 0), where
    if found.ends is None:
        assert row["ci"] == "no interval", where
    else:
        low, high = row["ci"].strip("[]").split(", ")
        assert _same(low, written(found.ends[0], unit)), (row["ci"], found.ends, *where)
        assert _same(high, written(found.ends[1], unit)), (row["ci"], found.ends, *where)
    adjusted = line.adjusted
    text = "–" if adjusted is None else "<0.001" if adjusted < 0.001 else f"{adjusted:.3f}"
    assert row["cells"][4] == text, (row["cells"][4], *where)
    assert row["cells"][6].split()[0] == (str(found.n) if found.n else "–"), where


def _same(one: str, other: str) -> bool:
    """Written alike, but for 66320000000 and 6.632e+10."""
    if one == other:
        return True
    return "e" in other and float(one.replace("−", "-")) == float(other.replace("−", "-"))
