"""A model's page: its profile in numbers and curves, and what its runs took. Shares no code with the site."""

from __future__ import annotations

import html
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from board_numbers import Json
from board_pages import DASH, Block, Page
from board_profiles import Numbers, Profile, interval
from front_found import written
from recomputed_profiles import UNITS, Measured, parts_of, title_of, wide

Place = tuple[float, float]
SVG = re.compile(r'<svg class="chart" viewBox="0 0 640.*?</svg>', re.DOTALL)
ACROSS = {"prefill": "input_tokens_per_second", "decode": "output_tokens_per_second"}
PIXEL = 0.03
"""How far a point may lie from its place: places have two decimals."""


class ModelPage:
    """The parts of a model's page that tell how fast it is."""

    def __init__(self, path: Path) -> None:
        _, _, rest = path.read_text(encoding="utf-8").partition("<h1>")
        self.name = html.unescape(re.sub(r"<[^>]*>", "", rest.partition("</bdi>")[0]))
        self.profiles = re.findall(
            r'<section aria-labelledby="its--speed-\d+">.*?</section>', rest, re.DOTALL
        )
        self.runs = rest.partition('<h2 id="its--runs">')[2].split("<summary>")[1:]


def check_profile(part: str, profile: Profile) -> Counter[str]:
    """The section of one profile."""
    page = Page(part)
    assert f"run</span> {profile.manifest['run']}" in part, profile.manifest["run"]
    (block,) = [one for one in page.blocks if one.columns[:2] == ["Conditions", "Metric"]]
    seen = _check_table(block, profile.numbers)
    seen += _check_notes([note for _, note in page.notes], profile)
    drawn = {_check_curve(svg, profile.numbers, seen) for svg in SVG.findall(part)}
    times = {
        (parts_of(cell)[0], metric)
        for cell, metric, one in profile.each()
        if UNITS[metric][0] == "s" and one.value is not None
    }
    assert drawn == times, profile.manifest["run"]
    return seen


def _check_table(block: Block, numbers: Numbers) -> Counter[str]:
    """All numbers: cell by cell, of which the first line has the name."""
    seen: Counter[str] = Counter()
    titles = {title_of(cell): cell for cell in numbers}
    left = {(cell, metric) for cell, own in numbers.items() for metric in own}
    cell = ""
    for row in block.rows:
        if len(row) == len(block.columns):
            cell = titles[row[0].text.strip()]
        elif len(row) == 2:
            assert row[0].text.strip() not in titles, "it was measured"
            continue
        name, value, ends, unit, count, method = (one.text.strip() for one in row[-6:])
        left.remove((cell, name))
        one = numbers[cell][name]
        assert (unit, count) == (UNITS[name][0], str(one.n)), (cell, name)
        if one.value is None:
            assert (value, ends) == (DASH, DASH), (cell, name)
            continue
        assert (value, ends, method) == (written(one.value, ""), interval(one, ""), one.method), (cell, name)
        seen.update(values=1, intervals=one.ends is not None)
    assert not left, f"{len(left)} numbers are not shown: {sorted(left)[:3]}"
    return seen


def _check_notes(notes: Sequence[str], profile: Profile) -> Counter[str]:
    """How wide intervals are, and how long prompts were."""
    said = profile.manifest["profile"]
    expected = wide(profile.numbers, said["asked"]["within"])
    found = [note for note in notes if "have an interval of more than" in note]
    assert len(found) == (expected is not None)
    assert all(note.strip().startswith(expected or "") for note in found), (found, expected)
    for cell, rows in profile.cells.items():
        _, prompts, length, _ = parts_of(cell)
        other = {row["prompt_tokens"] for row in rows} - {prompts * length}
        told = [note for note in notes if note.strip().startswith(f"{title_of(cell)}: its tokenizer")]
        assert len(told) == bool(other), cell
        assert not other or f"prompts have {max(other) / prompts:,.1f} tokens" in told[0], cell
    return Counter(notes=len(found))


