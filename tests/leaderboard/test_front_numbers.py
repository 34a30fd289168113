"""Every number of the front page's table, made anew from the records' files by code that shares nothing with the site."""

from __future__ import annotations

import json
import math
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from made_boards import numbers
from made_profiles import write_serving
from records import Json, generated, sample, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.options import Options

HARMS = ("hallucination", "bias", "privacy", "safety")
NO_MODEL = ("builtin:uniform", "builtin:longest", "builtin:first", "builtin:says_no")
TASKS = {
    "choose": ("accuracy", True, "fraction"), "pick": ("accuracy", True, "fraction"), "say": ("accuracy", True, "points"),
    "wander": ("perplexity", False, "perplexity"), "truth": ("hallucination", True, "fraction"),
    "lies": ("hallucination", False, "fraction"), "harm": ("safety", False, "fraction"),
}  # fmt: skip


def made(root: Path) -> Path:
    """Seven rows: one with answers that were cut and samples that failed, one of other shots, one of fewer samples, one without a
    task, one that asks no model, and one that measured nothing of a task."""
    chance = random.Random(5)
    names = ("hf:org/a", "hf:org/b", "cut", "shots", "few", "lacks", "builtin:uniform", "nothing")
    for place, name in enumerate(names):
        rows: list[Json] = []
        estimates, tasks = [], []
        for key, (area, higher, unit) in TASKS.items():
            if name == "lacks" and key in ("truth", "harm"):
                continue
            own = [
                _sample(name, key, at, chance.random() < (0.2 + 0.1 * place), unit)
                for at in range(9 if name == "few" and key == "pick" else 24)
            ]
            scores = [row["score.accuracy"] for row in own if row["score.accuracy"] is not None]
            lost = len(own) - len(scores)
            found = numbers(
                key, sum(score > 0 for score in scores), max(len(scores), 1), area=area, unit=unit, higher_is_better=higher, missing=lost,
            )  # fmt: skip
            if unit == "points":
                found |= {end: 100 * found[end] for end in ("value", "low", "high", "stderr")}
            if unit == "perplexity":
                found |= {"value": 7.5 + place, "low": 7.25 + place, "high": 8.0 + place}
            if not scores:
                found |= {"value": None, "low": None, "high": None, "stderr": None, "method": "none", "n": 0}
            if name == "shots" and key == "choose":
                found["signature"] = found["signature"].replace("shots:0", "shots:5")
            cut = sum(row["finish"] == "length" for row in own)
            more: Json = {"cut_off": {"samples": cut, "in_thoughts": 0, "bounds": []}} if cut else {}
            if lost:
                more["failures"] = {"too_long": lost}
            if len(own) == 9:
                more["limit"] = 9
            tasks.append(
                task(
                    key,
                    area,
                    request="generate" if key in ("say", "harm") else "score",
                    shots=5 if "shots:5" in found["signature"] else 0,
                    **more,
                )
            )
            rows += own
            estimates.append(found)
        write_record(
            root / f"r{place}", name, estimates, tasks=tasks, samples=rows, model_fields={"fingerprint": f"{place:x}" * 64}
        )  # fmt: skip
    return root


def _sample(name: str, key: str, at: int, good: bool, unit: str) -> Json:
    score = float(good) * (100 if unit == "points" else 1)
    own: Json = {
        "asked": f"{key}{at}",
        "score.accuracy": score,
        "stats.accuracy": [score] if unit == "perplexity" else [score, 1.0],
    }
    if (name == "cut" and key == "truth" and at % 5 == 1) or (name == "nothing" and key == "harm"):
        own |= {"score.accuracy": None, "stats.accuracy": None, "failure": "too_long", "failure_detail": "99"}
    if key not in ("say", "harm"):
        return sample(key, at, **own)
    own["finish"] = "length" if name == "cut" and at % 3 == 0 else "stop"
    made = generated(key, at, f"ask {at}", f"answer {at}", ["x"], **own)
    return {**made, "completion": None, "finish": None} if own.get("failure") else made


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


@dataclass
class Found:
    """One number, as the files say."""

    value: float
    low: float | None
    high: float | None
    n: int
    missing: int
    cut: int
    answers: int
    unit: str
    higher: bool | None
    area: str
    signature: tuple[str, ...]
    marked: bool = False


def read(root: Path) -> tuple[dict[str, dict[str, Found]], dict[str, str]]:
    """By model and column (`task:NAME:METRIC`), and each task's first metric."""
    models: dict[str, dict[str, Found]] = {}
    first: dict[str, str] = {}
    for manifest in sorted(root.rglob("manifest.json")):
        said = json.loads(manifest.read_text())
        how = {row["task"]: row for row in said["tasks"]}
        own = models.setdefault(said["model"]["name"], {})
        assert not own, "one record a model"
        for row in json.loads((manifest.parent / "estimates.json").read_text()):
            first.setdefault(row["task"], row["metric"])
            if row["value"] is None:
                continue
            table = pq.read_table(manifest.parent / "samples" / f"{row['task']}.parquet").to_pylist()
            scores = [line.get(f"score.{row['metric']}") for line in table]
            stats = [
                line.get(f"stats.{row['metric']}")
                for line, score in zip(table, scores, strict=True)
                if score is not None
            ]
            value = row["value"]
            if stats and all(one is not None and len(one) == 2 and one[1] == 1 for one in stats):
                value = sum(one[0] for one in stats) / len(stats)
                assert len(stats) == row["n"]
                assert len(table) - len(stats) == row["missing"]
            cut = (how[row["task"]].get("cut_off") or {}).get("samples", 0)
            own[f"task:{row['task']}:{row['metric']}"] = Found(
                value, row["low"], row["high"], row["n"], row["missing"], cut, len(table), row["unit"], row["higher_is_better"], row["area"],
                tuple(part for part in row["signature"].split() if not part.startswith(("model:", "lsm-eval:", "intervals:"))),
            )  # fmt: skip
    for column in {column for own in models.values() for column in own}:
        held = [own[column] for own in models.values() if column in own]
        usual = Counter(one.signature for one in held).most_common(2)
        norm = usual[0][0] if len(usual) == 1 or usual[0][1] > usual[1][1] else None
        for one in held:
            one.marked = one.signature != norm
    return models, {name: f"task:{name}:{metric}" for name, metric in first.items()}


