"""What profiles measured, made anew from their batches, and where pages should show it. Shares no code with the package."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from board_columns import check_cell, read_piece
from board_numbers import Board, Json, alike, with_unit
from board_pages import DASH, Page
from front_found import Found, comparable, mark, written
from front_page import Table
from recomputed_profiles import UNITS, Cells, Measured, numbers_of, read_cells

Numbers = dict[str, dict[str, Measured]]
"""By cell and metric."""


@dataclass(frozen=True)
class Profile:
    """One model's, as it should be."""

    folder: Path
    manifest: Json
    estimates: dict[tuple[str, str], Json]
    """The record's own, by cell and metric."""
    cells: Cells
    numbers: Numbers = field(default_factory=dict)

    def each(self) -> Iterator[tuple[str, str, Measured]]:
        for cell, own in self.numbers.items():
            for metric, one in own.items():
                yield cell, metric, one


Profiles = dict[str, Profile]
"""By model."""


def named(board: Board) -> dict[str, str]:
    """Models' names by their fingerprints' beginnings, which signatures end with."""
    return {
        number.said["signature"].rpartition(" model:")[2]: name
        for name, numbers in board.items()
        for number in numbers.values()
    }


def read_profiles(root: Path, names: dict[str, str]) -> Profiles:
    """All below a folder: of batches, one a model."""
    found: Profiles = {}
    for path in sorted(root.rglob("manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest.get("profile") is None:
            continue
        assert manifest["profile"]["kind"] == "offline", (
            "requests that arrive one by one are not made anew yet"
        )
        assert manifest["profile"]["stopped"] is None, "a profile that was stopped is not made anew yet"
        name = names[manifest["model"]["fingerprint"][:16]]
        assert name not in found, "one profile a model"
        found[name] = _profile(path.parent, manifest)
    return found


def _profile(folder: Path, manifest: Json) -> Profile:
    said = {
        (row["task"].removeprefix("profile_"), row["metric"]): row
        for row in json.loads((folder / "estimates.json").read_text(encoding="utf-8"))
    }
    cells = read_cells(folder / "profile" / "repeats.parquet")
    numbers = {
        cell: {
            metric: _rounded(one, said.get((cell, metric))) for metric, one in numbers_of(cell, cells).items()
        }
        for cell in cells
    }
    return Profile(folder, manifest, said, cells, numbers)


def _rounded(one: Measured, said: Json | None) -> Measured:
    """Where they differ in their last bits only: those of the record, so that both are written alike."""
    if said is None or not alike(one.value, said["value"]):
        return one
    ends = one.ends
    if ends and said["low"] is not None and alike(ends[0], said["low"]) and alike(ends[1], said["high"]):
        ends = (said["low"], said["high"])
    return Measured(said["value"], ends, one.n, one.missing, one.method)


def unlike(profiles: Profiles) -> list[str]:
    """Numbers of the records that are not what their batches make; those in the manifest stand in the estimates, too."""
    found = []
    for name, profile in profiles.items():
        made = {(cell, metric) for cell, metric, _ in profile.each()}
        found += [
            f"{name}: {cell} {metric} is in no record"
            for cell, metric in sorted(made - set(profile.estimates))
        ]
        found += [
            f"{name}: {cell} {metric} is of no batch"
            for cell, metric in sorted(set(profile.estimates) - made)
        ]
        told = {
            (cell["name"], row["metric"]): row
            for cell in profile.manifest["profile"]["cells"]
            for row in cell["metrics"]
        }
        for cell, metric, one in profile.each():
            for said in (profile.estimates.get((cell, metric)), told.get((cell, metric))):
                found += [f"{name}: {cell} {metric} {why}" for why in _unlike(metric, one, said or {})]
    return found


def _unlike(metric: str, one: Measured, said: Json) -> Iterator[str]:
    low, high = one.ends or (None, None)
    for key, own in (("value", one.value), ("low", low), ("high", high)):
        if not alike(said.get(key), own):
            yield f"{key} {said.get(key)}, not {own}"
    unit, higher = UNITS[metric]
    for key, kept in (("n", one.n), ("missing", one.missing), ("unit", unit), ("higher_is_better", higher)):
        if said.get(key) != kept:
            yield f"{key} {said.get(key)}, not {kept}"


def as_columns(profiles: Profiles) -> dict[str, dict[str, Found]]:
    """By model and column of the front page, with what does not compare marked."""
    models: dict[str, dict[str, Found]] = {}
    for name, profile in profiles.items():
        own = models.setdefault(name, {})
        for cell, metric, one in profile.each():
            if one.value is None:
                continue
            low, high = one.ends or (None, None)
            unit, higher = UNITS[metric]
            signature = comparable(profile.estimates[cell, metric]["signature"])
            assert not any(part.startswith("unranked:") for part in signature), (
                name,
                cell,
                "not made anew yet",
            )
            own[f"task:profile_{cell}:{metric}"] = Found(
                one.value, low, high, one.n, one.missing, 0, 0, unit, higher, "speed", signature
            )
    mark(models)
    return models


def in_column(number: float, unit: str) -> str:
    """As the front page writes it: tokens a second in whole numbers from 10 on."""
    return (
        (f"{number:.0f}" if number >= 10 else f"{number:.1f}")
        if unit == "tokens/s"
        else written(number, unit)
    )


def check_profile_columns(site: Path, profiles: Profiles) -> Counter[str]:
    """The columns that the front page adds to its table when they are asked for."""
    seen: Counter[str] = Counter()
    models = as_columns(profiles)
    names = Table((site / "index.html").read_text(encoding="utf-8")).data["rows"]["name"]
    left = {(name, column) for name, own in models.items() for column in own}
    for path in sorted((site / "pieces" / "board").glob("profile-*.js")):
        for column in read_piece(path):
            assert "ranks" not in column, "there are no samples in pairs"
            unit, higher = UNITS[column["sub"]]
            assert (column["unit"], column["higher"]) == (unit, higher), column["id"]
            for place, name in enumerate(names):
                found = models.get(name, {}).get(column["id"])
                left.discard((name, column["id"]))
                seen["values"] += check_cell(column, place, found, (column["id"], name), in_column)
                seen["intervals"] += found is not None and found.low is not None
    assert not left, f"{len(left)} numbers stand in no column: {sorted(left)[:3]}"
    return seen


def check_profile_task(page: Page, profiles: Profiles, cell: str) -> Counter[str]:
    """A cell's own page: all models, a table a metric."""
    seen: Counter[str] = Counter()
    marked = as_columns(profiles)
    left = {(name, metric) for name, one in profiles.items() for metric in one.numbers.get(cell, {})}
    for block in page.blocks:
        if block.columns[:3] != ["Model", "Value", "Interval"]:
            continue
        metric, arrow = block.head[:-1].strip(), block.head[-1]
        unit, higher = UNITS[metric]
        assert arrow == ("↑" if higher else "↓"), (cell, metric)
        for row in block.rows:
            name, cells = "".join(row[0].names), block.cells(row)
            one, where = profiles[name].numbers[cell][metric], (cell, metric, name)
            left.remove((name, metric))
            assert (cells["n"].text.strip(), cells["Missing"].text.strip()) == (
                str(one.n),
                str(one.missing),
            ), where
            if one.value is None:
                assert cells["Value"].text.strip() == DASH, where
                continue
            found = marked[name][f"task:profile_{cell}:{metric}"]
            assert cells["Value"].text.strip() == with_unit(one.value, unit), where
            assert cells["Interval"].text.strip() == interval(one, unit), where
            assert cells["Method"].text.strip() == one.method, where
            assert bool(cells["Value"].mark) == found.marked, where
            seen.update(values=1, intervals=one.ends is not None)
    assert not left, f"{cell}: {len(left)} numbers are not shown: {sorted(left)[:3]}"
    return seen


def interval(one: Measured, unit: str) -> str:
    return DASH if one.ends is None else f"[{written(one.ends[0], unit)}, {written(one.ends[1], unit)}]"
