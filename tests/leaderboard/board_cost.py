"""The page of quality against cost: numbers of both axes, and who is on the front. Shares no code with the site."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from board_columns import read_piece
from board_drawing import Drawing
from board_numbers import Json
from board_profiles import Profiles, as_columns, in_column
from board_ranks import Columns
from front_found import Found, Records, averaged, written
from front_page import HARMS, NO_MODEL
from recomputed_fronts import Cost, observed, statuses
from recomputed_profiles import UNITS
from recomputed_ranks import Told

OF_THE_ENGINE = ("flops_per_second", "flops_share", "bytes_per_second", "bandwidth_share")
"""Metrics of a profile that are no cost of a model."""
RATES = (
    "output_tokens_per_second", "total_tokens_per_second", "tokens_per_second", "input_tokens_per_second", "requests_per_second",
)  # fmt: skip
"""Of one condition's the first one is a cost, and stands for all."""
DIRECTIONS = {
    "cost:parameters": False,
    "cost:memory": False,
    "cost:score": True,
    "cost:prefill": True,
    "cost:decode": True,
}
WORDS = {
    "on": "surely on the front",
    "may": "may be on the front",
    "off": "surely off the front",
    "unknown": "unknown",
}
NEAR = 0.3
"""How far a point may lie from its place: places and ticks have one decimal."""


@dataclass(frozen=True)
class Axes:
    """Everything that drawings are of: numbers by column and model."""

    scores: dict[str, dict[str, Found]]
    costs: dict[str, dict[str, Found]]
    higher: dict[str, bool]
    """Whether more of a column is better."""


def read_scores(
    front: Records, means: Mapping[str, Sequence[str]], shown: Sequence[str]
) -> dict[str, dict[str, Found]]:
    """Areas, suites that the front page has, and first metrics that have a better direction."""
    models, first = front
    found: dict[str, dict[str, Found]] = {}
    for name, over in means.items():
        if name in shown:
            harm = name.partition(":")[2] in HARMS and name.startswith("area:")
            own = {model: averaged(numbers, list(over), rate=harm) for model, numbers in models.items()}
            found[name] = {model: one for model, one in own.items() if one is not None}
    for column in first.values():
        held = {model: numbers[column] for model, numbers in models.items() if column in numbers}
        if held and next(iter(held.values())).higher is not None:
            found[column] = held
    return found


