"""What our gate is held to, what it missed, and the tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gates_cells import DISCORDANCE, NUMBERS, OURS
from gates_rules import MARGIN

from lsm_eval.statistics.comparison.verdicts import FALSE_ALARM, FALSE_PASS

Row = Mapping[str, Any]
NEL = "nel gate 0.3.0"
ERRORS = 3.0
"""So many standard errors are the simulation's own."""
FOUND = 0.45
"""Of losses of two points, 1,319 pairs of which 10 % differ."""
SECONDS, HELP_SECONDS = 5.0, 0.3


@dataclass
class Bar:
    """One promise."""

    text: str
    cells: int = 0
    worst: str = ""
    missed: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    """Missed for a reason that is known and said."""

    @property
    def line(self) -> str:
        """In one line."""
        state = "MISSED" if self.missed else "holds but for what is named" if self.named else "holds"
        more = "".join(f"\n    missed: {one}" for one in self.missed)
        more += "".join(f"\n    named: {one}" for one in self.named)
        return f"{state}: {self.text} ({self.cells} cells{self.worst}){more}"


def bars(found: Mapping[str, Any]) -> list[Bar]:
    """Of all that was run."""
    rows = found["cells"]
    made = [*_rates(rows), _loss_found(rows), _passes(rows), *_stopping(found["stopping"])]
    return made + (_speed(found["speed"]) if found.get("speed") else [])


def error(share: float, draws: int) -> float:
    """As much as the simulation may be off."""
    return ERRORS * math.sqrt(share * (1 - share) / draws)


def called(row: Row) -> str:
    """A cell in words."""
    parts = [f"{row['n']:,} pairs", f"{100 * row['differ']:g} % differ"]
    parts += ["clustered"] if row["clustered"] else []
    parts += [f"{row['metrics']} metrics"] if row["metrics"] > 1 else []
    return ", ".join(parts)


def _rates(rows: Sequence[Row]) -> Iterator[Bar]:
    own = [row for row in rows if row["gate"] == OURS]
    alarms = [(row, row["false_alarm"]) for row in own if row["false_alarm"] is not None]
    yield _under("false alarms of a pull request, 1 % at most", alarms, FALSE_ALARM)
    passes = [(row, row["first_passes"]) for row in own if row["loss"] >= MARGIN]
    yield _under("false passes at the margin or beyond, 5 % at most", passes, FALSE_PASS)


def _under(text: str, cells: Sequence[tuple[Row, float]], most: float) -> Bar:
    bar = Bar(text, len(cells))
    if cells:
        row, worst = max(cells, key=lambda one: one[1])
        bar.worst = f"; worst {100 * worst:.2f} %: {called(row)}, {row['requests']:,} pull requests"
    bar.missed = [
        f"{100 * share:.2f} %: {called(row)}, a loss of {100 * row['loss']:g}"
        for row, share in cells
        if share > most + error(most, row["requests"])
    ]
    return bar


def _loss_found(rows: Sequence[Row]) -> Bar:
    wanted = {"n": 1319, "differ": 0.1, "loss": 0.02, "clustered": False, "metrics": 1}
    cells = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    fails = {row["gate"]: row["fail"] for row in cells if row["right"] is None}
    bar = Bar(
        "of 1,319 pairs of which 10 % differ a loss of 2 points fails in 45 % or more", int(OURS in fails)
    )
    if OURS in fails:
        bar.worst = f": {100 * fails[OURS]:.1f} %, nel gate {100 * fails[NEL]:.1f} %"
        bar.missed = [f"{100 * fails[OURS]:.1f} %"] if fails[OURS] < FOUND else []
    return bar


def _passes(rows: Sequence[Row]) -> Bar:
    """A rule that lets the margin pass more often than promised is no measure: there the fewer passes are named."""
    bar = Bar("an unchanged model passes at least as often as with nel gate")
    by = {(_setting(row), row["loss"], row["gate"]): row for row in rows if row["right"] is None}
    for (setting, loss, gate), own in by.items():
        other = by.get((setting, 0.0, NEL))
        if gate != OURS or loss or other is None:
            continue
        bar.cells += 1
        less = other["pass"] - own["pass"]
        if less <= error(max(other["pass"], 1 / own["requests"]), own["requests"]):
            continue
        alone = by.get(((*setting[:-1], 1), MARGIN, NEL))
        false = alone["first_passes"] if alone else 0.0
        text = f"{called(own)}: {100 * own['pass']:.1f} %, nel gate {100 * other['pass']:.1f} %"
        if alone and false > FALSE_PASS + error(FALSE_PASS, alone["requests"]):
            bar.named.append(f"{text}, which lets a loss of the margin pass in {100 * false:.1f} %")
        else:
            bar.missed.append(text)
    return bar


def _setting(row: Row) -> tuple[Any, ...]:
    return row["n"], row["differ"], row["clustered"], row["metrics"]


