"""What a cell of the coverage benchmark is, how it is run, and which bars it has to keep to.

A cell is a way to draw samples of a known truth. It says how often the interval holds that truth, how often it lies below and
above, how wide it is, and the same of other methods (`coverage_candidates.py`) on the same draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.estimate import Estimate

FloatArray = NDArray[np.float64]
Rng = np.random.Generator
Ends = tuple[float, float]

LOW, HIGH = 0.935, 0.98
"""Share of draws whose interval has to hold the truth."""
ONE_SIDE = 0.04
"""The most that may miss on one side, from `FEW` samples on."""
FEW = 30
LEAST = 0.91
"""With fewer samples than `FEW`, at the worst of neighbouring truths; there `LOW` is for their mean."""
WIDER = 1.3
"""Times the narrowest candidate that covers."""
RARE = 10.0
"""With fewer expected events than this, a cell may lie above `HIGH`: a count of few events leaves no other choice."""


@dataclass(frozen=True)
class Drawn:
    """What the methods made of one draw."""

    value: float | None
    low: float | None
    high: float | None
    rivals: Mapping[str, Ends] = field(default_factory=dict)


def drawn(made: Estimate, rivals: Mapping[str, Ends] | None = None) -> Drawn:
    """From an estimate."""
    return Drawn(made.value, made.low, made.high, rivals or {})


@dataclass(frozen=True)
class Outcome:
    """Shares of the intervals made; NaN where none was."""

    held: float
    below: float
    """Of intervals that end below the truth."""
    above: float
    width: float
    mean: float
    """Of the values."""
    none: float
    """Share of draws without an interval."""
    draws: int
    """0: exact, by sums over all that can happen."""
    least: float
    """Held at the worst of neighbouring truths; where there is one truth, `held`."""
    rivals: Mapping[str, tuple[float, float, float, float]]
    """Held, below, above and mean width of each candidate."""


@dataclass(frozen=True)
class Cell:
    """One row."""

    kind: str
    """What kind of number: a row of the picture."""
    name: str
    truth: float | Callable[[], float]
    samples: int
    draw: Callable[[Rng], Drawn] | None = None
    exact: Callable[[], Outcome] | None = None
    design: str = ""
    """Cells of one design differ in what no method can know beforehand (such as the intra-cluster correlation): a candidate covers
    only if it does in all of them."""
    events: float = math.inf
    """Expected events, whichever of success and failure is rarer."""
    wide: str = ""
    """Why it may lie above `HIGH`."""
    limit: str = ""
    """Why no method that was tried covers: it is named, as long as no candidate does."""
    share: float = 1.0
    """Of the draws asked for; less where one takes long."""


def run(cell: Cell, draws: int, seed: Sequence[int]) -> tuple[float, Outcome]:
    """The truth, and what came of so many draws."""
    truth = cell.truth() if callable(cell.truth) else cell.truth
    if cell.exact is not None:
        return truth, cell.exact()
    assert cell.draw is not None
    rng = np.random.default_rng(seed)
    tried = [cell.draw(rng) for _ in range(max(2, round(draws * cell.share)))]
    ends = [(one.low, one.high) for one in tried if one.low is not None and one.high is not None]
    values = [one.value for one in tried if one.value is not None]
    held, below, above, width = _counted(ends, truth)
    names = dict.fromkeys(name for one in tried for name in one.rivals)
    return truth, Outcome(
        held,
        below,
        above,
        width,
        float(np.mean(values)) if values else math.nan,
        1 - len(ends) / len(tried),
        len(tried),
        held,
        {name: _counted([one.rivals[name] for one in tried if name in one.rivals], truth) for name in names},
    )


def _counted(ends: Sequence[Ends], truth: float) -> tuple[float, float, float, float]:
    if not ends:
        return (math.nan,) * 4
    table = np.array(ends, float)
    bad = ~np.isfinite(table).all(axis=1)
    below, above = (table[:, 1] < truth - 1e-12) | bad, (table[:, 0] > truth + 1e-12) & ~bad
    width = math.inf if bad.any() else float(np.ptp(table, axis=1).mean())
    return 1 - float((below | above).mean()), float(below.mean()), float(above.mean()), width


def record(cell: Cell, truth: float, found: Outcome) -> dict[str, Any]:
    """As a row of the JSON file."""
    row: dict[str, Any] = {
        "kind": cell.kind, "name": cell.name, "truth": truth, "samples": cell.samples, "design": cell.design or cell.name,
        "events": None if math.isinf(cell.events) else cell.events, "wide": cell.wide, "limit": cell.limit, **asdict(found),
    }  # fmt: skip
    row["rivals"] = {name: list(of) for name, of in found.rivals.items()}
    return row


def judge(rows: Sequence[dict[str, Any]]) -> None:
    """Adds to each row `best`, `times` (its width over that of the narrowest candidate that covers in all cells of its design) and
    `outside`: the bars that it does not keep to."""
    designs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        designs.setdefault((row["kind"], row["design"]), []).append(row)
    for row in rows:
        alike = designs[row["kind"], row["design"]]
        fit = {
            name: of[3]
            for name, of in row["rivals"].items()
            if all(_covers(other["rivals"].get(name), other["samples"], other["draws"]) for other in alike)
        }
        row["best"] = min(fit, key=lambda name: fit[name], default=None)
        best = fit[row["best"]] if row["best"] else math.nan
        row["times"] = row["width"] / best if best > 0 else math.nan
        row["outside"] = _outside(row)


def error(share: float, draws: int) -> float:
    """Twice the simulation's own standard error of a share; 0 where it is exact."""
    return 2 * math.sqrt(max(share * (1 - share), 0.0) / draws) if draws else 1e-9


def made(row: Mapping[str, Any]) -> int:
    """Draws that had an interval; 0 where it is exact."""
    return max(1, round(row["draws"] * (1 - row["none"]))) if row["draws"] else 0


def _covers(of: Sequence[float] | None, samples: int, draws: int) -> bool:
    """Does a candidate keep to the bars, but for the simulation's own error?"""
    if of is None or math.isnan(of[0]):
        return False
    side = max(of[1], of[2])
    return of[0] >= LOW - error(LOW, draws) and (samples < FEW or side <= ONE_SIDE + error(ONE_SIDE, draws))


def _outside(row: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    if math.isnan(row["held"]):
        return found
    few = row["samples"] < FEW
    draws = made(row)
    if row["held"] < LOW:
        found.append("low" if row["held"] < LOW - error(LOW, draws) else "low?")
    if row["least"] < (LEAST if few else LOW) and not found:
        found.append("low" if row["least"] < (LEAST if few else LOW) - error(LOW, draws) else "low?")
    if not few and (side := max(row["below"], row["above"])) > ONE_SIDE:
        found.append("one side" if side > ONE_SIDE + error(ONE_SIDE, draws) else "one side?")
    rare = row["events"] is not None and row["events"] < RARE
    if row["limit"] and not row["best"]:
        found = [mark if mark.endswith("?") else f"{mark} (named)" for mark in found]
    if row["held"] > HIGH + error(HIGH, draws):
        found.append("wide (named)" if rare or row["wide"] else "wide")
    if row["times"] > WIDER:
        found.append("width (named)" if rare or row["wide"] else "width")
    return found