def _check_curve(svg: str, numbers: Numbers, seen: Counter[str]) -> tuple[str, str]:
    """One drawing: where its points and ends are, read by its own axes. Which phase and time it is of."""
    drawing = ElementTree.fromstring(svg)
    told = re.match(r"(\w+): (\w+) against (\w+);", drawing.get("aria-label") or "")
    assert told is not None, "a profile's phases have names"
    phase, up = told[1], told[2]
    assert told[3] == ACROSS[phase]
    cells = {str(parts_of(cell)[1]): own for cell, own in numbers.items() if parts_of(cell)[0] == phase}
    assert len(cells) == sum(parts_of(cell)[0] == phase for cell in numbers), (
        "lines of several workloads are not read yet"
    )
    axes = _axes(drawing)
    points = _points(drawing)
    assert set(points) == set(cells), (phase, up)
    for batch, (middle, lines) in points.items():
        for axis, metric in ((0, ACROSS[phase]), (1, up)):
            one, where = cells[batch][metric], (phase, up, metric, batch)
            assert math.isclose(middle[axis], axes[axis](one.value), abs_tol=PIXEL), where
            ends = lines[axis]
            assert (ends is None) == (one.ends is None), where
            if ends is not None and one.ends is not None:
                for drawn, end in zip(ends, one.ends, strict=True):
                    assert math.isclose(drawn, axes[axis](end), abs_tol=PIXEL), where
            seen["drawn"] += 1 if ends is None else 3
    return phase, up


class _Axis:
    """From numbers to places, by two of its ticks."""

    def __init__(self, ticks: Sequence[tuple[float, float]]) -> None:
        (self._at, self._from), (last, most) = ticks[0], ticks[-1]
        self._step = (last - self._at) / (most - self._from)
        for (one, low), (other, high) in pairwise(ticks):
            assert math.isclose((other - one) / (high - low), self._step, rel_tol=1e-3), (
                "its ticks lie evenly"
            )

    def __call__(self, number: float | None) -> float:
        assert number is not None
        return self._at + self._step * (number - self._from)


def _axes(drawing: ElementTree.Element) -> tuple[_Axis, _Axis]:
    across: list[tuple[float, float]] = []
    up: list[tuple[float, float]] = []
    for text in drawing.findall("text"):
        if text.get("class") != "name":
            number = float((text.text or "").replace(",", "").replace("−", "-"))
            x, y = float(text.get("x") or 0), float(text.get("y") or 0)
            # Numbers of the upright axis stand 4 below their lines and end left of it.
            (up if x == 50 else across).append((y - 4 if x == 50 else x, number))
    return _Axis(across), _Axis(up)


def _points(drawing: ElementTree.Element) -> dict[str, tuple[Place, tuple[Place | None, Place | None]]]:
    """By what stands beside it: where a point is, and the ends of its lines across and up."""
    found: dict[str, tuple[Place, tuple[Place | None, Place | None]]] = {}
    for group in drawing.findall("g"):
        lines: list[Place | None] = [None, None]
        middle: Place = (0.0, 0.0)
        for part in group:
            at = {name: float(part.get(name) or 0) for name in ("x1", "x2", "y1", "y2", "cx", "cy")}
            if part.tag == "line":
                up = at["x1"] == at["x2"]
                lines[up] = (at["y1"], at["y2"]) if up else (at["x1"], at["x2"])
            elif part.tag == "circle":
                middle = at["cx"], at["cy"]
            elif part.tag == "text":
                found[part.text or ""] = middle, (lines[0], lines[1])
                lines = [None, None]
    return found