def read_costs(root: Path, names: Mapping[str, str], profiles: Profiles) -> dict[str, dict[str, Found]]:
    """What runs took and profiles measured; columns of two models or more."""
    found: dict[str, dict[str, Found]] = defaultdict(dict)
    machines: dict[str, dict[str, str]] = defaultdict(dict)
    for path in sorted(root.rglob("manifest.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        name, work = names[said["model"]["fingerprint"][:16]], said["work"]
        if said["model"]["parameters"] is not None:
            found["cost:parameters"][name] = _plain(said["model"]["parameters"] / 1e6, "count", higher=False)
        passes = {kind: work[kind] for kind in ("score", "prefill", "decode") if work[kind]}
        if not passes:
            continue
        assert name not in found["cost:memory"], "one run a model"
        found["cost:memory"][name] = _plain(work["peak_memory_bytes"] / 2**30, "GiB", higher=False)
        for kind, own in passes.items():
            if own["seconds"]:
                found[f"cost:{kind}"][name] = _plain(own["tokens"] / own["seconds"], "tokens/s", higher=True)
                machines[f"cost:{kind}"][name] = machine_of(said)
    for column, where in machines.items():
        _mark(found[column], where)
    for name, numbers in as_columns(profiles).items():
        for column, one in numbers.items():
            condition, _, metric = column.rpartition(":")
            first = next((rate for rate in RATES if f"{condition}:{rate}" in numbers), metric)
            if metric not in OF_THE_ENGINE and (metric not in RATES or metric == first):
                found[column][name] = one
    return {column: held for column, held in found.items() if len(held) > 1}


def machine_of(said: Json) -> str:
    """What computed; in which number format is the model's own."""
    hardware = said["hardware"]
    return f"{hardware.get('gpu') or hardware.get('cpu')} {said['model']['device']}"


def _plain(value: float, unit: str, *, higher: bool) -> Found:
    return Found(value, None, None, 0, 0, 0, 0, unit, higher, "cost", ())


def _mark(held: Mapping[str, Found], where: Mapping[str, str]) -> None:
    usual = Counter(where.values()).most_common(2)
    norm = usual[0][0] if len(usual) == 1 or usual[0][1] > usual[1][1] else None
    for name, one in held.items():
        one.marked = where[name] != norm


def axes_of(scores: dict[str, dict[str, Found]], costs: dict[str, dict[str, Found]]) -> Axes:
    higher = {column: bool(next(iter(held.values())).higher) for column, held in scores.items()}
    # Of areas and suites the mean says it: a rate of harm is the better the lower.
    higher |= {
        column: DIRECTIONS.get(column, UNITS.get(column.rpartition(":")[2], ("", False))[1])
        for column in costs
    }
    return Axes(scores, costs, higher)


def written_cost(number: float, unit: str) -> str:
    digits = {"count": 0, "GiB": 2}.get(unit)
    return in_column(number, unit) if digits is None else f"{number:.{digits}f}"


def check_cost(site: Path, axes: Axes, columns: Columns, rows: Json) -> Counter[str]:
    """All drawings; `rows` is what the front page says of its rows."""
    seen: Counter[str] = Counter()
    text = (site / "cost.html").read_text(encoding="utf-8")
    pieces = json.loads(text.partition('data-name="cost">')[2].partition("</script>")[0])["pieces"]
    short = dict(zip(rows["name"], rows["short"], strict=True))
    both = {
        f"{score} {cost}"
        for score, high in axes.scores.items()
        for cost, dear in axes.costs.items()
        if len({name for name in high if name in dear and name not in NO_MODEL}) > 1
    }
    assert set(pieces) == both
    told = {
        (column, miss): own.told(miss)
        for column, own in columns.items()
        if column in axes.scores
        for miss in (0.05, 0.025)
    }
    for key, path in pieces.items():
        score, _, cost = key.partition(" ")
        drawing = Drawing("".join(read_piece(site / path)))
        seen += _check_numbers(drawing, axes, score, cost, short)
        seen += _check_front(drawing, axes, (score, cost), columns, told, short)
    assert Drawing(text).rows == Drawing("".join(read_piece(site / next(iter(pieces.values()))))).rows
    return seen


def _check_numbers(
    drawing: Drawing, axes: Axes, score: str, cost: str, short: Mapping[str, str]
) -> Counter[str]:
    """Both numbers of each model in the table and beside its point, and where that and its ends lie."""
    seen: Counter[str] = Counter()
    high, dear = axes.scores[score], axes.costs[cost]
    names = [name for name in short if name in high and name in dear and name not in NO_MODEL]
    assert set(drawing.rows) == set(drawing.marks) == {short[name] for name in names}, (score, cost)
    for name in names:
        where = (score, cost, name)
        one, other = high[name], dear[name]
        texts = (_text(one, written), _text(other, written_cost))
        shown, paid, status = drawing.rows[short[name]]
        assert (shown, paid) == (texts[0], texts[1] + ("†" if other.marked else "")), where
        own, title, ends, x, y = drawing.marks[short[name]]
        assert title == f"{short[name]}: {texts[0]}; {texts[1]}", where
        assert status == WORDS[own], where
        half = 3.5 if own == "unknown" else 0.0
        seen += _check_places(drawing, (other, one), (x + half, y + half), ends, where)
        seen.update(values=2, intervals=(one.low is not None) + (other.low is not None))
    return seen


def _text(one: Found, write: Callable[[float, str], str]) -> str:
    ends = (
        ""
        if one.low is None or one.high is None
        else f" [{write(one.low, one.unit)}, {write(one.high, one.unit)}]"
    )
    return write(one.value, one.unit) + ends


def _check_places(
    drawing: Drawing, numbers: tuple[Found, Found], at: tuple[float, float], ends: str, where: tuple[str, ...]
) -> Counter[str]:
    seen: Counter[str] = Counter()
    up = re.search(r"M[\d.]+ ([\d.]+)V([\d.]+)", ends)
    across = re.search(r"M([\d.]+) [\d.]+H([\d.]+)", ends)
    for one, scale, place, line in zip(numbers, drawing.scales, at, (across, up), strict=True):
        assert (line is None) == (one.low is None), where
        if scale is None:
            continue
        times = 100 if one.unit == "fraction" else 1
        assert math.isclose(place, scale(times * one.value), abs_tol=NEAR), where
        seen["places"] += 1
        if line is not None and one.low is not None and one.high is not None:
            for drawn, end in zip(line.groups(), (one.low, one.high), strict=True):
                # An axis that is logarithmic ends at a tenth of the least value.
                assert (
                    math.isclose(float(drawn), scale(times * end), abs_tol=NEAR) or end <= one.value / 10
                ), where
                seen["places"] += 1
    return seen


def _check_front(
    drawing: Drawing,
    axes: Axes,
    key: tuple[str, str],
    columns: Columns,
    told: Mapping[tuple[str, float], list[Told]],
    short: Mapping[str, str],
) -> Counter[str]:
    """Who is on the front, how many that are, and the line through those whose values alone are."""
    score, cost = key
    high, dear = axes.scores[score], axes.costs[cost]
    said = {name: drawing.marks[short[name]][0] for name in short if short[name] in drawing.marks}
    counts = {WORDS[status]: str(sum(own == status for own in said.values())) for status in WORDS}
    assert drawing.counts == counts, key
    known = columns[score].names if score in columns else ()
    held = [
        name for name in known
        if name in said and not high[name].marked and not dear[name].marked and _whole(high[name])
    ]  # fmt: skip
    if len(held) < 2:
        held = []
    assert {name for name, status in said.items() if status == "unknown"} == set(said) - set(held), key
    if not held:
        return Counter(drawings=1)
    costs = [Cost(dear[name].value, _ends(dear[name]), dear[name].n or None) for name in held]
    sure = all(one.ends is None for one in costs)
    possible = {
        tuple(statuses(_among(one, known, held), costs, more_is_cheaper=axes.higher[cost]))
        for one in told[score, 0.05 if sure else 0.025]
    }
    own = tuple(said[name] for name in held)
    assert own in possible, (key, held, own, possible)
    front = observed(
        [high[name].value for name in held],
        costs,
        higher=axes.higher[score],
        more_is_cheaper=axes.higher[cost],
    )
    on_it = [drawing.marks[short[name]][3:] for name, is_on in zip(held, front, strict=True) if is_on]
    assert drawing.steps == _steps(sorted(on_it), cheap_is_left=not axes.higher[cost]), key
    return Counter(
        drawings=1,
        fronts=1,
        statuses=len(held),
        unsure=len(possible) > 1,
        told=own.count("on") + own.count("off"),
    )


def _whole(one: Found) -> bool:
    """A mean is over all of its tasks."""
    have, _, whole = one.signature[0].partition("/") if one.signature else ("", "", "")
    return have == whole or not (have.isdigit() and whole.isdigit())


def _ends(one: Found) -> tuple[float, float] | None:
    return None if one.low is None or one.high is None else (one.low, one.high)


def _among(told: Told, known: Sequence[str], held: Sequence[str]) -> Told:
    places = {known.index(name): at for at, name in enumerate(held)}
    return frozenset((places[a], places[b]) for a, b in told if a in places and b in places)


def _steps(points: list[tuple[float, float]], *, cheap_is_left: bool) -> str:
    if not cheap_is_left:
        points.reverse()
    if len(points) < 2:
        return ""
    return f"M{points[0][0]:g} {points[0][1]:g}" + "".join(f"H{x:g}V{y:g}" for x, y in points[1:])