def _stopping(rows: Sequence[Row]) -> Iterator[Bar]:
    alarms = [(row, row["false_alarm"]) for row in rows if row["false_alarm"] is not None]
    yield _under("early stopping: false alarms of a pull request, 1 % at most", alarms, FALSE_ALARM)
    passes = [(row, row["first_passes"]) for row in rows if row["loss"] >= MARGIN]
    yield _under("early stopping: false passes, 5 % at most", passes, FALSE_PASS)
    rows = [row for row in rows if row["metrics"] == 1]
    losses = [row for row in rows if row["loss"] >= 2 * MARGIN]
    bar = Bar(
        "early stopping: 30 % of the samples at most at a loss of twice the margin or more", len(losses)
    )
    for row in losses:
        if row["used"] > 0.3:
            # A single look at so many would find the loss in eight of ten runs: with fewer no test does.
            few = row["needed"] > 0.3 * row["n"]
            line = f"{_used(row)}, where one look needs {row['needed']:,}"
            (bar.named if few else bar.missed).append(line)
    yield bar
    enough = [row for row in rows if not row["loss"] and row["n"] >= 2 * row["needed"]]
    bar = Bar("early stopping: 50 % at most for an unchanged model and twice the samples that are needed, or more", len(enough))  # fmt: skip
    bar.missed = [_used(row) for row in enough if row["used"] > 0.5]
    yield bar


def _used(row: Row) -> str:
    return f"{called(row)}, a loss of {100 * row['loss']:g}: {100 * row['used']:.0f} %"


def _speed(found: Row) -> list[Bar]:
    load = f"; load {found['load']:g}"
    whole = Bar(f"10,000 samples of 100 metrics gated in under {SECONDS:g} s: {found['gate']:.2f} s", 1, load)
    whole.missed = [f"{found['gate']:.2f} s"] if found["gate"] >= SECONDS else []
    helped = Bar(f"gate --help in under {HELP_SECONDS:g} s: {found['help']:.2f} s", 1, load)
    helped.missed = [f"{found['help']:.2f} s"] if found["help"] >= HELP_SECONDS else []
    return [whole, helped]


# Tables.


def tables(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines of Markdown."""
    yield "# Gates, simulated\n"
    yield f"Made by `python benchmarks/gates.py` (seed {found['seed']}); what it means stands in [README.md](README.md#how-often-gates-err)."
    yield (
        "Margin 1.5 points. `p`: what the baseline gets right, where it plays a part. `unchanged`: nothing differs but by chance. Of ten metrics one "
        "has lost, all must pass and none fail."
    )
    for clustered in (False, True):
        for metrics in sorted({row["metrics"] for row in found["cells"]}):
            rows = [row for row in found["cells"] if (row["clustered"], row["metrics"]) == (clustered, metrics)]  # fmt: skip
            if rows:
                title = f"{metrics} metric{'s' if metrics > 1 else ''}, {'clusters of ten' if clustered else 'pairs that stand alone'}"
                yield f"\n## {title}: {rows[0]['requests']:,} pull requests a cell\n"
                yield from _table(rows)
    yield "\n## Stopping early: ten looks\n"
    yield (
        "Samples used: until all verdicts are made. Needed: pairs of which a single look passes an unchanged model in nine of ten runs, or "
        "fails one of this loss in eight.\n"
    )
    yield "| metrics | pairs planned | differ | loss | pass | fail | samples used | needed | pull requests |"
    yield "|" + " ---: |" * 9
    for row in found["stopping"]:
        shown = [f"{100 * row[key]:.1f} %" for key in ("pass", "fail", "used")]
        needed = "–" if row["needed"] is None else f"{row['needed']:,}"
        yield f"| {row['metrics']} | {row['n']:,} | {100 * row['differ']:g} % | {100 * row['loss']:g} | {' | '.join(shown)} | {needed} | {row['requests']:,} |"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| pairs | differ | gate | p | unchanged: pass | fail | loss 1: fail | 1.5 (margin): pass | fail | 2: fail | 3: fail | 5: fail |"
    yield "| ---: | ---: | --- | ---: |" + " ---: |" * 8
    columns = [(0.0, "pass"), (0.0, "fail"), (0.01, "fail"), (MARGIN, "pass"), (MARGIN, "fail")]
    columns += [(loss, "fail") for loss in (0.02, 0.03, 0.05)]
    by = {(row["n"], row["differ"], row["gate"], row["right"], row["loss"]): row for row in rows}
    gates = dict.fromkeys((row["gate"], row["right"]) for row in rows)
    for n in NUMBERS:
        for differ in DISCORDANCE:
            for gate, right in sorted(gates, key=lambda one: _order(gates, one)):
                own = [by.get((n, differ, gate, right, loss)) for loss, _ in columns]
                if all(row is None for row in own):
                    continue
                shown = [
                    "–" if row is None else f"{100 * row[key]:.1f}"
                    for row, (_, key) in zip(own, columns, strict=True)
                ]
                share = "" if right is None else f"{right:g}"
                yield f"| {n:,} | {100 * differ:g} % | {gate} | {share} | {' | '.join(shown)} |"


def _order(gates: Mapping[tuple[str, float | None], None], one: tuple[str, float | None]) -> tuple[int, float]:  # fmt: skip
    names = list(dict.fromkeys(name for name, _ in gates))
    return names.index(one[0]), one[1] or 0.0