def read_runs(root: Path) -> dict[str, Json]:
    """Manifests of all records, by the run's name."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("manifest.json")))
    return {manifest["run"]: manifest for manifest in found}


def check_run(part: str, runs: dict[str, Json]) -> Counter[str]:
    """Seconds by phase, which add up, and the work: speeds are tokens and operations over seconds."""
    (run,) = re.findall(r"^<b>([^<]*)</b>", part)
    manifest = runs[run]
    table = _under(part, "phases").partition("</table>")[0]
    shown = re.findall(r'<tr><th scope="row">([^<]*)</th><td class="num">([^<]*) s</td>', table)
    seconds = {row["name"]: row["seconds"] for row in manifest["phases"]}
    assert shown == [(name, f"{own:.2f}") for name, own in seconds.items()], run
    (together,) = re.findall(r"<b>([^<]*) s</b>", table)
    assert math.isclose(float(together), math.fsum(seconds.values()), abs_tol=0.0051), run
    work = manifest["work"]
    assert math.isclose(math.fsum(seconds.values()), work["seconds"], abs_tol=0.001 * len(seconds)), run
    if manifest.get("profile") is not None:
        assert math.isclose(seconds["load"], manifest["profile"]["load_seconds"], abs_tol=0.001), run
    told = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", _under(part, "work").partition("</dl>")[0]))
    lines = {name: text for name, text in _work(work).items() if text}
    assert {name: html.unescape(told.get(name, "")) for name in lines} == lines, run
    rates = _check_rates(html.unescape(told.get("Latency", "")), manifest.get("latency") or [])
    return Counter(phases=len(shown) + 1, work=len(lines), rates=rates)


def _check_rates(told: str, rows: Sequence[Json]) -> int:
    """Requests and tokens a second are those of what was counted. (Percentiles are the record's own: it keeps no times of a run's batches.)"""
    seen = 0
    for row, text in zip(rows, told.split("; ") if told else [], strict=True):
        words = []
        for what in ("requests", "output_tokens"):
            if row[f"{what}_per_second"] is not None:
                rate = row[what] / row["seconds"]
                assert math.isclose(rate, row[f"{what}_per_second"], rel_tol=1e-4), (row["request"], what)
                rate = row[f"{what}_per_second"]
                number = f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
                words.append(f"{number} {what.removeprefix('output_')}/s")
        assert text.startswith(f"{row['request']} {', '.join(words)}, "), text
        seen += len(words)
    return seen


def _under(part: str, what: str) -> str:
    """What follows a run's heading."""
    _, _, after = re.sub(rf'<h3 id="its--run-\d+-{what}">', "\0", part, count=1).partition("\0")
    return after


def _work(work: Json) -> dict[str, str]:
    """What is said of it, from what was counted."""
    size = work["peak_memory_bytes"] or 0
    held = f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
    lines = {"Memory": f"{held} at most" if size else ""}
    passes = [work[name] for name in ("score", "prefill", "decode") if work[name] and work[name]["seconds"]]
    if not passes:
        return lines
    asked, computed = work["tokens_asked"], work["tokens_computed"]
    assert computed == sum(own["tokens"] for own in passes)
    ratio = (asked - work["tokens_from_store"]) / computed
    times = f"{ratio:.1f} times fewer" if ratio >= 1 else f"{1 / ratio:.2f} times as many"
    padding = sum(own["padding"] for own in passes)
    share = 100 * padding / (padding + computed)
    lines["Tokens"] = f"{asked:,} asked, {computed:,} computed ({times}), padding {share:.1f} %"
    lines["Speed"] = ", ".join(_speeds(work))
    return lines


def _speeds(work: Json) -> Iterator[str]:
    """Tokens a second, and which share of the machine that is. What the machine reached is said once."""
    product = f" of a matrix product here, {(work['matmul_flops_per_second'] or 0) / 1e9:,.0f} GFLOP/s"
    memory = f" of memory bandwidth here, {(work['memory_bytes_per_second'] or 0) / 1e9:,.0f} GB/s"
    for name, words in (("score", "scoring"), ("prefill", "prompts"), ("decode", "decoding")):
        own = work[name]
        if not own or not own["seconds"]:
            continue
        done, could, kind, thing = (
            ("read_bytes", "memory_bytes_per_second", "bandwidth", "memory bandwidth")
            if name == "decode"
            else ("flops", "matmul_flops_per_second", "matmul", "a matrix product")
        )
        text = ""
        if own[f"{kind}_share_unknown"] is not None:
            text = f" (no share of {thing}: {own[f'{kind}_share_unknown']})"
        elif own[done] is not None and work[could] is not None:
            share = own[done] / own["seconds"] / work[could]
            text = f" ({100 * share:.0f} %{memory if name == 'decode' else product})"
            product = "" if name != "decode" else product
        yield f"{words} {own['tokens'] / own['seconds']:,.0f} tokens/s{text}"


def most_memory(profile: Profile) -> float | None:
    """The most that its batches held."""
    held: list[Measured] = [own["peak_memory"] for own in profile.numbers.values() if "peak_memory" in own]
    return max((one.value or 0.0 for one in held), default=None)