def averaged(own: dict[str, Found], columns: list[str], *, rate: bool) -> Found | None:
    """The mean of those that a model has: shares of 1, as rates of harm or as scores."""
    parts = []
    for column in columns:
        if column in own:
            one = own[column]
            scale = 100 if one.unit == "points" else 1
            ends = [None if end is None else end / scale for end in (one.low, one.value, one.high)]
            if one.higher is rate:
                ends = [None if end is None else 1 - end for end in reversed(ends)]
            parts.append((ends, one))
    if not parts:
        return None
    count = len(parts)
    value = sum(ends[1] or 0.0 for ends, _ in parts) / count
    bounded = all(ends[0] is not None for ends, _ in parts)
    down = math.sqrt(sum(((ends[1] or 0) - (ends[0] or 0)) ** 2 for ends, _ in parts)) / count
    up = math.sqrt(sum(((ends[2] or 0) - (ends[1] or 0)) ** 2 for ends, _ in parts)) / count
    total: Callable[[str], int] = lambda name: sum(getattr(one, name) for _, one in parts)  # noqa: E731
    return Found(
        value, value - down if bounded else None, value + up if bounded else None, total("n"), total("missing"), total("cut"),
        total("answers"), "fraction", not rate, "", (f"{count}/{len(columns)}",), any(one.marked for _, one in parts),
    )  # fmt: skip


def written(number: float, unit: str) -> str:
    number = 100 * number if unit == "fraction" else number
    digits = {"fraction": 1, "points": 1, "perplexity": 2, "ratio": 2}.get(unit)
    text = f"{number:.4g}" if digits is None else f"{number:.{digits}f}"
    return text.replace("-", "−")


def said_of(share: int, whole: int, what: str) -> set[str]:
    if not share:
        return set()
    percent = 100 * share / whole
    return {f"{'<0.1' if percent < 0.1 else f'{percent:.1f}'}% {what}"}


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


def check_page(site: Path, root: Path, reference: str | None, suites: dict[str, list[str]]) -> Counter[str]:
    """Checks all cells; how many of each kind there were."""
    table = Table((site / "index.html").read_text(encoding="utf-8"))
    models, first = read(root)
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


def test_every_number_of_the_table_is_that_of_the_records(tmp_path: Path) -> None:
    root = made(tmp_path / "reports")
    index = build(root, tmp_path / "site", options=Options(reference="a"))
    seen = check_page(index.parent, root, "hf:org/a", {})
    assert {kind: count // 8 for kind, count in seen.items()} == {"area": 3, "task": 7, "ratio": 2}


def test_every_number_of_the_quickstart_table_is_that_of_the_records(tmp_path: Path) -> None:
    """Of the published records those of the quickstart suite: weighted and grouped metrics are not recomputed here."""
    published = Path(__file__).parents[2] / "reports"
    if not published.is_dir():
        pytest.skip("needs the published records")
    root = tmp_path / "reports"
    shutil.copytree(published, root, ignore=shutil.ignore_patterns("board"))
    site = build(root, tmp_path / "site").parent
    suite = ["quickstart_accuracy_en", "quickstart_accuracy_zh", "quickstart_en_zh", "quickstart_en_de", "quickstart_summary",
             "quickstart_hallucination", "quickstart_bias", "quickstart_privacy"]  # fmt: skip
    seen = check_page(site, root, None, {"quickstart": suite})
    assert seen["area"] > 10
    assert seen["task"] > 20


def test_a_profile_among_runs_is_no_task_and_its_columns_have_units(tmp_path: Path) -> None:
    write_serving(tmp_path / "profiles")
    alone = (build(tmp_path / "profiles", tmp_path / "alone")).read_text(encoding="utf-8")
    (first, *_) = [head for column, head in Table(alone).heads.items() if column.endswith(":ttft_p50")]
    assert "ttft_p50 s ↓" in first
    write_record(tmp_path / "runs" / "a", "a", [numbers("choose", 3, 4)])
    index = build([tmp_path / "runs", tmp_path / "profiles"], tmp_path / "both").read_text(encoding="utf-8")
    table = Table(index)
    assert table.columns == ["area:accuracy", "task:choose:accuracy"]
    assert any(one[0].endswith(":ttft_p50") for one in table.data["catalogue"])
    assert ">1 task<" in index
    assert ">2 models<" in index
